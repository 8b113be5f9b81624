// Source: llm_tokenizer_bpe in llama.cpp's llama-vocab.cpp, and the tokenizer.json of the models
// that the names are of.
#include <algorithm>
#include <array>

#include "data/tokenizers/gguf.h"
#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;

constexpr const char* kQwen2Words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kLlama3Words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

Json byte_level(bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

Json then_bytes(Json first, bool use_regex) {
  return {{"type", "Sequence"},
          {"pretokenizers", Json::array({std::move(first), byte_level(use_regex)})}};
}

Json split(const char* words) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", words}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}

// Several names for one way of cutting; the first is what is written.
struct Names {
  std::array<const char*, 3> names;
  GgufKind (*make)();
};
constexpr Names kKinds[] = {
    {{"gpt-2", "phi-2", "exaone4"}, [] { return GgufKind{.pre_tokenizer = byte_level(true)}; }},
    {{"smollm", "starcoder", "refact"},
     [] {
       return GgufKind{.pre_tokenizer =
                           then_bytes({{"type", "Digits"}, {"individual_digits", true}}, true)};
     }},
    {{"qwen2", "", ""},
     [] {
       return GgufKind{.normalizer = {{"type", "NFC"}},
                       .pre_tokenizer = then_bytes(split(kQwen2Words), false)};
     }},
    {{"llama-bpe", "llama3", "llama-v3"}, [] {
       return GgufKind{.pre_tokenizer = then_bytes(split(kLlama3Words), false),
                       .ignore_merges = true,
                       .add_bos = true};
     }}};

std::string known_names() {
  std::string text;
  for (const Names& kind : kKinds)
    for (const char* name : kind.names)
      if (*name) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

// A pre_tokenizer with its defaults written out, without what changes no id.
Json plain_form(const Json& json) {
  if (!json.is_object()) return json;
  const std::string type = json.value("type", std::string());
  if (type == "Sequence") {
    const auto list = json.find("pretokenizers");
    Json parts = Json::array();
    if (list != json.end() && list->is_array())
      for (const Json& one : *list) parts.push_back(plain_form(one));
    return parts.size() == 1 ? parts[0] : parts;
  }
  if (type == "ByteLevel")
    return {{"type", type},
            {"add_prefix_space", json.value("add_prefix_space", Json(true))},
            {"use_regex", json.value("use_regex", Json(true))}};
  return json;
}

}  // namespace

GgufKind gguf_kind(const std::string& pre, const std::string& where) {
  for (const Names& kind : kKinds)
    if (std::find(kind.names.begin(), kind.names.end(), pre) != kind.names.end() && !pre.empty()) {
      GgufKind made = kind.make();
      made.pre = kind.names[0];
      return made;
    }
  engine::fail(where, "cuts text into words as '", pre.substr(0, 100),
               "' (tokenizer.ggml.pre), which is not known here",
               engine::hint("known are ", known_names(),
                            "; or give the folder of the model's own tokenizer with --tokenizer"));
}

GgufKind gguf_kind_of(const Json& document, const std::string& where) {
  const auto part = [&](const char* name) {
    const auto found = document.find(name);
    return found == document.end() ? Json() : *found;
  };
  const Json ignore = part("model").value("ignore_merges", Json(false));
  for (const Names& kind : kKinds) {
    GgufKind made = kind.make();
    made.pre = kind.names[0];
    if (part("normalizer") == made.normalizer && ignore == Json(made.ignore_merges) &&
        plain_form(part("pre_tokenizer")) == plain_form(made.pre_tokenizer))
      return made;
  }
  engine::fail(where, "its normalizer and pre_tokenizer have no name in GGUF",
               engine::hint("GGUF files can be written with the tokenizers of ", known_names(),
                            ", and of LLaMA with a tokenizer.model"));
}

}  // namespace data
