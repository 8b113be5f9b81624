#include "bench/shapes.h"

#include <charconv>
#include <numeric>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/philox.h"

namespace bench {
namespace {

const std::vector<std::pair<std::string, std::string>> kModels = {
    {"tiny", "random:layers=2,hidden=128,heads=2,ffn=512,vocab=30522"},
    {"mini", "random:layers=4,hidden=256,heads=4,ffn=1024,vocab=30522"},
    {"electra-small",
     "random:type=electra,layers=12,hidden=256,heads=4,ffn=1024,embedding=128,vocab=30522"},
    {"minilm", "random:layers=6,hidden=384,heads=12,ffn=1536,vocab=30522"},
    {"base", "random:layers=12,hidden=768,heads=12,ffn=3072,vocab=30522"},
};

// How many of the 67,349 and 8,551 training sentences have 0, 1, 2, ... tokens: counted by
// data::encode_split on the official files with the vocabulary of bert-base-uncased.
const std::vector<int> kSst2 = {
    0,    0,    0,    1978, 5322, 6065, 5345, 4749, 4155, 3713, 3267, 2947, 2650, 2413,
    2138, 1950, 1777, 1661, 1515, 1373, 1285, 1132, 1106, 1046, 909,  820,  806,  733,
    692,  628,  538,  491,  442,  448,  400,  337,  304,  286,  242,  195,  203,  192,
    155,  148,  130,  89,   82,   85,   73,   55,   42,   50,   40,   36,   19,   21,
    22,   15,   8,    6,    3,    2,    5,    5,    1,    2,    2};
const std::vector<int> kCola = {0,   0,   0,   0,   7,   129, 310, 649, 979, 1154, 1129, 916,
                                797, 574, 452, 334, 235, 182, 145, 125, 96,  66,   67,   66,
                                41,  26,  21,  17,  6,   8,   6,   1,   8,   1,    0,    1,
                                0,   1,   0,   0,   1,   0,   0,   0,   0,   0,    0,    1};

int draw(const std::vector<int>& histogram, engine::Random& random) {
  auto left = static_cast<int64_t>(
      random.below(std::accumulate(histogram.begin(), histogram.end(), uint64_t{0})));
  int length = 0;
  while (left >= histogram[static_cast<size_t>(length)])
    left -= histogram[static_cast<size_t>(length++)];
  return length;
}

std::vector<int> numbers(const std::string& text) {
  std::vector<int> found;
  for (const char *at = text.data(), *end = at + text.size(); at <= end;) {
    int n = 0;
    const auto [next, error] = std::from_chars(at, end, n);
    engine::check(error == std::errc() && n > 0 && (next == end || *next == ','), "lengths", "'",
                  text, "' is no length",
                  engine::hint("give a number, several with commas between them, sst2 or cola"));
    found.push_back(n);
    at = next + 1;
  }
  return found;
}

}  // namespace

std::string model_spec(const std::string& model) {
  for (const auto& [name, spec] : kModels)
    if (name == model) return spec;
  return model;
}

const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& [name, spec] : kModels) all.push_back(name);
    return all;
  }();
  return names;
}

std::vector<std::vector<int>> batch_lengths(const std::string& lengths, int batch, int batches,
                                            uint64_t seed) {
  const std::vector<int>* histogram = lengths == "sst2"   ? &kSst2
                                      : lengths == "cola" ? &kCola
                                                          : nullptr;
  const std::vector<int> given = histogram ? std::vector<int>{} : numbers(lengths);
  engine::Random random(seed);
  std::vector<std::vector<int>> all(static_cast<size_t>(batches));
  size_t next = 0;
  for (auto& one : all)
    for (int i = 0; i < batch; ++i)
      one.push_back(histogram ? draw(*histogram, random) : given[next++ % given.size()]);
  return all;
}

}  // namespace bench
