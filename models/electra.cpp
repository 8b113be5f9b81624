// ELECTRA (Clark et al. 2020): BERT whose word table may be narrower than its layers, with a head
// of two layers; the discriminator is the model, the generator lives in electra_pretraining.h.
#include "models/bert.h"

namespace models {
namespace {

using engine::Activation;
using engine::Json;

class Electra : public BertModel {
 public:
  using BertModel::BertModel;

  HeadNames names(HeadKind kind) const override {
    switch (kind) {
      case HeadKind::classification:
        return {.architecture = "ElectraForSequenceClassification",
                .dense = "classifier.dense",
                .act = Activation::gelu,
                .out = "classifier.out_proj",
                .dropout = config.classifier_dropout};
      case HeadKind::token_classification:
        return {.architecture = "ElectraForTokenClassification",
                .out = "classifier",
                .dropout = config.classifier_dropout};
      case HeadKind::masked_lm:
        return {.architecture = "ElectraForMaskedLM",
                .dense = "generator_predictions.dense",
                .dense_role = engine::Role::lm_head,
                .act = Activation::gelu,
                .width = config.embedding,
                .norm = "generator_predictions.LayerNorm",
                .norm_eps = config.eps,
                .out = "generator_lm_head",
                .tied = config.tied,
                .tied_bias = "generator_lm_head.bias"};
      case HeadKind::replaced_token:
        return {.architecture = "ElectraForPreTraining",
                .dense = "discriminator_predictions.dense",
                .act = config.act,
                .drop_first = false,
                .out = "discriminator_predictions.dense_prediction"};
      default:
        no_head(kind);
    }
  }
};

}  // namespace

Family electra_family() {
  return {.types = {"electra"},
          .make = [](const Json& json, const std::string& where) -> std::unique_ptr<Model> {
            ConfigReader in(json, where);
            BertConfig config(in);
            config.base = "electra";
            config.embedding = in.size_or("embedding_size", 128);
            // Of a summary of the sequence that no head here has.
            in.harmless(
                {"summary_activation", "summary_last_dropout", "summary_type", "summary_use_proj"});
            return std::make_unique<Electra>(std::move(config), in.finish());
          },
          .random =
              [](const RandomSpec& spec) {
                Json json = bert_config_json(spec);
                json["embedding_size"] = spec.embedding;
                return json;
              },
          .dropouts = kBertDropouts};
}

}  // namespace models
