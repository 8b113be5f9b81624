#include "peft/count.h"

#include <cstdio>

namespace peft {
namespace {

std::string with_commas(int64_t n) {
  std::string digits = std::to_string(n);
  for (auto at = static_cast<int64_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<size_t>(at), 1, ',');
  return digits;
}

}  // namespace

Count count(engine::Module& root) {
  Count out;
  root.visit([&](engine::Parameter& p) {
    out.total += p.count();
    if (p.trainable) out.trainable += p.count();
    if (p.role == engine::Role::injected) out.injected += p.count();
    if (p.role == engine::Role::head) out.head += p.count();
  });
  return out;
}

std::string text(const Count& count) {
  char percent[32];
  std::snprintf(percent, sizeof percent, "%.4f", count.percent());
  return "trainable params: " + with_commas(count.trainable) +
         " || all params: " + with_commas(count.total) + " || trainable%: " + percent;
}

}  // namespace peft
