#include "apps/compare/cost.h"

#include <algorithm>
#include <cmath>

#include "apps/common/format.h"
#include "run/plan.h"

namespace apps {
namespace {

struct Products {
  double forward = 0, input_gradient = 0, weight_gradient = 0;  // FLOPs for one training token
  double all() const { return forward + input_gradient + weight_gradient; }
};

std::optional<Products> products(const Group& g) {
  if (!g.forward_flops || !g.input_gradient_flops || !g.weight_gradient_flops) return std::nullopt;
  const double tokens = g.train_tokens && g.train_tokens.mean > 0 ? g.train_tokens.mean : 1;
  return Products{g.forward_flops.mean / tokens, g.input_gradient_flops.mean / tokens,
                  g.weight_gradient_flops.mean / tokens};
}

std::string share(double ratio) {
  const double percent = 100 * ratio;
  return (percent >= 10 ? format_number(percent, 0) : format_significant(percent, 2)) + " %";
}

// The row that others are compared with: "full", else the one with the most products.
const Row* reference(const Summary& summary, size_t task, const std::string& model) {
  const Row* costliest = nullptr;
  double most = 0;
  for (const Row& row : summary.rows) {
    const Group* group = row.cells[task].group;
    const auto p = group && row.model == model ? products(*group) : std::nullopt;
    if (!p) continue;
    if (row.spec == "full") return &row;
    if (p->all() > most) {
      most = p->all();
      costliest = &row;
    }
  }
  return costliest;
}

double ratio(double a, double b) { return b > 0 ? a / b : 0; }

// A field of the record as a count in a range that can be planned.
int64_t bounded(const engine::Json& json, const char* key, int64_t fallback, int64_t most) {
  if (!json.is_object() || !json.contains(key) || !json[key].is_number()) return fallback;
  const double value = json[key].get<double>();
  return value >= 0 && value <= static_cast<double>(most) ? static_cast<int64_t>(value) : -1;
}

}  // namespace

std::optional<CostRatio> cost_ratio(const Summary& summary, size_t task, const Row& row) {
  const Group* group = row.cells[task].group;
  const auto mine = group ? products(*group) : std::nullopt;
  const Row* other = mine ? reference(summary, task, row.model) : nullptr;
  if (!other) return std::nullopt;
  const Group& beside = *other->cells[task].group;
  const Products theirs = *products(beside);
  CostRatio out;
  out.beside = other->spec;
  out.products = ratio(mine->all(), theirs.all());
  out.forward = ratio(mine->forward, theirs.forward);
  out.input_gradient = ratio(mine->input_gradient, theirs.input_gradient);
  out.weight_gradient = ratio(mine->weight_gradient, theirs.weight_gradient);
  if (group->saved_bytes && beside.saved_bytes && beside.saved_bytes.mean > 0)
    out.saved = group->saved_bytes.mean / beside.saved_bytes.mean;
  return out;
}

std::string why(const Summary& summary, size_t task, const Row& row) {
  const auto r = cost_ratio(summary, task, row);
  if (!r) return "";
  if (r->beside == row.spec)
    return "the measure of the others: forward, input gradients and weight gradients of every "
           "layer that learns";
  const Products mine = *products(*row.cells[task].group);
  std::string reason;
  if (mine.input_gradient < 0.01 * mine.forward) {
    reason = "forward only, since nothing below the head learns";
  } else {
    reason = r->weight_gradient < 0.05
                 ? "hardly any weight gradients (" + share(r->weight_gradient) + ")"
                 : share(r->weight_gradient) + " of the weight gradients";
    if (r->input_gradient > 0.95)
      reason += std::string(r->weight_gradient < 0.05 ? ", but" : " and") +
                " all input gradients, since the gradient has to reach the first layer";
    else
      reason += " and " + share(r->input_gradient) +
                " of the input gradients, since none goes below the lowest layer that learns";
  }
  if (r->forward > 1.01)
    reason += "; what it adds costs " + share(r->forward - 1) + " more in the forward pass";
  if (r->saved) reason += "; saved for backward: " + share(*r->saved) + " of its bytes";
  return share(r->products) + " of " + r->beside + "'s products: " + reason;
}

std::optional<Predicted> predict(const Group& group) {
  const Run& run = group.first();
  const engine::Json& s = run.settings;
  const int64_t batch = bounded(s, "batch_size", 0, 1 << 16),
                pieces = bounded(s, "piece_tokens", 0, 1 << 30);
  if (!run.config.is_object() || !run.steps || batch < 1 || pieces < 0 ||
      !run.data.train_examples || !run.data.train_tokens || *run.data.train_examples < 1)
    return std::nullopt;
  // A planned model is only its shapes, but a stranger's number of layers is a loop.
  for (const auto& [key, most] : {std::pair{"num_hidden_layers", 1 << 10},
                                  {"n_layers", 1 << 10},
                                  {"n_layer", 1 << 10},
                                  {"hidden_size", 1 << 17},
                                  {"vocab_size", 1 << 24}})
    if (bounded(run.config, key, 1, most) < 0) return std::nullopt;
  try {
    run::PlanOptions options;
    options.batch = batch;
    options.length =
        std::max<int64_t>(1, std::llround(static_cast<double>(*run.data.train_tokens) /
                                          static_cast<double>(*run.data.train_examples)));
    options.piece_tokens = pieces;
    options.dropout = !(s.contains("dropout") && s["dropout"] == 0);
    const run::Plan plan = run::make_plan(run.config, run.spec, options);
    if (!plan.error.empty()) return std::nullopt;
    const int64_t accumulation = std::max<int64_t>(1, bounded(s, "grad_accumulation", 1, 1 << 16));
    const double examples = static_cast<double>(*run.steps * batch * accumulation);
    double scale = examples / static_cast<double>(batch);
    // The last batch of an epoch is smaller, so go by tokens where they are known.
    if (group.train_tokens)
      scale = group.train_tokens.mean / static_cast<double>(options.batch * options.length);
    return Predicted{scale * (plan.flops() - plan.forward.flops),
                     static_cast<double>(plan.saved_bytes)};
  } catch (const std::exception&) {
    return std::nullopt;  // another family, another version, or nonsense
  }
}

}  // namespace apps
