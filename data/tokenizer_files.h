// The files of a Hugging Face tokenizer folder, in memory: what a tokenizer is made from, and what
// it hands on, byte for byte.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "data/vocabulary.h"

namespace data {

class TokenizerFiles {
 public:
  // Reads those files of `folder` that belong to a tokenizer, and only those. Throws engine::Error
  // if one cannot be read.
  static TokenizerFiles read(const std::filesystem::path& folder);
  // The name of one of a tokenizer's files that `folder` holds; empty if it holds none.
  static std::string held_by(const std::filesystem::path& folder);
  // None yet; `name` stands for the folder in messages.
  explicit TokenizerFiles(std::string name) : folder_(std::move(name)) {}

  void add(const std::string& name, std::string bytes) { files_[name] = std::move(bytes); }
  bool has(const std::string& name) const { return files_.contains(name); }
  const std::string& bytes(const std::string& name) const { return files_.at(name); }
  // The parsed file; an empty object if it is not there. Throws engine::Error with the file's name
  // for what is no JSON object or has a key twice.
  nlohmann::json json(const std::string& name) const;
  // The path of a file, for messages.
  std::string where(const std::string& name) const { return (folder_ / name).string(); }
  std::string where() const { return folder_.string(); }

  // Writes every file as it was read. Throws engine::Error if that fails.
  void write(const std::filesystem::path& folder) const;

 private:
  std::filesystem::path folder_;
  std::map<std::string, std::string> files_;
};

// {"token": id, ...}, the "vocab" of tokenizer.json and vocab.json, into an empty vocabulary. Ids
// are whole numbers, none twice, and not far above the number of tokens: engine::Error otherwise.
void add_tokens(const nlohmann::json& vocab, const std::string& where, Vocabulary& vocabulary);
// The id that `json` is. Throws engine::Error that opens with `where` for anything but a whole
// number in [0, most].
int32_t read_id(const nlohmann::json& json, const std::string& token, int64_t most,
                const std::string& where);
// Ids may leave holes, but no file makes us hold much more than it says: the largest id that a
// vocabulary of `tokens` entries may have.
int64_t largest_id(size_t tokens);

// Any JSON file. Throws engine::Error with the file's name if it cannot be read or is no JSON.
nlohmann::json read_json(const std::filesystem::path& file);
// Both throw engine::Error if the file cannot be read or written.
std::string read_text(const std::filesystem::path& file);
void write_text(const std::filesystem::path& file, const std::string& text);

}  // namespace data
