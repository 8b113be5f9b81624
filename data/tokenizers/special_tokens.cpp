#include "data/tokenizers/special_tokens.h"

#include <unordered_map>

#include "engine/base/number.h"

namespace data {
namespace {

using Json = nlohmann::json;

constexpr const char* kFiles[] = {"tokenizer_config.json", "special_tokens_map.json"};

AddedToken read_token(const Json& json, const std::string& where) {
  AddedToken token;
  engine::check(json.is_object() && json.contains("content") && json["content"].is_string(), where,
                "an added token has no \"content\": ", json.dump().substr(0, 100));
  token.content = json["content"].get<std::string>();
  const auto flag = [&](const char* key, bool otherwise) {
    const auto found = json.find(key);
    if (found == json.end()) return otherwise;
    engine::check(found->is_boolean(), where, "the added token '", token.content, "' has \"", key,
                  "\" ", found->dump().substr(0, 60), ", expected true or false");
    return found->get<bool>();
  };
  token.special = flag("special", false);
  token.single_word = flag("single_word", false);
  token.lstrip = flag("lstrip", false);
  token.rstrip = flag("rstrip", false);
  token.normalized = flag("normalized", !token.special);
  return token;
}

// A special token where it is named: text, or an object as in the lists of added tokens.
std::optional<AddedToken> named_token(const Json& json, const std::string& what,
                                      const std::string& where) {
  if (json.is_null()) return std::nullopt;
  AddedToken token;
  if (json.is_string()) {
    token.content = json.get<std::string>();
  } else {
    engine::check(json.is_object(), where, "\"", what,
                  "\" should be text or an added token, found ", json.dump().substr(0, 60));
    token = read_token(json, where);
    if (!json.contains("normalized")) token.normalized = false;
  }
  token.special = true;
  return token;
}

class Reader {
 public:
  Reader(Vocabulary& vocabulary, size_t entries)
      : vocabulary_(vocabulary), most_(largest_id(entries)) {}

  // A token with its id, from one of the lists. What an earlier list says stays.
  void add(AddedToken token, const Json& id, const std::string& where) {
    token.id = read_id(id, token.content, most_, where);
    const auto known = vocabulary_.id(token.content);
    engine::check(!known || *known == token.id, where, "the added token '", token.content,
                  "' has the id ", token.id, ", and in the vocabulary ", known.value_or(0));
    if (!known) {
      const bool taken = token.id < vocabulary_.size() && !vocabulary_.token(token.id).empty();
      engine::check(!taken, where, "the id ", token.id, " is there twice, for '", token.content,
                    "' and for '", taken ? vocabulary_.token(token.id) : "", "'");
    }
    keep(std::move(token));
  }

  // A token that is special by its name; without an id it gets the next free one.
  int32_t name(AddedToken token) {
    if (const auto found = places_.find(token.content); found != places_.end()) {
      AddedToken& known = added_[found->second];
      known.special = true;
      return known.id;
    }
    token.id = vocabulary_.id(token.content).value_or(vocabulary_.size());
    const int32_t id = token.id;
    keep(std::move(token));
    return id;
  }

  std::vector<AddedToken> take() { return std::move(added_); }

 private:
  void keep(AddedToken token) {
    if (token.content.empty() || places_.contains(token.content)) return;
    if (!vocabulary_.id(token.content)) vocabulary_.add(token.content, token.id);
    places_[token.content] = added_.size();
    added_.push_back(std::move(token));
  }

  Vocabulary& vocabulary_;
  int64_t most_;
  std::vector<AddedToken> added_;
  std::unordered_map<std::string, size_t> places_;  // by content
};

// The keys of "added_tokens_decoder" are ids as text.
Json id_of_key(const std::string& key) {
  const auto id = engine::to_number<int64_t>(key);
  return id ? Json(*id) : Json(key);
}

size_t listed_tokens(const Json& document, const Json& config, const Json& added) {
  size_t n = added.size();
  if (const auto list = document.find("added_tokens"); list != document.end()) n += list->size();
  if (const auto list = config.find("added_tokens_decoder"); list != config.end())
    n += list->size();
  return n;
}

}  // namespace

std::string special_name(const TokenizerFiles& files, const std::string& role) {
  for (const char* name : kFiles) {
    const Json json = files.json(name);
    const auto found = json.find(role);
    if (found == json.end()) continue;
    if (const auto token = named_token(*found, role, files.where(name))) return token->content;
  }
  return "";
}

SpecialTokens read_special_tokens(const TokenizerFiles& files, const Json& document,
                                  const SpecialNames& usual, bool adds_usual,
                                  Vocabulary& vocabulary) {
  const Json config = files.json(kFiles[0]), map = files.json(kFiles[1]),
             older = files.json("added_tokens.json");
  const std::string in_document = files.where("tokenizer.json"), in_config = files.where(kFiles[0]);
  Reader reader(vocabulary,
                static_cast<size_t>(vocabulary.size()) + listed_tokens(document, config, older));
  if (const auto list = document.find("added_tokens"); list != document.end() && !list->is_null()) {
    engine::check(list->is_array(), in_document, "\"added_tokens\" should be a list");
    for (const Json& json : *list) {
      AddedToken token = read_token(json, in_document);
      engine::check(json.contains("id"), in_document, "the added token '", token.content,
                    "' has no \"id\"");
      reader.add(std::move(token), json["id"], in_document);
    }
  }
  if (const auto list = config.find("added_tokens_decoder");
      list != config.end() && !list->is_null()) {
    engine::check(list->is_object(), in_config, "\"added_tokens_decoder\" should be an object");
    for (const auto& [key, json] : list->items())
      reader.add(read_token(json, in_config), id_of_key(key), in_config);
  }
  for (const auto& [content, id] : older.items())
    reader.add({.content = content}, id, files.where("added_tokens.json"));

  const auto role = [&](const char* name, const std::string& otherwise) -> std::optional<int32_t> {
    for (const auto& [json, where] :
         {std::pair{&config, in_config}, {&map, files.where(kFiles[1])}}) {
      const auto found = json->find(name);
      if (found == json->end()) continue;
      if (auto token = named_token(*found, name, where)) return reader.name(std::move(*token));
    }
    const auto known = vocabulary.id(otherwise);
    if (otherwise.empty() || !known) return std::nullopt;
    if (adds_usual) reader.name({.content = otherwise, .special = true});
    return known;
  };
  SpecialTokens special;
  special.ids.bos = role("bos_token", usual.bos);
  special.ids.eos = role("eos_token", usual.eos);
  special.ids.unk = role("unk_token", usual.unk);
  special.ids.sep = role("sep_token", usual.sep);
  special.ids.pad = role("pad_token", usual.pad);
  special.ids.cls = role("cls_token", usual.cls);
  special.ids.mask = role("mask_token", usual.mask);
  for (const auto& [json, where] : {std::pair{&config, in_config}, {&map, files.where(kFiles[1])}})
    for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
      const auto list = json->find(key);
      if (list == json->end() || list->is_null()) continue;
      engine::check(list->is_array() || list->is_object(), where, "\"", key, "\" should be a list");
      for (const Json& one : *list)
        if (auto token = named_token(one, key, where)) reader.name(std::move(*token));
    }
  special.added = reader.take();
  return special;
}

}  // namespace data
