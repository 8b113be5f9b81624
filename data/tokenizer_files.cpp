#include "data/tokenizer_files.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;

AddedToken read_added(const Json& json, int32_t id) {
  AddedToken token;
  token.content = json.at("content").get<std::string>();
  token.id = id;
  token.special = json.value("special", false);
  token.single_word = json.value("single_word", false);
  token.lstrip = json.value("lstrip", false);
  token.rstrip = json.value("rstrip", false);
  token.normalized = json.value("normalized", !token.special);
  return token;
}

Json read_if_there(const std::filesystem::path& file, Json otherwise) {
  return std::filesystem::exists(file) ? read_json(file) : otherwise;
}

}  // namespace

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  engine::check(in.good(), file.string(), "cannot be opened");
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_text(const std::filesystem::path& file, const std::string& text) {
  std::error_code ignored;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), ignored);
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.flush();
  engine::check(out.good(), file.string(), "cannot be written",
                engine::hint("is the folder there, and is the disk full?"));
}

Json read_json(const std::filesystem::path& file) {
  try {
    return Json::parse(read_text(file));
  } catch (const Json::exception& e) {
    engine::fail(file.string(), "is not JSON: ", e.what());
  }
}

TokenizerFiles TokenizerFiles::read(const std::filesystem::path& folder) {
  TokenizerFiles files;
  files.folder = folder;
  files.tokenizer = read_if_there(folder / "tokenizer.json", nullptr);
  files.config = read_if_there(folder / "tokenizer_config.json", Json::object());
  files.special_map = read_if_there(folder / "special_tokens_map.json", Json::object());
  files.added = read_if_there(folder / "added_tokens.json", Json::object());
  return files;
}

std::string TokenizerFiles::special(const std::string& role, const std::string& fallback) const {
  for (const Json* json : {&config, &special_map}) {
    const auto found = json->find(role);
    if (found == json->end() || found->is_null()) continue;
    return found->is_object() ? found->at("content").get<std::string>() : found->get<std::string>();
  }
  return fallback;
}

std::optional<bool> TokenizerFiles::flag(const char* name) const {
  const auto found = config.find(name);
  if (found == config.end() || !found->is_boolean()) return std::nullopt;
  return found->get<bool>();
}

int TokenizerFiles::model_max_length() const {
  const auto found = config.find("model_max_length");
  if (found == config.end() || !found->is_number()) return 0;
  const double value = found->get<double>();  // int(1e30) stands for "no limit"
  return value > 0 && value < 1e9 ? static_cast<int>(value) : 0;
}

std::vector<AddedToken> TokenizerFiles::added_tokens() const {
  std::vector<AddedToken> tokens;
  if (tokenizer.contains("added_tokens")) {
    for (const Json& json : tokenizer["added_tokens"])
      tokens.push_back(read_added(json, json.at("id").get<int32_t>()));
  } else if (config.contains("added_tokens_decoder")) {
    for (const auto& [id, json] : config["added_tokens_decoder"].items())
      tokens.push_back(read_added(json, std::stoi(id)));
  }
  for (const auto& [content, id] : added.items()) {
    const auto same = [&, c = content](const AddedToken& t) { return t.content == c; };
    if (std::none_of(tokens.begin(), tokens.end(), same))
      tokens.push_back({.content = content, .id = id.get<int32_t>()});
  }
  return tokens;
}

SpecialIds find_special(const TokenizerFiles& files, const SpecialNames& names,
                        const Vocabulary& vocabulary, std::vector<AddedToken>& added) {
  const auto find = [&](const char* role, const std::string& fallback) -> std::optional<int32_t> {
    const std::string name = files.special(role, fallback);
    if (name.empty()) return std::nullopt;
    const auto same = [&](const AddedToken& t) { return t.content == name; };
    if (auto known = std::find_if(added.begin(), added.end(), same); known != added.end())
      return known->id;
    const auto id = vocabulary.id(name);
    if (id) added.push_back({.content = name, .id = *id, .special = true});
    return id;
  };
  SpecialIds ids;
  ids.pad = find("pad_token", names.pad);
  ids.unk = find("unk_token", names.unk);
  ids.cls = find("cls_token", names.cls);
  ids.sep = find("sep_token", names.sep);
  ids.mask = find("mask_token", names.mask);
  ids.bos = find("bos_token", names.bos);
  ids.eos = find("eos_token", names.eos);
  return ids;
}

void add_tokens(const Json& vocab, const std::string& where, Vocabulary& vocabulary) {
  engine::check(vocab.is_object() && !vocab.empty(), where,
                "has no vocabulary of the form {\"token\": id, ...}");
  for (const auto& [token, id] : vocab.items()) vocabulary.add(token, id.get<int32_t>());
}

}  // namespace data
