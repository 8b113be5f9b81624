#include "bench/generate.h"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "bench/machine.h"
#include "engine/base/threads.h"
#include "engine/base/timer.h"
#include "engine/tensor/memory.h"
#include "models/generate.h"
#include "models/pretrained.h"
#include "peft/strategy.h"

namespace bench {
namespace {

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// A copy of as many bytes as the weights have, so that no cache serves one and not the other.
class Copy {
 public:
  explicit Copy(int64_t bytes)
      : count_(bytes / 2 / static_cast<int64_t>(sizeof(engine::Scalar))),
        from_(engine::allocate_scalars(count_)),
        to_(engine::allocate_scalars(count_)) {
    std::fill_n(from_.get(), count_, engine::Scalar(1));
  }

  double gbs() {
    const engine::Timer timer;
#pragma omp parallel
    {
      const int64_t parts = omp_get_num_threads(), part = omp_get_thread_num();
      const int64_t begin = count_ * part / parts, end = count_ * (part + 1) / parts;
      std::memcpy(to_.get() + begin, from_.get() + begin,
                  static_cast<size_t>(end - begin) * sizeof(engine::Scalar));
    }
    return 2.0 * static_cast<double>(count_) * sizeof(engine::Scalar) / timer.seconds() * 1e-9;
  }

 private:
  int64_t count_;
  std::shared_ptr<engine::Scalar> from_, to_;
};

// Parameters that are looked up by rows: positions, and words unless they are the last layer too.
bool looked_up(const engine::Parameter& p, bool tied) {
  return p.role == engine::Role::embedding && !(tied && p.name.find("wpe") == std::string::npos);
}

}  // namespace

engine::Json WriteResult::to_json(const WriteCase& c) const {
  return {{"model", c.model},
          {"strategy", c.strategy},
          {"batch", c.batch},
          {"threads", c.threads},
          {"precision", engine::precision_name(c.precision)},
          {"token_ms", token_ms},
          {"weight_bytes", weight_bytes},
          {"weights_gbs", weights_gbs()},
          {"copy_gbs", copy_gbs},
          {"share", share()}};
}

WriteResult run_writing(const WriteCase& c) {
  engine::set_threads(c.threads);
  engine::set_precision(c.precision);
  models::ModelSource source = models::open_model(c.model, 32000);
  models::ModelConfig& config = source.config;
  config.head = models::HeadKind::language_model;
  models::SequenceClassifier model(config);
  const auto strategy = peft::make_strategy(c.strategy);
  engine::Sites sites = model.sites();
  peft::apply(*strategy, sites, model);
  engine::ParameterStore store(model);
  store.allocate();
  models::load_weights(source, store, 1, true);

  WriteResult result;
  const bool tied = model.model().names(config.head).tied;
  for (const engine::Parameter* p : store.all())
    if (!looked_up(*p, tied)) result.weight_bytes += p->held_bytes();

  engine::Workspace workspace;
  models::Generator generator(model.model(), model.vocabulary(), workspace);
  std::vector<std::vector<int32_t>> prompts(static_cast<size_t>(c.batch));
  for (size_t i = 0; i < prompts.size(); ++i)
    for (int t = 0; t < c.prompt; ++t)
      prompts[i].push_back(static_cast<int32_t>((7 * i + static_cast<size_t>(t)) % 97 + 3));
  Copy copy(result.weight_bytes);
  std::vector<double> times, copies;
  for (int round = 0; round <= c.rounds; ++round) {
    copies.push_back(copy.gbs());
    double last = 0;
    const engine::Timer timer;
    std::vector<double> steps;
    models::GenerateOptions options;
    options.max_new_tokens = c.tokens + 1;
    options.batch = c.batch;
    options.on_token = [&](int prompt, int32_t) {
      if (prompt != c.batch - 1) return;
      const double now = timer.seconds();
      if (last > 0) steps.push_back(now - last);  // not the first, which reads the prompt
      last = now;
    };
    generator.run(prompts, options);
    copies.push_back(copy.gbs());
    if (round == 0)
      copies.clear();  // the first round touches the memory
    else
      times.push_back(median_of(steps));
  }
  result.token_ms = median_of(times) * 1e3;
  result.copy_gbs = median_of(copies);
  return result;
}

}  // namespace bench
