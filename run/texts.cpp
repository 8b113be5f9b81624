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

void check_writes(const models::Facts& facts) {
  engine::check(facts.writes(), "model", "model_type '", facts.model_type,
                "' reads both ways: it is no language model",
                engine::hint("give a causal model or an encoder-decoder: gpt2, llama, mistral, "
                             "qwen2, qwen3, bart, mbart, t5"));
}

void read_with_encoder(data::TextRules& rules, const models::Facts& facts, int max_target_length) {
  if (!facts.encodes_and_decodes()) {
    engine::check(
        max_target_length == 0 && rules.source_prefix.empty(), "finetune",
        "--max-target-length and --source-prefix are about a model with an encoder, and '",
        facts.model_type, "' has none",
        engine::hint("give --max-length, which counts all of a text"));
    return;
  }
  rules.encoder = true;
  rules.start = facts.decoder_start;
  engine::check(max_target_length <= facts.longest_output, "finetune", "--max-target-length ",
                max_target_length, " is more than the ", facts.longest_output,
                " positions of the decoder");
  rules.max_target_length =
      max_target_length
          ? max_target_length
          : static_cast<int>(std::min<int64_t>(kUsualTargetLength, facts.longest_output));
}

int64_t longest_written(const OpenModel& open) {
  const models::Facts& facts = open.source.config.facts;
  if (!facts.encodes_and_decodes()) return longest_text(open);
  return facts.longest_output - models::positions_in_front(open.sites) +
         open.sites.words->prompt_length();
}

int64_t longest_text(const OpenModel& open) {
  const models::Facts& facts = open.source.config.facts;
  return facts.longest - (facts.causal ? models::positions_in_front(open.sites)
                                       : open.sites.words->prompt_length());
}

int default_context(int64_t longest) { return static_cast<int>(std::min<int64_t>(1024, longest)); }

}  // namespace run
