#include "bench/ops.h"

#include <algorithm>
#include <functional>

#include "bench/machine.h"
#include "bench/shapes.h"
#include "engine/base/peak.h"
#include "engine/base/philox.h"
#include "engine/base/threads.h"
#include "engine/base/timer.h"
#include "engine/optim/adamw.h"
#include "engine/optim/clip.h"
#include "models/classifier.h"
#include "tests/engine/ops/catalogue.h"

namespace bench {
namespace {

using catalogue::Mask;
using catalogue::OpCase;

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v.empty() ? 0 : v[v.size() / 2];
}

double bytes_of(const engine::Tensor& t) { return static_cast<double>(t.bytes()); }

// The time of the ops in backward without the one that stands for the rest of the graph.
class BackwardTime : public engine::OpListener {
 public:
  void forward(const char*, const engine::Tensor&, int64_t) override {}
  void backward(const char* op, int32_t, double begin, double end) override {
    if (std::string_view(op) != kRest) seconds += end - begin;
  }
  double now() override { return timer_.seconds(); }
  static constexpr std::string_view kRest = "rest";
  double seconds = 0;

 private:
  engine::Timer timer_;
};

// A loss whose gradient is ones.
engine::Tensor rest(engine::Graph& g, const engine::Tensor& y) {
  engine::Tensor loss = g.make({1, 1});
  *loss.data() = 0;
  const engine::Tensor input = y.ghost();
  return g.record(BackwardTime::kRest.data(), loss, {y}, [=](engine::Backward& bw) {
    const engine::GradSink dx = bw.into(input);
    std::fill_n(dx.data, input.size(), engine::Scalar(1));
  });
}

std::vector<engine::Tensor> inputs(engine::Workspace& ws, const OpCase& c) {
  std::vector<engine::Tensor> tensors;
  for (const engine::Shape shape : c.shapes) {
    engine::Tensor t(shape, engine::BlockRef(ws.pool.take(static_cast<size_t>(shape.size()) *
                                                          sizeof(engine::Scalar))));
    for (int64_t i = 0; i < t.size();
         ++i)  // in [-0.1, 0.1): the values do not matter, but denormals would
      t.data()[i] = (static_cast<engine::Scalar>(engine::mix(1, static_cast<uint64_t>(i)) >> 40) /
                         engine::Scalar(1 << 24) -
                     engine::Scalar(0.5)) /
                    5;
    tensors.push_back(std::move(t));
  }
  return tensors;
}

// "attention 128+128+128 tokens" says its lengths one by one; here they are alike: "attention 3 x
// 128 tokens".
std::string short_name(std::string name) {
  const size_t begin = name.find("128+"), end = name.rfind("+128");
  if (begin == std::string::npos || end == std::string::npos) return name;
  const std::string times = std::to_string((end + 4 - begin + 1) / 4);
  return name.replace(begin, end + 4 - begin, times + " x 128");
}

void set_bound(OpPart& part, double peak, int threads) {
  const double bandwidth = bandwidth_gbs(threads, static_cast<int64_t>(part.bytes));
  part.bound_ms = std::max(part.flops / (peak * 1e6), part.bytes / (bandwidth * 1e6));
}

// `mask` says which inputs want a gradient.
OpTime time_op(const OpCase& c, Mask mask, double seconds) {
  OpTime result;
  result.name = short_name(c.name);
  engine::Workspace ws;
  const auto fixed = inputs(ws, c);
  const bool lookup = c.name.starts_with("embedding_sum");
  std::vector<double> forward, backward;
  const engine::Timer all;
  while (forward.size() < 3 || all.seconds() < seconds) {
    BackwardTime listener;
    engine::GraphOptions options = c.options;
    options.listener = &listener;
    const engine::Counters before = engine::counters();
    engine::Graph g(ws, options);
    std::vector<engine::Tensor> leaves = fixed;
    for (size_t i = 0; i < leaves.size(); ++i)
      if (mask >> i & 1) leaves[i] = g.input(fixed[i]);
    const engine::Timer timer;
    const engine::Tensor y = c.call(g, leaves);
    forward.push_back(timer.seconds() * 1e3);
    const engine::Counters between = engine::counters();
    result.forward.flops = between.flops() - before.flops();
    result.forward.bytes = bytes_of(y);
    for (const auto& t : fixed)
      result.forward.bytes += lookup ? bytes_of(y) : bytes_of(t);  // of a table only the rows
    if (mask == 0) continue;
    result.backward.bytes =
        bytes_of(y) + static_cast<double>(between.saved_bytes - before.saved_bytes);
    for (size_t i = 0; i < leaves.size(); ++i)
      if (mask >> i & 1) result.backward.bytes += bytes_of(fixed[i]);  // its gradient
    g.backward(rest(g, y));
    backward.push_back(listener.seconds * 1e3);
    result.backward.flops = engine::counters().flops() - between.flops();
  }
  result.forward.ms =
      median({forward.begin() + 1,
              forward.end()});  // without the first, that takes memory from the system
  if (mask != 0) result.backward.ms = median({backward.begin() + 1, backward.end()});
  return result;
}

OpTime time_pass(const std::string& name, double bytes, double seconds,
                 const std::function<void()>& pass) {
  OpTime result;
  result.name = name;
  result.forward.bytes = bytes;
  std::vector<double> times;
  const engine::Timer all;
  while (times.size() < 3 || all.seconds() < seconds) {
    const engine::Timer timer;
    pass();
    times.push_back(timer.seconds() * 1e3);
  }
  result.forward.ms = median({times.begin() + 1, times.end()});
  return result;
}

// AdamW reads values, gradients and two moments and writes all but the gradients; the norm reads
// the gradients.
std::vector<OpTime> time_optimizer(int64_t parameters, const OpBench& options) {
  struct Block : engine::Module {
    explicit Block(int64_t n) {
      declare(p, "p", {n}, engine::Role::head, 0, engine::Init::zeros);
      p.trainable = true;
    }
    engine::Parameter p;
  } block(parameters);
  engine::ParameterStore store(block);
  store.allocate();
  store.initialise(1);
  std::fill_n(store.block().grad, parameters, engine::Scalar(1e-3));
  engine::AdamW adamw(store.block(), {.weight_decay = 0.01});
  const double each = static_cast<double>(parameters) * sizeof(engine::Scalar);
  const auto named = [&](const char* what) {
    return engine::concat(what, " ", parameters, " parameters");
  };
  return {time_pass(named("adamw"), 7 * each, options.seconds, [&] { adamw.step(1e-4, 0.5); }),
          time_pass(named("clip_gradients"), each, options.seconds,
                    [&] { engine::clip_gradients(store.block(), 1); })};
}

}  // namespace

std::vector<OpTime> bench_ops(const std::string& model, const OpBench& options) {
  const int threads = engine::set_threads(options.threads);
  const models::ModelConfig config = models::config_from_spec(model_spec(model), 30522);
  const models::Facts& m = config.facts;
  const auto wanted = [&](const std::string& name) {
    return (model + " " + name).find(options.filter) != std::string::npos;
  };
  const int batch = options.batch > 0 ? options.batch : model == "base" ? 8 : 32;
  const double peak = engine::measure_peak_gflops(threads, 0.2);
  std::vector<OpTime> results;
  for (const OpCase& c :
       catalogue::model_cases({std::vector<int32_t>(static_cast<size_t>(batch), 128), m.heads,
                               m.hidden, m.ffn, m.embedding, m.vocab})) {
    if (c.name.starts_with("add over") || c.name.starts_with("add to"))
      continue;  // how it is called matters to tests only
    if (wanted(c.name)) results.push_back(time_op(c, c.all(), options.seconds));
    if (c.name.starts_with("linear") && wanted(c.name + ", frozen")) {
      results.push_back(time_op(c, c.all() & ~Mask{2}, options.seconds));  // x and the bias: BitFit
      results.back().name += ", frozen";
    }
  }
  const int64_t parameters = [&] {
    models::SequenceClassifier whole(config);
    return engine::ParameterStore(whole).total_count();
  }();
  if (wanted("adamw") || wanted("clip_gradients"))
    for (OpTime& t : time_optimizer(parameters, options))
      if (wanted(t.name)) results.push_back(std::move(t));
  for (OpTime& t : results) {
    t.model = model;
    set_bound(t.forward, peak, threads);
    set_bound(t.backward, peak, threads);
  }
  return results;
}

engine::Json OpTime::to_json() const {
  const auto part = [](const OpPart& p) {
    return engine::Json{{"ms", p.ms},
                        {"flops", p.flops},
                        {"bytes", p.bytes},
                        {"bound_ms", p.bound_ms},
                        {"gflops", p.gflops()},
                        {"gbs", p.gbs()},
                        {"share_of_bound", p.share()}};
  };
  engine::Json json = {{"model", model}, {"op", name}, {"forward", part(forward)}};
  if (backward.ms > 0) json["backward"] = part(backward);
  return json;
}

}  // namespace bench
