#include "run/pretrain/objective.h"

#include "models/electra_pretraining.h"
#include "models/masked_lm.h"

namespace run {
namespace {

constexpr double kFineTuningDropout = 0.1;  // in the exported config.json

class MlmObjective final : public Objective {
 public:
  explicit MlmObjective(models::ModelConfig config) : model_(std::move(config)) {}
  engine::Module& module() override { return model_; }
  const std::vector<std::string>& parts() const override {
    static const std::vector<std::string> names{"mlm"};
    return names;
  }
  engine::Tensor loss(engine::Graph& g, const engine::TokenBatch& batch,
                      const data::MaskedTokens& masked, uint64_t,
                      std::vector<Score>& scores) override {
    int64_t correct = 0;
    engine::Tensor loss = model_.loss(g, batch, masked.rows, masked.labels, &correct);
    scores[0].add(*loss.data(), correct, masked.count());
    return loss;
  }
  void save(const std::filesystem::path& folder,
            const engine::ParameterStore& store) const override {
    models::save_pretrained(
        folder, models::pretraining_json(model_.config(), "BertForMaskedLM", kFineTuningDropout),
        store, engine::DType::F16);
  }

 private:
  models::MaskedLm model_;
};

class RtdObjective final : public Objective {
 public:
  RtdObjective(models::ModelConfig config, double generator, double weight)
      : model_(std::move(config), generator), weight_(weight) {}
  engine::Module& module() override { return model_; }
  const std::vector<std::string>& parts() const override {
    static const std::vector<std::string> names{"rtd", "generator"};
    return names;
  }
  engine::Tensor loss(engine::Graph& g, const engine::TokenBatch& batch,
                      const data::MaskedTokens& masked, uint64_t key,
                      std::vector<Score>& scores) override {
    models::RtdCounts counts;
    engine::Tensor loss = model_.loss(g, batch, masked.rows, masked.labels, weight_, key, &counts);
    scores[0].add(counts.discriminator_loss, counts.discriminator_correct, batch.tokens());
    scores[1].add(counts.generator_loss, counts.generator_correct, masked.count());
    return loss;
  }
  void save(const std::filesystem::path& folder,
            const engine::ParameterStore& store) const override {
    models::save_pretrained(
        folder,
        models::pretraining_json(model_.config(), "ElectraForPreTraining", kFineTuningDropout),
        store, engine::DType::F16, "generator");
  }

 private:
  models::ElectraPretraining model_;
  double weight_;
};

}  // namespace

std::unique_ptr<Objective> make_objective(const PretrainSettings& settings,
                                          models::ModelConfig config) {
  config.set_dropout(settings.dropout);
  if (settings.objective == "mlm") return std::make_unique<MlmObjective>(std::move(config));
  return std::make_unique<RtdObjective>(std::move(config), settings.generator, settings.rtd_weight);
}

}  // namespace run
