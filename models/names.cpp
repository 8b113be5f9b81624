#include "models/names.h"

namespace models {
namespace {

Names bert_like(const char* base) {
  return {.base = base,
          .layers = "encoder.layer",
          .query = "attention.self.query",
          .key = "attention.self.key",
          .value = "attention.self.value",
          .attention_output = "attention.output.dense",
          .attention_norm = "attention.output.LayerNorm",
          .ffn_in = "intermediate.dense",
          .ffn_out = "output.dense",
          .ffn_norm = "output.LayerNorm",
          .after_attention = "attention.output",
          .after_ffn = "output"};
}

}  // namespace

const Names& names_of(Family family) {
  static const Names bert = bert_like("bert"), roberta = bert_like("roberta"),
                     electra = bert_like("electra");
  static const Names distilbert{.base = "distilbert",
                                .layers = "transformer.layer",
                                .query = "attention.q_lin",
                                .key = "attention.k_lin",
                                .value = "attention.v_lin",
                                .attention_output = "attention.out_lin",
                                .attention_norm = "sa_layer_norm",
                                .ffn_in = "ffn.lin1",
                                .ffn_out = "ffn.lin2",
                                .ffn_norm = "output_layer_norm",
                                .after_attention = "attention",
                                .after_ffn = "ffn"};
  switch (family) {
    case Family::bert:
      return bert;
    case Family::roberta:
      return roberta;
    case Family::electra:
      return electra;
    case Family::distilbert:
      return distilbert;
  }
  return bert;
}

}  // namespace models
