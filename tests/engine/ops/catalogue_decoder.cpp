#include <cmath>

#include "engine/ops/elementwise.h"
#include "engine/ops/gated.h"
#include "engine/ops/linear.h"
#include "engine/ops/rms_norm.h"
#include "engine/ops/rotary.h"
#include "engine/ops/vocabulary_loss.h"
#include "tests/engine/ops/catalogue_parts.h"
#include "tests/engine/ops/naive.h"

namespace catalogue {

using namespace engine;

namespace {

void add_rms_norm(Cases& out, int64_t n, int64_t d, int64_t ranges, Scalar eps) {
  OpCase c;
  c.name = concat("rms_norm ", n, " x ", d, ranges > 1 ? concat(" in ", ranges, " ranges") : "",
                  ", eps ", eps);
  c.shapes = {{n, d}, {1, d / ranges}};
  c.call = [=](Graph& g, In t) { return rms_norm(g, t[0], t[1], eps); };
  c.twin = [=](Graph& g, In t) { return naive::rms_norm(g, t[0], t[1], double(eps)); };
  c.cost = [=](Mask) { return keeps(n * d + n * ranges); };  // x and one number a range
  out.push_back(c);
}

// Positions restart inside the batch, as those of packed sequences do.
std::vector<int32_t> some_positions(int64_t n) {
  std::vector<int32_t> positions;
  for (int64_t i = 0; i < n; ++i) positions.push_back(static_cast<int32_t>(i * 5 % 11));
  return positions;
}
std::vector<float> some_frequencies(int64_t half) {
  std::vector<float> f;
  for (int64_t j = 0; j < half; ++j)
    f.push_back(std::pow(10.0f, -static_cast<float>(j) / static_cast<float>(half)));
  return f;
}

void add_rotary(Cases& out, int64_t n, int64_t heads, int64_t width, int64_t rotated,
                double scale) {
  OpCase c;
  c.name = concat("rotary ", n, " rows, ", heads, " heads of ", width, ", ", rotated, " rotated",
                  scale != 1 ? concat(", scale ", scale) : "");
  c.shapes = {{n, heads * width}};
  const auto positions = some_positions(n);
  const auto frequencies = some_frequencies(rotated / 2);
  c.call = [=](Graph& g, In t) {
    return rotary(g, t[0], rotary_table(g, positions, frequencies, scale), width);
  };
  c.twin = [=](Graph& g, In t) {
    return naive::rotary(g, t[0], positions, frequencies, width, scale);
  };
  c.cost = [=](Mask) { return keeps(n * rotated); };  // the table of angles
  out.push_back(c);
}

void add_gated(Cases& out, int64_t n, int64_t d, Activation act) {
  OpCase c;
  c.name = concat("gated ", activation_name(act), " ", n, " x ", d);
  c.shapes = {{n, d}, {n, d}};
  c.call = [=](Graph& g, In t) { return gated(g, t[0], t[1], act); };
  c.twin = [=](Graph& g, In t) { return naive::multiply(g, activation(g, t[0], act), t[1]); };
  c.cost = [=](Mask m) { return keeps((has(m, 0) ? 2 : 1) * n * d); };
  out.push_back(c);

  c.name = concat("gated halves ", activation_name(act), " ", n, " x ", d);
  c.shapes = {{n, 2 * d}};
  c.call = [=](Graph& g, In t) { return gated(g, t[0], act); };
  c.twin = [=](Graph& g, In t) {
    return naive::multiply(g, activation(g, select_columns(g, t[0], 0, d), act),
                           select_columns(g, t[0], d, d));
  };
  c.cost = [=](Mask) { return keeps(2 * n * d); };
  out.push_back(c);
}

struct VocabularyCase {
  int64_t n, d, classes;
  bool bias = true;
  double smoothing = 0;
  int64_t block_rows = 1 << 20;
};

void add_vocabulary_loss(Cases& out, const VocabularyCase& k) {
  OpCase c;
  const int64_t n = k.n, block = std::min(n, k.block_rows), blocks = (n + block - 1) / block;
  c.name = concat("vocabulary_loss ", n, " x ", k.d, ", ", k.classes, " classes",
                  k.bias ? "" : ", no bias", k.smoothing > 0 ? ", label smoothing" : "",
                  blocks > 1 ? concat(", ", blocks, " blocks") : "");
  c.shapes = {{n, k.d}, {k.classes, k.d}};
  if (k.bias) c.shapes.push_back({1, k.classes});
  std::vector<int32_t> labels, rows;  // rows: those with a term
  std::vector<double> wanted;
  for (int64_t i = 0; i < n; ++i) {
    labels.push_back(n > 1 && i % 4 == 1 ? -1 : static_cast<int32_t>((i * 7 + 2) % k.classes));
    if (labels.back() < 0) continue;
    rows.push_back(static_cast<int32_t>(i));
    wanted.push_back(labels.back());
  }
  c.call = [=](Graph& g, In t) {
    return vocabulary_loss(g, t[0], t[1], k.bias ? t[2] : Tensor(), labels,
                           {.smoothing = k.smoothing, .block = block * k.classes});
  };
  c.twin = [=](Graph& g, In t) {
    const Tensor u = linear(g, select_rows(g, t[0], rows), t[1], k.bias ? t[2] : Tensor());
    return naive::cross_entropy(g, u, wanted, k.smoothing);
  };
  c.cost = [=](Mask m) {
    const bool weights = has(m, 1) || has(m, 2), again = weights && blocks > 1;
    const double flops = 2.0 * double(n) * double(k.d) * double(k.classes);
    Cost cost = keeps((has(m, 0) ? n * k.d : 0) + (weights && !again ? n * k.classes : 0) +
                      (again || has(m, 1) ? n * k.d : 0) + (again ? n : 0));
    cost.forward = products(blocks, flops);
    if (has(m, 0)) cost.input_gradient = products(blocks, flops);
    if (has(m, 1)) cost.weight_gradient = products(blocks, flops);
    if (again) cost.recomputed = products(blocks, flops);
    return cost;
  };
  c.blas = true;
  out.push_back(c);
}

// With an update of rank r.
void add_updated_vocabulary(Cases& out, int64_t n, int64_t d, int64_t r, int64_t classes, bool bias,
                            int64_t block_rows) {
  OpCase c;
  const int64_t block = std::min(n, block_rows), blocks = (n + block - 1) / block;
  c.name = concat("vocabulary_loss ", n, " x ", d, " + ", r, ", ", classes, " classes",
                  bias ? "" : ", no bias", blocks > 1 ? concat(", ", blocks, " blocks") : "");
  c.shapes = {{n, d}, {classes, d}, {n, r}, {classes, r}};  // x, w, u, v
  if (bias) c.shapes.push_back({1, classes});
  std::vector<int32_t> labels;
  for (int64_t i = 0; i < n; ++i)
    labels.push_back(n > 1 && i % 4 == 1 ? -1 : static_cast<int32_t>((i * 7 + 2) % classes));
  c.call = [=](Graph& g, In t) {
    return vocabulary_loss(g, t[0], t[1], bias ? t[4] : Tensor(), {t[2], t[3]}, labels,
                           {.smoothing = 0.1, .block = block * classes});
  };
  c.cost = [=](Mask m) {
    const bool weights = has(m, 1) || has(m, 3) || has(m, 4), again = weights && blocks > 1;
    Cost cost = keeps((has(m, 0) ? n * d : 0) + (has(m, 2) ? n * r : 0) +
                      (weights && !again ? n * classes : 0) + (again || has(m, 1) ? n * d : 0) +
                      (again || has(m, 3) ? n * r : 0) + (again ? n : 0));
    const double whole = 2.0 * double(n) * double(d) * double(classes),
                 update = 2.0 * double(n) * double(r) * double(classes);
    const auto both = [&](bool first, bool second) {
      return products(blocks * (first + second), whole * first + update * second);
    };
    cost.forward = both(true, true);
    cost.input_gradient = both(has(m, 0), has(m, 2));
    cost.weight_gradient = both(has(m, 1), has(m, 3));
    if (again) cost.recomputed = both(true, true);
    return cost;
  };
  c.blas = true;
  out.push_back(c);
}

}  // namespace

void add_small_decoder_cases(Cases& out) {
  add_rms_norm(out, 1, 1, 1, Scalar(0.5));
  add_rms_norm(out, 5, 3, 1, Scalar(1e-3));
  add_rms_norm(out, 2, 65, 1, Scalar(1e-3));
  add_rms_norm(out, 3, 12, 4, Scalar(1e-3));
  add_rotary(out, 1, 1, 2, 2, 1);
  add_rotary(out, 5, 3, 6, 6, 1);
  add_rotary(out, 4, 2, 7, 4, 1.25);  // three columns of a head stay
  for (const Activation act : {Activation::silu, Activation::gelu, Activation::gelu_tanh}) {
    add_gated(out, 1, 1, act);
    add_gated(out, 3, 17, act);
  }
  add_vocabulary_loss(out, {.n = 1, .d = 1, .classes = 1});
  add_vocabulary_loss(out, {.n = 5, .d = 4, .classes = 11});
  add_vocabulary_loss(out, {.n = 7, .d = 3, .classes = 5, .bias = false, .smoothing = 0.1});
  add_vocabulary_loss(out, {.n = 7, .d = 3, .classes = 5, .smoothing = 0.1, .block_rows = 2});
  add_vocabulary_loss(out, {.n = 6, .d = 3, .classes = 7, .bias = false, .block_rows = 3});
  add_updated_vocabulary(out, 5, 4, 2, 7, true, 1 << 20);
  add_updated_vocabulary(out, 7, 3, 1, 5, false, 3);
}

void add_large_decoder_cases(Cases& out) {
  add_rms_norm(out, 257, 129, 1, Scalar(1e-5));
  add_rms_norm(out, 129, 96, 4, Scalar(1e-5));
  add_rotary(out, 129, 5, 26, 26, 1);
  add_rotary(out, 129, 5, 27, 10, 1.25);
  add_gated(out, 129, 300, Activation::silu);  // longer than one chunk
  add_gated(out, 129, 300, Activation::gelu);
  add_vocabulary_loss(out, {.n = 129, .d = 17, .classes = 300, .smoothing = 0.1});
  add_vocabulary_loss(out, {.n = 129, .d = 17, .classes = 300, .bias = false, .block_rows = 32});
}

}  // namespace catalogue
