#include "run/texts.h"

#include <algorithm>

#include "engine/nn/embedding.h"
#include "models/causal.h"

namespace run {

int32_t end_token(const data::Tokenizer& tokenizer, const models::ModelConfig& config) {
  if (const auto eos = tokenizer.special().eos) return *eos;
  engine::Json id;
  if (config.raw.is_object() && config.raw.contains("eos_token_id"))
    id = config.raw["eos_token_id"];
  if (id.is_array() && !id.empty()) id = engine::Json(id[0]);
  if (id.is_number_integer() && id.get<int64_t>() >= 0 &&
      id.get<int64_t>() < tokenizer.vocab_size())
    return id.get<int32_t>();
  return tokenizer.special_template().closing();
}

int64_t longest_text(const OpenModel& open) {
  const models::Facts& facts = open.source.config.facts;
  return facts.longest - (facts.causal ? models::positions_in_front(open.sites)
                                       : open.sites.words->prompt_length());
}

int default_context(int64_t longest) { return static_cast<int>(std::min<int64_t>(1024, longest)); }

}  // namespace run
