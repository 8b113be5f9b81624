// RoBERTa (Liu et al. 2019), XLM-RoBERTa and CamemBERT: BERT whose positions begin behind the
// padding token's id, with a head of two layers.
#include "models/bert.h"

namespace models {
namespace {

using engine::Activation;
using engine::Json;

class Roberta : public BertModel {
 public:
  using BertModel::BertModel;

  HeadNames names(HeadKind kind) const override {
    const std::string type = config.model_type == "xlm-roberta" ? "XLMRoberta"
                             : config.model_type == "camembert" ? "Camembert"
                                                                : "Roberta";
    switch (kind) {
      case HeadKind::classification:
        return {.architecture = type + "ForSequenceClassification",
                .dense = "classifier.dense",
                .act = Activation::tanh,
                .out = "classifier.out_proj",
                .dropout = config.classifier_dropout};
      case HeadKind::token_classification:
        return {.architecture = type + "ForTokenClassification",
                .out = "classifier",
                .dropout = config.classifier_dropout};
      case HeadKind::masked_lm:
        return {.architecture = type + "ForMaskedLM",
                .dense = "lm_head.dense",
                .dense_role = engine::Role::lm_head,
                .act = Activation::gelu,
                .norm = "lm_head.layer_norm",
                .norm_eps = config.eps,
                .out = "lm_head.decoder",
                .tied = config.tied,
                .tied_bias = "lm_head.bias"};
      default:
        no_head(kind);
    }
  }
};

}  // namespace

Family roberta_family() {
  return {
      .types = {"roberta", "xlm-roberta", "camembert"},
      .make = [](const Json& json, const std::string& where) -> std::unique_ptr<Model> {
        ConfigReader in(json, where);
        BertConfig config(in);
        config.base = "roberta";
        config.position_offset = in.count_or("pad_token_id", 1) + 1;
        return std::make_unique<Roberta>(std::move(config), in.finish());
      },
      .random =
          [](const RandomSpec& spec) {
            Json json = bert_config_json(spec);
            json.update({{"type_vocab_size", 1}, {"layer_norm_eps", 1e-5}, {"pad_token_id", 1}});
            return json;
          },
      .dropouts = kBertDropouts};
}

}  // namespace models
