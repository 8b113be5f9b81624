// Reads a config.json strictly: what a family asks for is typed and checked, and what it does not
// ask for is refused unless it is known not to matter, since it might change a result.
//
//   ConfigReader in(json, "config.json");
//   const int64_t hidden = in.size("hidden_size");
//   in.only("position_embedding_type", "absolute");
//   json_ = in.finish();
#pragma once

#include <initializer_list>
#include <set>
#include <string>

#include "engine/io/json.h"
#include "engine/ops/activation.h"

namespace models {

class ConfigReader {
 public:
  // `where` names the file in errors.
  ConfigReader(const engine::Json& json, std::string where);

  // A value that must be there, or one with a default. The default also stands for null.
  template <class T>
  T get(const std::string& key) {
    return note(key, engine::get<T>(json_, key, where_));
  }
  template <class T>
  T get_or(const std::string& key, std::type_identity_t<T> fallback) {
    return note(key, engine::get_or<T>(json_, key, std::move(fallback), where_));
  }
  // A number of things: positive and below 2^31.
  int64_t size(const std::string& key);
  int64_t size_or(const std::string& key, int64_t fallback);
  // The same, or 0.
  int64_t count_or(const std::string& key, int64_t fallback);
  // Positive.
  double epsilon(const std::string& key, double fallback);
  // In [0, 1).
  double dropout(const std::string& key, double fallback);
  engine::Activation activation(const std::string& key, const std::string& fallback);
  // Whatever is there, for the caller to check; null if nothing is.
  engine::Json raw(const std::string& key) {
    known_.insert(key);
    const auto it = json_.find(key);
    return it == json_.end() ? engine::Json() : *it;
  }
  // A setting of which one value is supported. An absent key has that value.
  void only(const std::string& key, const engine::Json& supported);
  // Keys that say nothing about what is computed.
  void harmless(std::initializer_list<const char*> keys) {
    known_.insert(keys.begin(), keys.end());
  }

  const std::string& where() const { return where_; }
  // Refuses keys that were neither read nor harmless (null and empty ones are passed over), and
  // returns the document with the defaults written out.
  engine::Json finish() const;

 private:
  template <class T>
  T note(const std::string& key, T value) {
    known_.insert(key);
    resolved_[key] = value;
    return value;
  }

  const engine::Json& json_;
  std::string where_;
  std::set<std::string> known_;
  engine::Json resolved_;
};

}  // namespace models
