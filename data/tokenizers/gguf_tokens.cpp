// From a tokenizer to what a GGUF file says of it, as convert_hf_to_gguf.py does.
#include <algorithm>

#include "data/chat/format.h"
#include "data/tokenizers/document.h"
#include "data/tokenizers/gguf.h"
#include "data/tokenizers/sentencepiece.h"
#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;
using engine::check;
using engine::hint;

std::string type_of(const Json& json) {
  return json.is_object() ? json.value("type", std::string()) : std::string();
}

// Rows of the model's table without a token.
void fill_up(GgufTokenizer& t, int64_t vocab) {
  for (auto id = static_cast<int64_t>(t.tokens.size()); id < vocab; ++id) {
    t.tokens.push_back("[PAD" + std::to_string(id) + "]");
    t.types.push_back(GgufTokenizer::unused);
    if (!t.scores.empty()) t.scores.push_back(-10000);
  }
}

// Tokens with their types: of the model, special, or added without being special.
void add_tokens(const Tokenizer& tokenizer, const Json& vocab, GgufTokenizer& t) {
  for (int32_t id = static_cast<int32_t>(t.tokens.size()); id < tokenizer.vocab_size(); ++id) {
    const std::string& token = tokenizer.token(id);
    const bool hole = token.empty();
    t.tokens.push_back(hole ? "[PAD" + std::to_string(id) + "]" : token);
    t.types.push_back(hole                       ? GgufTokenizer::unused
                      : tokenizer.is_special(id) ? GgufTokenizer::control
                      : vocab.contains(token)    ? GgufTokenizer::normal
                                                 : GgufTokenizer::user_defined);
    if (!t.scores.empty()) t.scores.push_back(hole ? -10000.0f : -1000.0f);
  }
}

void read_merges(const Json& list, const std::string& where, GgufTokenizer& t) {
  for (const Json& merge : list) {
    const bool pair =
        merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string();
    check(pair || merge.is_string(), where, "a merge is ", merge.dump().substr(0, 60));
    t.merges.push_back(pair ? merge[0].get<std::string>() + " " + merge[1].get<std::string>()
                            : merge.get<std::string>());
  }
}

// Which of bos and eos a text gets; a template may use one that no file names.
void read_template(const Tokenizer& tokenizer, const std::string& where, GgufTokenizer& t) {
  const std::vector<int32_t> whole = tokenizer.encode("a").ids;
  std::vector<int32_t> text;
  tokenizer.tokenize("a", text);
  const auto found = std::search(whole.begin(), whole.end(), text.begin(), text.end());
  const auto before = found - whole.begin(),
             after = whole.end() - found - static_cast<std::ptrdiff_t>(text.size());
  check(before <= 1 && after <= 1, where, "puts ", before, " tokens before a text and ", after,
        " after it; GGUF can say one each");
  t.add_bos = before == 1;
  t.add_eos = after == 1;
  if (before == 1) t.bos = whole.front();
  if (after == 1) t.eos = whole.back();
}

}  // namespace

GgufTokenizer gguf_of_tokenizer(const Tokenizer& tokenizer, int64_t vocab) {
  const TokenizerFiles& files = tokenizer.files();
  const std::string where = document_where(files);
  const Json document = tokenizer_document(files);
  const Json& model = part(document, "model");
  GgufTokenizer t;
  if (type_of(model) == "BPE" && type_of(part(document, "decoder")) == "ByteLevel") {
    t.pre = gguf_kind_of(document, where).pre;
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      const Json& value = part(model, key);
      check(value.is_null() || value == "", where, "its ", key, " cannot be said in GGUF");
    }
    add_tokens(tokenizer, part(model, "vocab"), t);
    read_merges(part(model, "merges"), where, t);
  } else if (files.has("tokenizer.model")) {
    const std::string at = files.where("tokenizer.model");
    const SentencePieceModel pieces = read_sentencepiece(files.bytes("tokenizer.model"), at);
    check(pieces.type == SentencePieceModel::bpe, at, "is a Unigram model; GGUF's 'llama' is BPE");
    t.model = "llama";
    t.pre = "default";
    for (const auto& piece : pieces.pieces) {
      t.tokens.push_back(piece.text);
      t.scores.push_back(piece.score);
      t.types.push_back(piece.kind);
    }
    add_tokens(tokenizer, Json::object(), t);
    t.add_space_prefix = pieces.add_dummy_prefix;
  } else {
    engine::fail(where, "is a tokenizer that cannot be said in GGUF",
                 hint("byte-level BPE can, and LLaMA's where tokenizer.model lies beside it"));
  }
  check(vocab == 0 || static_cast<int64_t>(t.tokens.size()) <= vocab, where, "has ",
        t.tokens.size(), " tokens for a table of ", vocab, " rows");
  fill_up(t, vocab);
  const SpecialIds& special = tokenizer.special();
  t.bos = special.bos, t.eos = special.eos, t.unk = special.unk, t.pad = special.pad;
  read_template(tokenizer, where, t);
  t.chat_template = chat_template_of(files);
  t.model_max_length = tokenizer.model_max_length();
  return t;
}

}  // namespace data
