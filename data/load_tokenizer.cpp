#include "data/bpe_files.h"
#include "data/tokenizer.h"
#include "data/tokenizer_files.h"
#include "data/wordpiece_files.h"
#include "engine/base/error.h"

namespace data {
namespace {

// The model's type in tokenizer.json; files of before 2020 do not say it, but only WordPiece limits
// the length of words.
std::string model_type(const nlohmann::json& model) {
  if (model.contains("type")) return model["type"].get<std::string>();
  return model.contains("merges")                     ? "BPE"
         : model.contains("max_input_chars_per_word") ? "WordPiece"
                                                      : "(none)";
}

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder) {
  const std::string where = folder.string();
  engine::check(std::filesystem::is_directory(folder), where, "is not a folder",
                engine::hint("give the folder that holds the model's tokenizer files"));
  const auto files = TokenizerFiles::read(folder);
  try {
    if (!files.tokenizer.is_null()) {
      const std::string type = model_type(files.tokenizer.at("model"));
      if (type == "WordPiece") return read_wordpiece(files);
      if (type == "BPE") return read_bpe(files);
      engine::fail(where, "tokenizer.json holds a tokenizer of type ", type,
                   engine::hint("known are WordPiece (BERT) and byte-level BPE (GPT-2, RoBERTa)"));
    }
    if (files.has("vocab.txt")) return read_wordpiece(files);
    if (files.has("vocab.json") && files.has("merges.txt")) return read_bpe(files);
  } catch (const nlohmann::json::exception& e) {
    engine::fail(where, "a tokenizer file does not have the form of Hugging Face's: ", e.what());
  }
  engine::fail(where, "there is no tokenizer here",
               engine::hint("looked for tokenizer.json, vocab.txt (BERT), and vocab.json with "
                            "merges.txt (GPT-2, RoBERTa)"));
}

}  // namespace data
