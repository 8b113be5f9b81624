#include "data/tokenizer_files.h"

#include <algorithm>

#include "data/tokenizer_names.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/plain_file.h"
#include "engine/io/json_parse.h"

namespace data {
namespace {

using Json = nlohmann::json;

}  // namespace

std::string read_text(const std::filesystem::path& file) { return engine::read_plain_file(file); }

void write_text(const std::filesystem::path& file, const std::string& text) {
  std::error_code ignored;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), ignored);
  engine::write_file_atomically(file, text);
}

Json read_json(const std::filesystem::path& file) {
  return engine::json_detail::parse_unique<Json>(read_text(file), file.string());
}

TokenizerFiles TokenizerFiles::read(const std::filesystem::path& folder) {
  TokenizerFiles files(folder.string());
  for (const char* name : kTokenizerFiles)
    if (std::filesystem::exists(folder / name)) files.add(name, read_text(folder / name));
  return files;
}

Json TokenizerFiles::json(const std::string& name) const {
  const auto found = files_.find(name);
  if (found == files_.end()) return Json::object();
  Json json = engine::json_detail::parse_unique<Json>(found->second, where(name));
  engine::check(json.is_object(), where(name), "should hold a JSON object");
  return json;
}

std::string TokenizerFiles::held_by(const std::filesystem::path& folder) {
  std::error_code none;
  for (const char* name : kTokenizerFiles)
    if (std::filesystem::exists(folder / name, none)) return name;
  return "";
}

void TokenizerFiles::write(const std::filesystem::path& folder) const {
  for (const auto& [name, bytes] : files_) write_text(folder / name, bytes);
}

int64_t largest_id(size_t tokens) { return 2 * static_cast<int64_t>(tokens) + 1024; }

int32_t read_id(const Json& json, const std::string& token, int64_t most,
                const std::string& where) {
  engine::check(json.is_number_integer(), where, "the token '", token, "' has the id ",
                json.dump().substr(0, 60), ", expected a whole number");
  const bool fits = json.is_number_unsigned()
                        ? json.get<uint64_t>() <= static_cast<uint64_t>(most)
                        : json.get<int64_t>() >= 0 && json.get<int64_t>() <= most;
  engine::check(fits, where, "the token '", token, "' has the id ", json.dump().substr(0, 60),
                ", ids here are 0 .. ", most,
                engine::hint("an id far above the number of tokens is a damaged file"));
  return json.get<int32_t>();
}

void add_tokens(const Json& vocab, const std::string& where, Vocabulary& vocabulary) {
  engine::check(vocab.is_object() && !vocab.empty(), where,
                "has no vocabulary of the form {\"token\": id, ...}");
  const int64_t most = largest_id(vocab.size());
  std::vector<bool> taken;
  for (const auto& [token, json] : vocab.items()) {
    const int32_t id = read_id(json, token, most, where);
    if (static_cast<size_t>(id) >= taken.size()) taken.resize(static_cast<size_t>(id) + 1);
    engine::check(!taken[static_cast<size_t>(id)], where, "the id ", id, " is there twice, for '",
                  token, "' and for '", taken[static_cast<size_t>(id)] ? vocabulary.token(id) : "",
                  "'");
    taken[static_cast<size_t>(id)] = true;
    vocabulary.add(token, id);
  }
}

}  // namespace data
