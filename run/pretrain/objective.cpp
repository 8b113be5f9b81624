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

// The next token, everywhere: the batch brings its targets (data::PackingForm::next_token).
class CausalObjective final : public Objective {
 public:
  CausalObjective(const PretrainSettings& settings, models::ModelConfig config,
                  const data::Tokenizer& tokenizer)
      : exported_(std::move(config)),
        marks_(data::document_marks(tokenizer)),
        model_(trained(exported_, settings.dropout)) {}
  engine::Module& module() override { return model_; }
  const std::vector<std::string>& parts() const override {
    static const std::vector<std::string> names{"causal"};
    return names;
  }
  double weight(const engine::TokenBatch& batch) const override {
    return static_cast<double>(batch.terms());
  }
  engine::Tensor loss(engine::Graph& g, const engine::TokenBatch& batch, uint64_t,
                      std::vector<Score>& scores) override {
    int64_t correct = 0;
    engine::Tensor loss =
        model_.vocabulary().loss(g, model_.encode(g, batch), batch.targets, {.correct = &correct});
    scores[0].add(*loss.data(), correct, batch.terms());
    return loss;
  }
  void save(const std::filesystem::path& folder,
            const engine::ParameterStore& store) const override {
    engine::Json json = exported_.to_json();
    json["bos_token_id"] = marks_.begin;
    json["eos_token_id"] = marks_.end;
    models::save_pretrained(folder, json, store, engine::DType::F16);
  }

 private:
  static models::ModelConfig trained(models::ModelConfig& exported, double dropout) {
    exported.head = models::HeadKind::language_model;
    models::ModelConfig config = exported;
    config.set_dropout(dropout);
    return config;
  }

  models::ModelConfig exported_;  // with the dropout that fine-tuning uses
  data::DocumentMarks marks_;
  models::SequenceClassifier model_;
};

// The text as it was, from one with noise (data/denoising.h): an encoder-decoder's.
class DenoiseObjective final : public Objective {
 public:
  DenoiseObjective(const PretrainSettings& settings, models::ModelConfig config,
                   const data::Tokenizer& tokenizer)
      : exported_(std::move(config)),
        end_(end_of(tokenizer)),
        model_(trained(exported_, settings.dropout)),
        noise_(tokenizer, {.rate = settings.noise,
                           .span = settings.span_length,
                           .permute = settings.permute_sentences,
                           .start = exported_.facts.decoder_start}) {}
  engine::Module& module() override { return model_; }
  const std::vector<std::string>& parts() const override {
    static const std::vector<std::string> names{"denoise"};
    return names;
  }
  void pose(engine::TokenBatch& batch, uint64_t seed, uint64_t number) override {
    noise_.apply(batch, seed, number);
  }
  // Every token is written, so a batch that has no noise yet says how many.
  double weight(const engine::TokenBatch& batch) const override {
    return static_cast<double>(batch.tokens());
  }
  engine::Tensor loss(engine::Graph& g, const engine::TokenBatch& batch, uint64_t,
                      std::vector<Score>& scores) override {
    int64_t correct = 0;
    engine::Tensor loss =
        model_.vocabulary().loss(g, model_.encode(g, batch), batch.targets, {.correct = &correct});
    scores[0].add(*loss.data(), correct, batch.terms());
    return loss;
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
  static int32_t end_of(const data::Tokenizer& tokenizer) {
    return tokenizer.special().eos.value_or(tokenizer.special_template().closing());
  }
  // A new model's outputs begin with the end token, as BART's do.
  models::ModelConfig trained(models::ModelConfig& exported, double dropout) const {
    engine::check(exported.facts.encodes_and_decodes(), "pretrain", "model_type '",
                  exported.facts.model_type, "' has no decoder beside an encoder",
                  engine::hint("--objective denoise is for bart and mbart"));
    engine::check(end_ >= 0, "pretrain", "the tokenizer has no end token",
                  engine::hint("name an eos_token in tokenizer_config.json"));
    if (!exported.raw.is_object()) {
      exported.json["decoder_start_token_id"] = end_;
      exported.facts.decoder_start = end_;
    }
    exported.head = models::HeadKind::language_model;
    models::ModelConfig config = exported;
    config.set_dropout(dropout);
    return config;
  }

  models::ModelConfig exported_;  // with the dropout that fine-tuning uses
  int32_t end_;
  models::SequenceClassifier model_;
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
