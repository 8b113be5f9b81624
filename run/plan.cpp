#include "run/plan.h"

#include "models/registry.h"
#include "peft/count.h"

namespace run {

using engine::Json;

Json Plan::to_json() const {
  Json json = {{"model_type", model_type}, {"strategy", strategy}, {"strategy_spec", spec}};
  if (!error.empty()) {
    json["error"] = error;
    return json;
  }
  // clang-format off
  const auto work = [](const engine::WorkCount& w) { return Json{{"calls", w.calls}, {"flops", w.flops}}; };
  json.update({
      {"trainable_parameters", trainable_parameters}, {"base_parameters", base_parameters},
      {"total_parameters", total_parameters}, {"injected_parameters", injected_parameters},
      {"head_parameters", head_parameters}, {"trainable_percent", percent()},
      {"step",
       {{"batch_size", batch}, {"length", length}, {"tokens", batch * length}, {"pieces", pieces},
        {"forward", work(forward)}, {"input_gradient", work(input_gradient)},
        {"weight_gradient", work(weight_gradient)}, {"recomputed", work(recomputed)},
        {"gemm_flops", flops()}, {"saved_bytes", saved_bytes}}},
      {"memory",
       {{"weight_bytes", weight_bytes}, {"gradient_bytes", gradient_bytes()},
        {"optimizer_bytes", optimizer_bytes()}, {"pool_bytes", pool_bytes},
        {"total_bytes", memory_bytes()}}}});
  // clang-format on
  if (target_length > 0) {
    json["step"]["target_length"] = target_length;
    json["step"]["tokens"] = batch * (length + target_length);
  }
  return json;
}

engine::TokenBatch planned_batch(const PlanOptions& options, bool output) {
  engine::TokenBatch batch;
  batch.ids.assign(static_cast<size_t>(options.batch * options.length), 0);
  batch.types = batch.targets = batch.ids;
  batch.labels.assign(static_cast<size_t>(options.batch), 0);
  for (int64_t i = 0; i < options.batch; ++i)
    batch.segments.add(static_cast<int32_t>(options.length));
  if (!output) return batch;
  const int64_t each = options.target_length > 0 ? options.target_length : options.length;
  batch.output.ids.assign(static_cast<size_t>(options.batch * each), 0);
  batch.targets = batch.output.ids;
  for (int64_t i = 0; i < options.batch; ++i) batch.output.segments.add(static_cast<int32_t>(each));
  return batch;
}

PlannedModel open_planned(const Json& json, std::string_view spec, const PlanOptions& options,
                          const std::string& where) {
  models::ModelConfig config = models::config_from_json(json, where);
  if (options.num_labels > 0) models::set_labels(config, options.num_labels, {});
  config.head = planned_head(config, options.num_labels);
  PlannedModel planned;
  planned.model = std::make_unique<models::SequenceClassifier>(config);
  planned.strategy = peft::make_strategy(spec);
  planned.sites = planned.model->sites();
  peft::apply(*planned.strategy, planned.sites, *planned.model);
  return planned;
}

models::HeadKind planned_head(const models::ModelConfig& config, int num_labels) {
  using models::HeadKind;
  if (num_labels > 0 || !config.facts.writes()) return HeadKind::classification;
  const Json named = config.raw.is_object() ? config.raw.value("architectures", Json()) : Json();
  const bool classifies = named.is_array() && !named.empty() && named[0].is_string() &&
                          named[0].get<std::string>().ends_with("ForSequenceClassification");
  return classifies ? HeadKind::classification : HeadKind::language_model;
}

engine::Tensor planned_loss(models::SequenceClassifier& model, engine::Graph& g,
                            const engine::Batch& batch) {
  if (model.config().head == models::HeadKind::language_model)
    return model.vocabulary().loss(g, model.encode(g, batch), batch.targets);
  return model.loss(g, model.logits(g, batch), batch);
}

bool writes_outputs(const models::SequenceClassifier& model) {
  return model.config().facts.encodes_and_decodes() &&
         model.config().head == models::HeadKind::language_model;
}

Plan make_plan(const Json& json, std::string_view spec, const PlanOptions& options,
               const std::string& where) {
  engine::check(options.batch > 0 && options.length > 0, "plan", "a step of ", options.batch,
                " sequences of ", options.length, " tokens");
  const PlannedModel planned = open_planned(json, spec, options, where);
  models::SequenceClassifier& model = *planned.model;
  const int64_t piece_tokens = options.piece_tokens == engine::kPiecesByWidth
                                   ? engine::default_piece_tokens(model)
                                   : options.piece_tokens;
  Plan plan{engine::cost_of_step(model, planned_batch(options, writes_outputs(model)), piece_tokens,
                                 options.dropout,
                                 [&](engine::Graph& g, const engine::TokenBatch& batch) {
                                   return planned_loss(model, g, batch);
                                 })};
  const peft::Count count = peft::count(model);
  plan.model_type = planned.sites.model_type;
  plan.strategy = planned.strategy->name();
  plan.spec = planned.strategy->spec();
  plan.base_parameters = count.total - count.injected;
  plan.total_parameters = count.total;
  plan.trainable_parameters = count.trainable;
  plan.injected_parameters = count.injected;
  plan.head_parameters = count.head;
  plan.batch = options.batch;
  plan.length = options.length;
  if (writes_outputs(model))
    plan.target_length = options.target_length > 0 ? options.target_length : options.length;
  return plan;
}

std::vector<Plan> make_plans(const Json& config, const std::vector<std::string>& strategies,
                             const PlanOptions& options, const std::string& where) {
  // What is wrong with the config itself is said once, here.
  const Plan reference = make_plan(config, "full", options, where);
  std::vector<Plan> plans;
  for (const std::string& spec : strategies) {
    try {
      plans.push_back(make_plan(config, spec, options, where));
      plans.back().spec = spec;  // as asked: "adapter:kind=houlsby", where "adapter" would do
    } catch (const engine::Error& e) {
      Plan& plan = plans.emplace_back();
      plan.model_type = reference.model_type;
      plan.strategy = spec.substr(0, spec.find(':'));
      plan.spec = spec;
      plan.error = e.what();
    }
  }
  return plans;
}

// clang-format off
std::vector<std::string> all_strategies() {
  return {"frozen", "top:layers=1", "bitfit", "norm", "ia3", "lora", "prefix", "prompt",
          "adapter:kind=houlsby", "adapter:kind=pfeiffer", "adapter:kind=parallel", "full"};
}
// clang-format on

Json plans_json(const std::vector<Plan>& plans) {
  Json out = Json::array();
  for (const Plan& plan : plans) out.push_back(plan.to_json());
  return out;
}

}  // namespace run
