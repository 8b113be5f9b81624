#include "run/gguf_tokenizer.h"

#include "engine/base/error.h"
#include "models/gguf.h"

namespace run {

data::GgufTokenizer read_gguf_tokenizer(const engine::Gguf& file) {
  const std::string prefix = "tokenizer.ggml.";
  data::GgufTokenizer t;
  t.model = file.text(prefix + "model").value_or("");
  engine::check(!t.model.empty(), file.where(), "brings no tokenizer (tokenizer.ggml.model)",
                engine::hint("give the folder of the model's tokenizer with --tokenizer"));
  t.pre = file.text(prefix + "pre").value_or("default");
  for (const std::string_view token : file.texts(prefix + "tokens")) t.tokens.emplace_back(token);
  for (const std::string_view merge : file.texts(prefix + "merges")) t.merges.emplace_back(merge);
  for (const double score : file.numbers(prefix + "scores"))
    t.scores.push_back(static_cast<float>(score));
  for (const int64_t type : file.integers(prefix + "token_type"))
    t.types.push_back(type >= 1 && type <= 6 ? static_cast<int32_t>(type)
                                             : data::GgufTokenizer::normal);
  t.bos = file.integer(prefix + "bos_token_id");
  t.eos = file.integer(prefix + "eos_token_id");
  t.unk = file.integer(prefix + "unknown_token_id");
  t.pad = file.integer(prefix + "padding_token_id");
  t.add_bos = file.flag(prefix + "add_bos_token");
  t.add_eos = file.flag(prefix + "add_eos_token");
  t.add_space_prefix = file.flag(prefix + "add_space_prefix");
  t.chat_template = file.text("tokenizer.chat_template").value_or("");
  const std::string architecture = file.text("general.architecture").value_or("");
  t.model_max_length = file.integer(architecture + ".context_length").value_or(0);
  return t;
}

data::TokenizerFiles gguf_tokenizer_files(const engine::Gguf& file) {
  return data::files_of_gguf(read_gguf_tokenizer(file), file.where());
}

void add_to_gguf(engine::GgufWriter& file, const data::GgufTokenizer& t) {
  const std::string prefix = "tokenizer.ggml.";
  file.add(prefix + "model", t.model);
  if (!t.pre.empty()) file.add(prefix + "pre", t.pre);
  file.add(prefix + "tokens", t.tokens);
  if (!t.scores.empty()) file.add(prefix + "scores", t.scores);
  if (!t.types.empty()) file.add(prefix + "token_type", t.types);
  if (!t.merges.empty()) file.add(prefix + "merges", t.merges);
  for (const auto& [name, id] : {std::pair{"bos_token_id", &t.bos},
                                 {"eos_token_id", &t.eos},
                                 {"unknown_token_id", &t.unk},
                                 {"padding_token_id", &t.pad}})
    if (*id) file.add(prefix + name, static_cast<uint32_t>(**id));
  for (const auto& [name, flag] : {std::pair{"add_bos_token", &t.add_bos},
                                   {"add_eos_token", &t.add_eos},
                                   {"add_space_prefix", &t.add_space_prefix}})
    if (*flag) file.add(prefix + name, **flag);
  if (!t.chat_template.empty()) file.add("tokenizer.chat_template", t.chat_template);
}

std::unique_ptr<data::Tokenizer> load_tokenizer(const std::filesystem::path& path) {
  const auto gguf = models::gguf_of(path);
  // A folder may have a tokenizer of its own beside the file.
  if (!gguf || !data::TokenizerFiles::held_by(path).empty()) return data::load_tokenizer(path);
  return std::make_unique<data::Tokenizer>(gguf_tokenizer_files(engine::Gguf::open(*gguf)));
}

}  // namespace run
