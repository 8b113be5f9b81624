#include "data/tokenizers/document.h"

#include <algorithm>
#include <array>

#include "data/fingerprint.h"
#include "data/tokenizers/older_files.h"
#include "data/tokenizers/sentencepiece.h"
#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;

// Hugging Face's classes that do other things to a text than their files say: they cut words with
// a program of their own, or map ids. ("Herbert" and the like are what their tokenizer.json says.)
constexpr const char* kOwnPrograms[] = {"Bartpho",
                                        "BertGeneration",
                                        "BertJapanese",
                                        "Bertweet",
                                        "BioGpt",
                                        "BlenderbotSmall",
                                        "ByT5",
                                        "CTRL",
                                        "Canine",
                                        "Clvp",
                                        "CpmAnt",
                                        "Cpm",
                                        "Dia",
                                        "Esm",
                                        "FSMT",
                                        "Flaubert",
                                        "GPTNeoXJapanese",
                                        "GPTSw3",
                                        "JapaneseGPTNeoX",
                                        "M2M100",
                                        "Marian",
                                        "Mgpstr",
                                        "MyT5",
                                        "PLBart",
                                        "Perceiver",
                                        "Phobert",
                                        "ProphetNet",
                                        "XLMProphetNet",
                                        "Rag",
                                        "RoCBert",
                                        "RoFormer",
                                        "Siglip",
                                        "Speech2Text",
                                        "SpeechT5",
                                        "Tapas",
                                        "TransfoXL",
                                        "Vits",
                                        "Wav2Vec2CTC",
                                        "Wav2Vec2PhonemeCTC",
                                        "XLM"};

// Classes whose folders may lack tokenizer.json, by the files that they have then.
constexpr std::array kBert = {"Bert",     "DistilBert",  "Electra",  "MobileBert",
                              "ConvBert", "SqueezeBert", "LayoutLM", "Lxmert"};
constexpr std::array kGpt2 = {"GPT2", "CodeGen"};
constexpr std::array kRoberta = {"Roberta", "Bart", "Longformer", "LED", "Mvp"};
constexpr std::array kQwen2 = {"Qwen2"};

template <class List>
bool is_one_of(const std::string& name, const List& list) {
  return std::any_of(std::begin(list), std::end(list), [&](const char* n) { return name == n; });
}

std::string text_at(const Json& json, const char* key, const std::string& where) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return "";
  engine::check(found->is_string(), where, "\"", key, "\" should be text, found ",
                found->dump().substr(0, 60));
  return found->get<std::string>();
}

[[noreturn]] void refuse_class(const TokenizerFiles& files, const std::string& name) {
  engine::fail(files.where(), "the tokenizer_class ", name,
               "Tokenizer is not known without a tokenizer.json",
               engine::hint("load it with transformers and save it again: AutoTokenizer"
                            ".from_pretrained(...).save_pretrained(...)"));
}

Json older_document(const TokenizerFiles& files, const std::string& name) {
  const bool no_class = name.empty() || name == "PreTrained" || name == "TokenizersBackend";
  if (files.has("vocab.txt")) {
    if (!no_class && !is_one_of(name, kBert)) refuse_class(files, name);
    return bert_document(files);
  }
  if (files.has("vocab.json") && files.has("merges.txt")) {
    if (is_one_of(name, kGpt2)) return bpe_document(files, "GPT2");
    if (is_one_of(name, kRoberta)) return bpe_document(files, "Roberta");
    if (is_one_of(name, kQwen2)) return bpe_document(files, "Qwen2");
    if (!no_class) refuse_class(files, name);
    const Json vocab = files.json("vocab.json");
    return bpe_document(files,
                        vocab.contains("<s>") && vocab.contains("</s>") ? "Roberta" : "GPT2");
  }
  if (has_sentencepiece(files)) return sentencepiece_document(files, name);
  engine::fail(files.where(), "there is no tokenizer here",
               engine::hint("looked for tokenizer.json, vocab.txt (BERT), vocab.json with "
                            "merges.txt (GPT-2, RoBERTa), and spiece.model or tokenizer.model "
                            "(SentencePiece)"));
}

// Flags of tokenizer_config.json that change a part, as Hugging Face's classes apply them.
void apply_config(const Json& config, const std::string& where, Json& document) {
  const auto change = [&](const char* in_config, Json& part, const char* in_part) {
    const auto said = config.find(in_config);
    if (said == config.end() || said->is_null()) return;
    engine::check(said->is_boolean(), where, "\"", in_config, "\" should be true or false, found ",
                  said->dump().substr(0, 60));
    part[in_part] = *said;
  };
  const auto is = [&](const char* name, const char* type) {
    const auto found = document.find(name);
    return found != document.end() && found->is_object() && found->value("type", Json()) == type;
  };
  if (is("normalizer", "BertNormalizer")) {
    Json& normalizer = document["normalizer"];
    change("do_lower_case", normalizer, "lowercase");
    change("strip_accents", normalizer, "strip_accents");
    change("tokenize_chinese_chars", normalizer, "handle_chinese_chars");
    change("clean_text", normalizer, "clean_text");
  }
  if (is("pre_tokenizer", "ByteLevel"))
    change("add_prefix_space", document["pre_tokenizer"], "add_prefix_space");
}

}  // namespace

const Json& part(const Json& document, const char* name) {
  static const Json kNull;
  const auto found = document.find(name);
  return found == document.end() ? kNull : *found;
}

std::string document_where(const TokenizerFiles& files) {
  return files.has("tokenizer.json") ? files.where("tokenizer.json") : files.where();
}

std::string tokenizer_class(const TokenizerFiles& files) {
  std::string name = text_at(files.json("tokenizer_config.json"), "tokenizer_class",
                             files.where("tokenizer_config.json"));
  for (const std::string_view ending : {"Fast", "Tokenizer"})
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  return name;
}

Json tokenizer_document(const TokenizerFiles& files) {
  const std::string name = tokenizer_class(files);
  engine::check(!is_one_of(name, kOwnPrograms), files.where(), "the tokenizer_class ", name,
                "Tokenizer is not known here: it cuts words with a program of its own",
                engine::hint("use a model whose tokenizer is in its tokenizer.json"));
  Json document;
  if (files.has("tokenizer.json")) {
    document = files.json("tokenizer.json");
    engine::check(part(document, "model").is_object(), document_where(files),
                  "there is no \"model\" in it");
    const Json& version = part(document, "version");
    engine::check(version.is_null() || version == "1.0", document_where(files), "its version ",
                  version.dump().substr(0, 40), " is not known");
  } else {
    document = older_document(files, name);
  }
  apply_config(files.json("tokenizer_config.json"), files.where("tokenizer_config.json"), document);
  return document;
}

SpecialNames usual_names(const TokenizerFiles& files, const Json& document,
                         const Vocabulary& vocabulary) {
  const std::string name = tokenizer_class(files);
  const Json& model = part(document, "model");
  const Json& post = part(document, "post_processor");
  const std::string type = model.value("type", std::string());
  const auto either = [&](const char* a, const char* b) { return vocabulary.id(a) ? a : b; };
  if (type == "WordPiece" || vocabulary.id("[CLS]"))
    return {.pad = either("[PAD]", "<pad>"),
            .unk = either("[UNK]", "<unk>"),
            .cls = "[CLS]",
            .sep = "[SEP]",
            .mask = either("[MASK]", "<mask>")};
  if (is_one_of(name, kRoberta) ||
      (post.is_object() && post.value("type", Json()) == "RobertaProcessing"))
    return {"<pad>", "<unk>", "<s>", "</s>", "<mask>", "<s>", "</s>"};
  if (vocabulary.id("<|endoftext|>") && (is_one_of(name, kGpt2) || name.empty()))
    return {.unk = "<|endoftext|>", .bos = "<|endoftext|>", .eos = "<|endoftext|>"};
  return {.pad = "<pad>", .unk = "<unk>", .mask = "<mask>", .bos = "<s>", .eos = "</s>"};
}

SpecialTemplate read_template(const TokenizerFiles& files, const Json& document,
                              const SpecialIds& special, const Vocabulary& vocabulary) {
  const Json config = files.json("tokenizer_config.json");
  const std::string where = files.where("tokenizer_config.json");
  bool said = false;
  const auto flag = [&](const char* key) {
    const auto found = config.find(key);
    if (found == config.end() || found->is_null()) return false;
    engine::check(found->is_boolean(), where, "\"", key, "\" should be true or false");
    said = true;
    return found->get<bool>();
  };
  const bool bos = flag("add_bos_token"), eos = flag("add_eos_token");
  if (!said)
    return SpecialTemplate::from_json(part(document, "post_processor"), vocabulary.size(),
                                      document_where(files));
  engine::check(!bos || special.bos, where,
                "\"add_bos_token\" is true and no file names a bos_token");
  engine::check(!eos || special.eos, where,
                "\"add_eos_token\" is true and no file names an eos_token");
  return SpecialTemplate::begin_end(bos ? special.bos : std::nullopt,
                                    eos ? special.eos : std::nullopt);
}

int read_model_max_length(const Json& config, const std::string& where) {
  const auto found = config.find("model_max_length");
  if (found == config.end() || found->is_null()) return 0;
  engine::check(found->is_number(), where, "\"model_max_length\" should be a number, found ",
                found->dump().substr(0, 60));
  const double value = found->get<double>();  // int(1e30) stands for "no limit"
  engine::check(value > 0, where, "\"model_max_length\" is ", found->dump().substr(0, 60));
  return value < 1e9 ? static_cast<int>(value) : 0;
}

Side read_side(const Json& config, const char* key, const Json& otherwise,
               const std::string& where) {
  std::string side = text_at(config, key, where);
  if (side.empty() && otherwise.is_object()) side = text_at(otherwise, "direction", where);
  if (side.empty() || side == "right" || side == "Right") return Side::right;
  if (side == "left" || side == "Left") return Side::left;
  engine::fail(where, "\"", key, "\" is '", side, "', expected right or left");
}

nlohmann::ordered_json document_settings(const Json& document, const char* kind) {
  nlohmann::ordered_json settings = {{"type", kind}};
  const Json& normalizer = part(document, "normalizer");
  const Json& pre = part(document, "pre_tokenizer");
  const auto type = [](const Json& json) {
    return json.is_object() ? json.value("type", std::string()) : std::string();
  };
  if (type(normalizer) == "BertNormalizer") {
    const Json& accents = part(normalizer, "strip_accents");
    settings["lowercase"] = normalizer.at("lowercase");
    settings["strip_accents"] = accents.is_null() ? normalizer.at("lowercase") : accents;
    settings["handle_chinese_chars"] = normalizer.at("handle_chinese_chars");
  } else if (type(pre) == "ByteLevel" && normalizer.is_null()) {
    settings["add_prefix_space"] = pre.at("add_prefix_space");
  } else {  // a fingerprint of all parts but the tokens
    Json rest = document;
    for (const char* large : {"vocab", "merges"}) rest["model"].erase(large);
    const std::string text = rest.dump();
    settings["parts"] = fingerprint(text);
  }
  return settings;
}

}  // namespace data
