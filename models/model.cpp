#include "models/model.h"

namespace models {

const char* head_kind_name(HeadKind kind) {
  switch (kind) {
    case HeadKind::classification:
      return "classification";
    case HeadKind::token_classification:
      return "token classification";
    case HeadKind::masked_lm:
      return "masked language modelling";
    case HeadKind::replaced_token:
      return "replaced-token detection";
    case HeadKind::language_model:
      return "language modelling";
  }
  return "?";
}

engine::Sites Model::sites() {
  engine::Sites sites = engine::collect_sites(*this);
  sites.model_type = facts().model_type;
  sites.layers = facts().layers;
  sites.heads = facts().heads;
  sites.hidden = facts().hidden;
  sites.kv.heads = facts().kv_heads;
  return sites;
}

void Model::no_head(HeadKind kind) const {
  engine::fail("model", "model_type '", facts().model_type, "' has no head for ",
               head_kind_name(kind));
}

}  // namespace models
