#include <algorithm>
#include <cctype>
#include <tuple>

#include "data/tokenizers/charsmap.h"
#include "data/tokenizers/sentencepiece.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;
using Model = SentencePieceModel;

constexpr const char* kNames[] = {"spiece.model", "tokenizer.model", "sentencepiece.bpe.model",
                                  "spm.model"};
constexpr const char* kMark = "\u2581";

std::string file_name(const TokenizerFiles& files) {
  for (const char* name : kNames)
    if (files.has(name)) return name;
  return "";
}

Json replace(const char* kind, const std::string& pattern, const std::string& content) {
  return {{"type", "Replace"}, {"pattern", {{kind, pattern}}}, {"content", content}};
}
Json metaspace(const char* scheme, bool split) {
  return {
      {"type", "Metaspace"}, {"replacement", kMark}, {"prepend_scheme", scheme}, {"split", split}};
}
Json sequence(const char* parts, Json list) {
  return {{"type", "Sequence"}, {parts, std::move(list)}};
}
Json precompiled(const Model& model) {
  return {{"type", "Precompiled"}, {"precompiled_charsmap", to_base64(model.charsmap)}};
}
Json added(int64_t id, const std::string& content, bool special, bool lstrip = false) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", lstrip},
          {"rstrip", false}, {"normalized", false}, {"special", special}};
}

// {"TemplateProcessing"} of parts "$A", "$B" and special tokens with their ids.
Json templates(const std::vector<std::string>& single, const std::vector<std::string>& pair,
               const Json& ids, int type_of_b) {
  Json tokens = Json::object();
  const auto parts = [&](const std::vector<std::string>& names) {
    Json list = Json::array();
    bool after_a = false;
    for (const std::string& name : names) {
      const int type = after_a ? type_of_b : 0;
      if (name.starts_with('$')) {
        list.push_back(
            {{"Sequence", {{"id", name.substr(1)}, {"type_id", name == "$B" ? type_of_b : 0}}}});
      } else {
        list.push_back({{"SpecialToken", {{"id", name}, {"type_id", type}}}});
        tokens[name] = {
            {"id", name}, {"ids", Json::array({ids.at(name)})}, {"tokens", Json::array({name})}};
      }
      after_a |= name == "$B";
    }
    return list;
  };
  Json result = {{"type", "TemplateProcessing"}, {"single", parts(single)}, {"pair", parts(pair)}};
  result["special_tokens"] = tokens;
  return result;
}

Json scored(const Model& model) {
  Json vocab = Json::array();
  for (const Model::Piece& piece : model.pieces) vocab.push_back({piece.text, piece.score});
  return vocab;
}

Json unigram(Json vocab, int64_t unk_id, bool byte_fallback) {
  return {{"type", "Unigram"},
          {"unk_id", unk_id},
          {"byte_fallback", byte_fallback},
          {"vocab", std::move(vocab)}};
}

// SentencePiece joins any two pieces whose union is a piece, the highest score first; as a list of
// merges these are all cuts of all pieces, by the score of what they make.
Json merges_of(const Model& model, const Json& vocab, const std::string& where) {
  struct Cut {
    float score;
    int64_t id;
    std::string_view left, right;
  };
  constexpr size_t kLongest = 1000;
  std::vector<Cut> cuts;
  const auto normal = [&](std::string_view text) {
    const auto found = vocab.find(std::string(text));
    return found != vocab.end() && model.pieces[found->get<size_t>()].kind == Model::normal;
  };
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const Model::Piece& piece = model.pieces[id];
    if (piece.kind != Model::normal) continue;
    const std::string_view text = piece.text;
    engine::check(text.size() <= kLongest, where, "a piece of the BPE model has ", text.size(),
                  " bytes, expected at most ", kLongest);
    for (size_t at = 0; at < text.size();) {
      next_code_point(text, at);
      if (at >= text.size()) break;
      if (normal(text.substr(0, at)) && normal(text.substr(at)))
        cuts.push_back(
            {piece.score, static_cast<int64_t>(id), text.substr(0, at), text.substr(at)});
    }
  }
  std::sort(cuts.begin(), cuts.end(), [](const Cut& a, const Cut& b) {
    return std::tuple(-a.score, a.id, a.left, a.right) <
           std::tuple(-b.score, b.id, b.left, b.right);
  });
  Json merges = Json::array();
  for (const Cut& cut : cuts) merges.push_back({cut.left, cut.right});
  return merges;
}

Json bpe(const Model& model, const std::string& where, bool ignore_merges) {
  Json vocab = Json::object();
  for (size_t id = 0; id < model.pieces.size(); ++id)
    engine::check(vocab.emplace(model.pieces[id].text, id).second, where, "the piece '",
                  model.pieces[id].text, "' is there twice");
  Json merges = merges_of(model, vocab, where);
  return {{"type", "BPE"},
          {"unk_token", model.unk_piece},
          {"fuse_unk", true},
          {"byte_fallback", model.byte_fallback},
          {"ignore_merges", ignore_merges},
          {"vocab", std::move(vocab)},
          {"merges", std::move(merges)}};
}

Json added_pieces(const Model& model) {
  Json list = Json::array();
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const Model::Piece& piece = model.pieces[id];
    if (piece.kind == Model::control || piece.kind == Model::user_defined)
      list.push_back(added(static_cast<int64_t>(id), piece.text, piece.kind == Model::control));
  }
  return list;
}

// A regular expression that matches any of the texts, the longest first.
std::string any_of(std::vector<std::string> texts) {
  std::stable_sort(texts.begin(), texts.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  std::string pattern;
  for (const std::string& text : texts) {
    if (!pattern.empty()) pattern += '|';
    for (const char c : text) {
      if (static_cast<unsigned char>(c) < 0x80 && !std::isalnum(static_cast<unsigned char>(c)))
        pattern += '\\';
      pattern += c;
    }
  }
  return pattern;
}

// As SentencePiece itself encodes, after its own settings.
Json plain_document(const Model& model, const std::string& where) {
  std::vector<std::string> user_defined;
  for (const Model::Piece& piece : model.pieces)
    if (piece.kind == Model::user_defined && !piece.text.empty())
      user_defined.push_back(piece.text);
  Json normalizers = Json::array(), pre = Json::array();
  if (!model.charsmap.empty()) normalizers.push_back(precompiled(model));
  if (model.remove_extra_whitespaces) {
    // Its own marks count as spaces at the end.
    normalizers.push_back(replace("Regex", std::string("\\A +|[ ") + kMark + "]+\\z", ""));
    normalizers.push_back(replace("Regex", " {2,}", " "));
  }
  if (model.escape_whitespaces) normalizers.push_back(replace("String", " ", kMark));
  if (model.add_dummy_prefix) {  // Metaspace adds none to a text that begins with one
    normalizers.push_back(replace("Regex", std::string("\\A") + kMark, std::string(kMark) + kMark));
    pre.push_back(metaspace("always", false));
  }
  if (!user_defined.empty())
    pre.push_back({{"type", "Split"},
                   {"pattern", {{"Regex", any_of(user_defined)}}},
                   {"behavior", "Isolated"},
                   {"invert", false}});
  Json decoders = Json::array({replace("String", kMark, " ")});
  if (model.byte_fallback) decoders.push_back({{"type", "ByteFallback"}});
  decoders.push_back({{"type", "Fuse"}});
  if (model.add_dummy_prefix)
    decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  Json document = {{"normalizer", sequence("normalizers", normalizers)},
                   {"decoder", sequence("decoders", decoders)},
                   {"added_tokens", added_pieces(model)}};
  if (!pre.empty()) document["pre_tokenizer"] = sequence("pretokenizers", pre);
  document["model"] = model.type == Model::bpe
                          ? bpe(model, where, !user_defined.empty())
                          : unigram(scored(model), model.unk_id, model.byte_fallback);
  return document;
}

bool config_flag(const Json& config, const char* key, bool otherwise) {
  const auto found = config.find(key);
  return found != config.end() && found->is_boolean() ? found->get<bool>() : otherwise;
}

// T5, XLM-R, CamemBERT and ALBERT: their vocabularies are SentencePiece's with other ids.
Json unigram_document(const Model& model, Json vocab, int64_t unk_id, Json normalizer) {
  return {{"normalizer", std::move(normalizer)},
          {"pre_tokenizer", sequence("pretokenizers", Json::array({{{"type", "WhitespaceSplit"}},
                                                                   metaspace("always", true)}))},
          {"decoder", metaspace("always", true)},
          {"added_tokens", Json::array()},
          {"model", unigram(std::move(vocab), unk_id, false)}};
}

int64_t id_in(const Json& vocab, const std::string& token, const std::string& where) {
  for (size_t id = 0; id < vocab.size(); ++id)
    if (vocab[id][0] == token) return static_cast<int64_t>(id);
  engine::fail(where, "the SentencePiece model has no piece ", token);
}

// <s>, <pad>, </s>, <unk> before the pieces from `skip` on, and <mask> at the end.
Json roberta_like(const Model& model, Json front, size_t skip, const std::string& where) {
  engine::check(model.pieces.size() > skip, where, "the SentencePiece model has ",
                model.pieces.size(), " pieces");
  Json vocab = std::move(front);
  for (size_t id = skip; id < model.pieces.size(); ++id)
    vocab.push_back({model.pieces[id].text, model.pieces[id].score});
  vocab.push_back({"<mask>", 0.0});
  return vocab;
}

Json with_roberta_template(Json document, int64_t begin, int64_t end) {
  document["post_processor"] =
      templates({"<s>", "$A", "</s>"}, {"<s>", "$A", "</s>", "</s>", "$B", "</s>"},
                {{"<s>", begin}, {"</s>", end}}, 0);
  return document;
}

Json bert_like_template(const Json& vocab, const std::string& where) {
  return templates(
      {"[CLS]", "$A", "[SEP]"}, {"[CLS]", "$A", "[SEP]", "$B", "[SEP]"},
      {{"[CLS]", id_in(vocab, "[CLS]", where)}, {"[SEP]", id_in(vocab, "[SEP]", where)}}, 1);
}

// ALBERT's vocabulary takes pieces such as "5," back, so that numbers are cut before a comma.
bool number_and_comma(std::string_view piece) {
  return piece.size() >= 2 && piece.back() == ',' && piece[piece.size() - 2] >= '0' &&
         piece[piece.size() - 2] <= '9';
}

}  // namespace

Json llama_document(const Model& model, const Json& config, const std::string& where) {
  const bool legacy = config_flag(config, "legacy", true),
             prefix = config_flag(config, "add_prefix_space", true);
  Json decoders =
      Json::array({replace("String", kMark, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}});
  if (prefix) decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  Json document = {{"decoder", sequence("decoders", decoders)},
                   {"added_tokens", added_pieces(model)},
                   {"model", model.type == Model::bpe
                                 ? bpe(model, where, false)
                                 : unigram(scored(model), model.unk_id, model.byte_fallback)}};
  if (legacy) {
    Json steps = Json::array();
    if (prefix) steps.push_back({{"type", "Prepend"}, {"prepend", kMark}});
    steps.push_back(replace("String", " ", kMark));
    document["normalizer"] = sequence("normalizers", steps);
  } else {
    document["pre_tokenizer"] = metaspace(prefix ? "first" : "never", false);
  }
  engine::check(model.bos_id >= 0 && model.bos_id < static_cast<int64_t>(model.pieces.size()),
                where, "the SentencePiece model has no begin token");
  const std::string& bos = model.pieces[static_cast<size_t>(model.bos_id)].text;
  document["post_processor"] =
      templates({bos, "$A"}, {bos, "$A", bos, "$B"}, {{bos, model.bos_id}}, 1);
  return document;
}

bool has_sentencepiece(const TokenizerFiles& files) { return !file_name(files).empty(); }

Json sentencepiece_document(const TokenizerFiles& files, const std::string& name) {
  const std::string file = file_name(files), where = files.where(file);
  const Model model = read_sentencepiece(files.bytes(file), where);
  const Json config = files.json("tokenizer_config.json");
  if (name.empty() || name == "TokenizersBackend" || name == "PreTrained")
    return plain_document(model, where);
  if (name == "Llama" || name == "CodeLlama") return llama_document(model, config, where);

  engine::check(model.type == Model::unigram, where, "is a BPE model, and ", name,
                "Tokenizer has a Unigram");
  Json charsmap = model.charsmap.empty() ? Json() : precompiled(model);
  if (name == "T5") {
    Json vocab = scored(model), extra = Json::array();
    const auto said = config.find("extra_ids");
    const int64_t n =
        said != config.end() && said->is_number_integer() ? said->get<int64_t>() : 100;
    engine::check(n >= 0 && n <= 10000, where, "\"extra_ids\" is ", n);
    for (int64_t i = n - 1; i >= 0; --i) {
      const std::string token = "<extra_id_" + std::to_string(i) + ">";
      extra.push_back(added(static_cast<int64_t>(vocab.size()), token, true));
      vocab.push_back({token, 0.0});
    }
    const int64_t end = id_in(vocab, "</s>", where);
    Json document = unigram_document(model, std::move(vocab), model.unk_id, charsmap);
    document["added_tokens"] = extra;
    document["post_processor"] =
        templates({"$A", "</s>"}, {"$A", "</s>", "$B", "</s>"}, {{"</s>", end}}, 0);
    return document;
  }
  if (name == "XLMRoberta") {
    Json vocab = roberta_like(
        model, Json::array({{"<s>", 0.0}, {"<pad>", 0.0}, {"</s>", 0.0}, {"<unk>", 0.0}}), 3,
        where);
    const auto mask = static_cast<int64_t>(vocab.size()) - 1;
    Json document = unigram_document(model, std::move(vocab), 3, charsmap);
    document["added_tokens"].push_back(added(mask, "<mask>", true, true));
    return with_roberta_template(std::move(document), 0, 2);
  }
  if (name == "Camembert") {
    Json vocab = roberta_like(model,
                              Json::array({{"<s>NOTUSED", 0.0},
                                           {"<pad>", 0.0},
                                           {"</s>NOTUSED", 0.0},
                                           {"<unk>", 0.0},
                                           {"<unk>NOTUSED", -100.0}}),
                              1, where);
    const auto mask = static_cast<int64_t>(vocab.size()) - 1;
    const int64_t begin = id_in(vocab, "<s>", where), end = id_in(vocab, "</s>", where);
    Json document = unigram_document(model, std::move(vocab), 3, charsmap);
    document["added_tokens"].push_back(added(mask, "<mask>", true, true));
    return with_roberta_template(std::move(document), begin, end);
  }
  if (name == "Albert") {
    Json vocab = Json::array();
    for (const Model::Piece& piece : model.pieces)
      vocab.push_back({piece.text, number_and_comma(piece.text) ? piece.score - 100 : piece.score});
    Json steps = Json::array({replace("String", "``", "\""), replace("String", "''", "\"")});
    if (!config_flag(config, "keep_accents", false)) {
      steps.push_back({{"type", "NFKD"}});
      steps.push_back({{"type", "StripAccents"}});
    }
    if (config_flag(config, "do_lower_case", true)) steps.push_back({{"type", "Lowercase"}});
    if (!charsmap.is_null()) steps.push_back(charsmap);
    Json parts = bert_like_template(vocab, where);
    Json document =
        unigram_document(model, std::move(vocab), model.unk_id, sequence("normalizers", steps));
    document["added_tokens"] = added_pieces(model);
    document["post_processor"] = std::move(parts);
    return document;
  }
  if (name == "DebertaV2") {
    Json vocab = scored(model), steps = Json::array(), pre = Json::array();
    if (config_flag(config, "do_lower_case", false)) steps.push_back({{"type", "Lowercase"}});
    steps.push_back({{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}});
    if (!charsmap.is_null()) steps.push_back(charsmap);
    steps.push_back(replace("Regex", " {2,}", " "));
    if (config_flag(config, "split_by_punct", false))
      pre.push_back({{"type", "Punctuation"}, {"behavior", "Isolated"}});
    pre.push_back(metaspace("always", true));
    Json parts = bert_like_template(vocab, where);
    Json document =
        unigram_document(model, std::move(vocab), model.unk_id, sequence("normalizers", steps));
    document["pre_tokenizer"] = sequence("pretokenizers", pre);
    document["added_tokens"] = added_pieces(model);
    document["post_processor"] = std::move(parts);
    return document;
  }
  engine::fail(files.where(), "the tokenizer_class ", name, "Tokenizer is not known with ", file,
               engine::hint("known are Llama, T5, Albert, XLMRoberta, Camembert and DebertaV2; or "
                            "save it with transformers as a tokenizer.json"));
}

}  // namespace data
