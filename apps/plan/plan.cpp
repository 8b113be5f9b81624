#include "apps/plan/plan.h"

#include <algorithm>
#include <map>

#include "apps/plan/model.h"
#include "engine/base/threads.h"
#include "engine/train/pieces.h"
#include "models/classifier.h"
#include "models/planned.h"
#include "peft/count.h"
#include "peft/strategy.h"

namespace apps {
namespace {

using engine::Json;

// The pieces that a batch is cut into: how many there are of each number of sequences.
std::map<int64_t, int64_t> cut(const PlanOptions& options, engine::Module& model) {
  engine::TokenBatch batch;
  batch.ids.resize(static_cast<size_t>(options.batch * options.length));
  for (int64_t i = 0; i < options.batch; ++i)
    batch.segments.add(static_cast<int32_t>(options.length));
  engine::Pieces pieces;
  pieces.cut(batch, options.piece_tokens == engine::kPiecesByWidth
                        ? engine::default_piece_tokens(model)
                        : options.piece_tokens);
  std::map<int64_t, int64_t> sizes;
  for (int i = 0; i < pieces.count(); ++i) ++sizes[pieces.get(i).sequences()];
  return sizes;
}

// Runs `step` on a tape of shapes and fills in everything.
template <class Step>
Plan planned(engine::Module& model, engine::Sites sites, std::string_view spec,
             const PlanOptions& options, Step&& step) {
  engine::check(options.batch > 0 && options.length > 0, "plan", "a step of ", options.batch,
                " sequences of ", options.length, " tokens");
  const auto strategy = peft::make_strategy(spec);
  peft::apply(*strategy, sites, model);
  sym::Parts parts(model, sites, *strategy);

  const peft::Count count = peft::count(model);
  Plan plan;
  plan.model_type = sites.model_type;
  plan.strategy = strategy->name();
  plan.spec = strategy->spec();
  plan.total_parameters = count.total;
  plan.injected_parameters = count.injected;
  plan.base_parameters = count.total - count.injected;
  plan.trainable_parameters = count.trainable;
  plan.head_parameters = count.head;
  plan.batch = options.batch;
  plan.length = options.length;
  plan.pieces = 0;
  for (const auto& [sequences, times] : cut(options, model)) {
    sym::Tape tape(options.threads > 0 ? options.threads : engine::threads(), options.dropout);
    step(tape, sites, parts, sym::Packed{sequences, options.length});
    plan.pieces += times;
    plan.forward.add(tape.counters().forward, times);
    plan.input_gradient.add(tape.counters().input_gradient, times);
    plan.weight_gradient.add(tape.counters().weight_gradient, times);
    plan.saved_bytes = std::max(plan.saved_bytes, tape.counters().saved_bytes);
    plan.pool_bytes = std::max(plan.pool_bytes, tape.peak_bytes());
  }
  constexpr auto kScalar = static_cast<int64_t>(sizeof(engine::Scalar));
  plan.weight_bytes = count.total * kScalar;
  plan.gradient_bytes = count.trainable * kScalar;
  plan.optimizer_bytes = 2 * count.trainable * kScalar;
  return plan;
}

Json work_json(const engine::WorkCount& work) {
  return {{"calls", work.calls}, {"flops", work.flops}};
}

}  // namespace

double Plan::percent() const {
  return base_parameters > 0 ? 100.0 * static_cast<double>(trainable_parameters) /
                                   static_cast<double>(base_parameters)
                             : 0;
}

Json Plan::to_json() const {
  Json json = {{"model_type", model_type}, {"strategy", strategy}, {"strategy_spec", spec}};
  if (!error.empty()) {
    json["error"] = error;
    return json;
  }
  json["trainable_parameters"] = trainable_parameters;
  json["base_parameters"] = base_parameters;
  json["total_parameters"] = total_parameters;
  json["injected_parameters"] = injected_parameters;
  json["head_parameters"] = head_parameters;
  json["trainable_percent"] = percent();
  json["step"] = {{"batch_size", batch},
                  {"length", length},
                  {"tokens", batch * length},
                  {"pieces", pieces},
                  {"forward", work_json(forward)},
                  {"input_gradient", work_json(input_gradient)},
                  {"weight_gradient", work_json(weight_gradient)},
                  {"gemm_flops", flops()},
                  {"saved_bytes", saved_bytes}};
  json["memory"] = {{"weight_bytes", weight_bytes},
                    {"gradient_bytes", gradient_bytes},
                    {"optimizer_bytes", optimizer_bytes},
                    {"pool_bytes", pool_bytes},
                    {"total_bytes", memory_bytes()}};
  json["exact"] = exact;
  return json;
}

Plan make_plan(const models::ModelConfig& given, std::string_view spec,
               const PlanOptions& options) {
  models::ModelConfig config = given;
  if (options.num_labels > 0) models::set_labels(config, options.num_labels, {});
  engine::check(options.length <= config.longest_sequence(), "plan", "sequences of ",
                options.length, " tokens do not fit the ", config.longest_sequence(),
                " positions of this model",
                engine::hint("give --max-length ", config.longest_sequence(), " or less"));
  models::SequenceClassifier model(config);
  return planned(
      model, model.sites(), spec, options,
      [&](sym::Tape& tape, const engine::Sites&, sym::Parts& parts, const sym::Packed& packed) {
        sym::step(tape, model.config(), parts, packed);
      });
}

Plan make_plan(const Json& json, std::string_view spec, const PlanOptions& options,
               const std::string& where) {
  if (!models::is_planned_type(engine::get<std::string>(json, "model_type", where)))
    return make_plan(models::config_from_json(json, where), spec, options);
  const auto model = models::planned_model(json, where);
  Plan plan =
      planned(*model, model->sites(), spec, options,
              [](sym::Tape& tape, const engine::Sites& sites, sym::Parts& parts,
                 const sym::Packed& packed) { sym::step_llama(tape, sites, parts, packed); });
  plan.exact = false;
  return plan;
}

std::vector<Plan> make_plans(const Json& config, const std::vector<std::string>& strategies,
                             const PlanOptions& options, const std::string& where) {
  const Plan reference = make_plan(
      config, "full", options, where);  // what is wrong with the config itself is said once, here
  std::vector<Plan> plans;
  for (const std::string& spec : strategies) {
    try {
      plans.push_back(make_plan(config, spec, options, where));
      plans.back().spec =
          spec;  // as it was asked for: "adapter:kind=houlsby", where "adapter" would do
    } catch (const engine::Error& e) {
      Plan plan;
      plan.model_type = reference.model_type;
      plan.strategy = spec.substr(0, spec.find(':'));
      plan.spec = spec;
      plan.error = e.what();
      plans.push_back(std::move(plan));
    }
  }
  return plans;
}

std::vector<std::string> all_strategies() {
  return {"frozen",
          "top:layers=1",
          "bitfit",
          "ia3",
          "lora",
          "prefix",
          "adapter:kind=houlsby",
          "adapter:kind=pfeiffer",
          "adapter:kind=parallel",
          "full"};
}

Json plans_json(const std::vector<Plan>& plans) {
  Json out = Json::array();
  for (const Plan& plan : plans) out.push_back(plan.to_json());
  return out;
}

}  // namespace apps
