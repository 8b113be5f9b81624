#include "run/pretrain/objective.h"

#include "data/denoising.h"
#include "data/masking.h"
#include "data/packing.h"
#include "models/classifier.h"
#include "models/electra_pretraining.h"
#include "models/masked_lm.h"

namespace run {
namespace {

constexpr double kFineTuningDropout = 0.1;  // in the exported config.json

class MaskedObjective : public Objective {
 public:
  MaskedObjective(const PretrainSettings& settings, const data::Tokenizer& tokenizer)
      : masking_(tokenizer, {.rate = settings.mask_rate, .whole_words = settings.whole_word}) {}
  void pose(engine::TokenBatch& batch, uint64_t seed, uint64_t number) override {
    masking_.apply(batch, seed, number, masked_);
  }

 protected:
  data::MaskedTokens masked_;

 private:
  data::Masking masking_;
};

class MlmObjective final : public MaskedObjective {
 public:
  MlmObjective(const PretrainSettings& settings, models::ModelConfig config,
               const data::Tokenizer& tokenizer)
      : MaskedObjective(settings, tokenizer), model_(std::move(config)) {}
  engine::Module& module() override { return model_; }
  const std::vector<std::string>& parts() const override {
    static const std::vector<std::string> names{"mlm"};
    return names;
  }
  engine::Tensor loss(engine::Graph& g, const engine::TokenBatch& batch, uint64_t,
                      std::vector<Score>& scores) override {
    int64_t correct = 0;
    engine::Tensor loss = model_.loss(g, batch, masked_.rows, masked_.labels, &correct);
    scores[0].add(*loss.data(), correct, masked_.count());
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

class RtdObjective final : public MaskedObjective {
 public:
  RtdObjective(const PretrainSettings& settings, models::ModelConfig config,
               const data::Tokenizer& tokenizer)
      : MaskedObjective(settings, tokenizer),
        model_(std::move(config), settings.generator),
        discriminator_(settings.rtd_weight) {}
  engine::Module& module() override { return model_; }
  const std::vector<std::string>& parts() const override {
    static const std::vector<std::string> names{"rtd", "generator"};
    return names;
  }
  engine::Tensor loss(engine::Graph& g, const engine::TokenBatch& batch, uint64_t key,
                      std::vector<Score>& scores) override {
    models::RtdCounts counts;
    engine::Tensor loss =
        model_.loss(g, batch, masked_.rows, masked_.labels, discriminator_, key, &counts);
    scores[0].add(counts.discriminator_loss, counts.discriminator_correct, batch.tokens());
    scores[1].add(counts.generator_loss, counts.generator_correct, masked_.count());
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
  double discriminator_;  // the weight of its loss
};

// A model that writes learns the batch's targets.
class WritingObjective : public Objective {
 public:
  WritingObjective(models::ModelConfig exported, double dropout, std::string part)
      : exported_(as_writer(std::move(exported))),
        model_(with_dropout(exported_, dropout)),
        parts_{std::move(part)} {}
  engine::Module& module() override { return model_; }
  const std::vector<std::string>& parts() const override { return parts_; }
  engine::Tensor loss(engine::Graph& g, const engine::TokenBatch& batch, uint64_t,
                      std::vector<Score>& scores) override {
    int64_t correct = 0;
    engine::Tensor loss =
        model_.vocabulary().loss(g, model_.encode(g, batch), batch.targets, {.correct = &correct});
    scores[0].add(*loss.data(), correct, batch.terms());
    return loss;
  }

 protected:
  models::ModelConfig exported_;  // with the dropout that fine-tuning uses

 private:
  static models::ModelConfig as_writer(models::ModelConfig config) {
    config.head = models::HeadKind::language_model;
    return config;
  }
  static models::ModelConfig with_dropout(models::ModelConfig config, double dropout) {
    config.set_dropout(dropout);
    return config;
  }

  models::SequenceClassifier model_;
  std::vector<std::string> parts_;
};

// The next token, everywhere: the batch brings its targets (data::PackingForm::next_token).
class CausalObjective final : public WritingObjective {
 public:
  CausalObjective(const PretrainSettings& settings, models::ModelConfig config,
                  const data::Tokenizer& tokenizer)
      : WritingObjective(std::move(config), settings.dropout, "causal"),
        marks_(data::document_marks(tokenizer)) {}
  double weight(const engine::TokenBatch& batch) const override {
    return static_cast<double>(batch.terms());
  }
  void save(const std::filesystem::path& folder,
            const engine::ParameterStore& store) const override {
    engine::Json json = exported_.to_json();
    json["bos_token_id"] = marks_.begin;
    json["eos_token_id"] = marks_.end;
    models::save_pretrained(folder, json, store, engine::DType::F16);
  }

 private:
  data::DocumentMarks marks_;
};

// The text as it was, from one with noise (data/denoising.h): an encoder-decoder's.
class DenoiseObjective final : public WritingObjective {
 public:
  DenoiseObjective(const PretrainSettings& settings, models::ModelConfig config,
                   const data::Tokenizer& tokenizer)
      : WritingObjective(begun_by_end(std::move(config), tokenizer), settings.dropout, "denoise"),
        end_(data::document_marks(tokenizer).end),
        noise_(tokenizer, {.rate = settings.noise,
                           .span = settings.span_length,
                           .permute = settings.permute_sentences,
                           .start = exported_.facts.decoder_start}) {}
  void pose(engine::TokenBatch& batch, uint64_t seed, uint64_t number) override {
    noise_.apply(batch, seed, number);
  }
  // Every token is written, so a batch that has no noise yet says how many.
  double weight(const engine::TokenBatch& batch) const override {
    return static_cast<double>(batch.tokens());
  }
  void save(const std::filesystem::path& folder,
            const engine::ParameterStore& store) const override {
    engine::Json json = exported_.to_json();
    json["is_encoder_decoder"] = true;
    json["decoder_start_token_id"] = exported_.facts.decoder_start;
    json["eos_token_id"] = end_;
    models::save_pretrained(folder, json, store, engine::DType::F16);
  }

 private:
  // A new model's outputs begin with the end token, as BART's do.
  static models::ModelConfig begun_by_end(models::ModelConfig config,
                                          const data::Tokenizer& tokenizer) {
    engine::check(config.facts.encodes_and_decodes(), "pretrain", "model_type '",
                  config.facts.model_type, "' has no decoder beside an encoder",
                  engine::hint("--objective denoise is for bart and mbart"));
    if (!config.raw.is_object()) {
      config.facts.decoder_start = data::document_marks(tokenizer).end;
      config.json["decoder_start_token_id"] = config.facts.decoder_start;
    }
    return config;
  }

  int32_t end_;
  data::Denoising noise_;
};

}  // namespace

std::unique_ptr<Objective> make_objective(const PretrainSettings& settings,
                                          models::ModelConfig config,
                                          const data::Tokenizer& tokenizer) {
  if (settings.objective == "causal")
    return std::make_unique<CausalObjective>(settings, std::move(config), tokenizer);
  if (settings.objective == "denoise")
    return std::make_unique<DenoiseObjective>(settings, std::move(config), tokenizer);
  config.set_dropout(settings.dropout);
  if (settings.objective == "mlm")
    return std::make_unique<MlmObjective>(settings, std::move(config), tokenizer);
  return std::make_unique<RtdObjective>(settings, std::move(config), tokenizer);
}

}  // namespace run
