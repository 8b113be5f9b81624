#include "data/vocabulary.h"

#include <cstdio>

#include "engine/base/error.h"

namespace data {

void Vocabulary::add(std::string_view token, int32_t id) {
  constexpr int32_t kMost = 1 << 24;
  engine::check(id >= 0 && id <= kMost, "vocabulary", "token '", token, "' has the id ", id,
                ", ids are 0 .. ", kMost);
  if (id >= size()) tokens_.resize(static_cast<size_t>(id) + 1);
  tokens_[static_cast<size_t>(id)] = token;
  ids_.insert_or_assign(std::string(token), id);
}

const std::string& Vocabulary::token(int32_t id) const {
  engine::check(id >= 0 && id < size(), "vocabulary", "id ", id, " is not in a vocabulary of ",
                size(), " tokens");
  return tokens_[static_cast<size_t>(id)];
}

std::string Vocabulary::fingerprint() const {
  uint64_t hash = 0xcbf29ce484222325u;
  const auto mix = [&](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3u; };
  for (const std::string& token : tokens_) {
    for (const char c : token) mix(static_cast<unsigned char>(c));
    mix(0);  // so that {"ab", "c"} and {"a", "bc"} differ
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

}  // namespace data
