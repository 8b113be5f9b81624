// The synonym sets of WordNet 3.0, read from its database files (Debian's wordnet-base): what
// METEOR's synonym matcher needs of them.
//
// Words share a synonym set if one of the numbers is common. As in METEOR's own files, built from
// the same database, a number is the byte offset of a set without its part of speech.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace data::metrics {

class WordNet {
 public:
  // The folder $WNSEARCHDIR, else $WNHOME/dict, else the places where packages put it; nullopt if
  // none has the files.
  static std::optional<std::filesystem::path> find();
  // Reads index.{noun,verb,adj,adv} and the lists of irregular forms *.exc (0.2 s). Throws
  // engine::Error if one is missing or is not of WordNet's form.
  explicit WordNet(const std::filesystem::path& folder);

  // Sorted sets of a lower-case word: its own, and those of its base form.
  std::vector<int32_t> synonym_sets(const std::string& word) const;

 private:
  std::string base_form(const std::string& word) const;  // by WordNet's endings; "" if none
  void add(const std::string& word, std::vector<int32_t>& sets) const;

  std::unordered_map<std::string, std::vector<int32_t>> sets_;
  std::unordered_map<std::string, std::vector<std::string>> irregular_;  // form: bases
};

}  // namespace data::metrics
