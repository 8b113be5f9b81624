#include "data/metrics/cider.h"

#include <array>
#include <cmath>
#include <unordered_set>

#include "data/metrics/ngrams.h"
#include "data/metrics/tokenize.h"
#include "engine/base/error.h"

namespace data::metrics {
namespace {

constexpr int kCiderOrders = 4;
constexpr double kSigma = 6;

using Frequencies = std::array<NgramCounts, kCiderOrders>;

struct Vector {
  std::array<std::unordered_map<Ngram, double, NgramHash>, kCiderOrders> weights;
  std::array<double, kCiderOrders> norm = {};
  double bigrams = 0;
};

Vector weigh(const Ids& words, const Frequencies& documents, double log_total) {
  Vector v;
  for (int n = 0; n < kCiderOrders; ++n) {
    for (const auto& [ngram, count] : count_ngrams(words, n + 1)) {
      const auto found = documents[n].find(ngram);
      const double df = found == documents[n].end() ? 1 : found->second;
      const double weight = count * (log_total - std::log(df));
      v.weights[n].emplace(ngram, weight);
      v.norm[n] += weight * weight;
      if (n == 1) v.bigrams += count;
    }
    v.norm[n] = std::sqrt(v.norm[n]);
  }
  return v;
}

// The sum over orders; of an order without weights the cosine is 0.
double similarity(const Vector& h, const Vector& r) {
  const double delta = h.bigrams - r.bigrams;
  double sum = 0;
  for (int n = 0; n < kCiderOrders; ++n) {
    double dot = 0;
    for (const auto& [ngram, weight] : h.weights[n]) {
      const auto found = r.weights[n].find(ngram);
      if (found != r.weights[n].end()) dot += std::min(weight, found->second) * found->second;
    }
    if (h.norm[n] != 0 && r.norm[n] != 0) dot /= h.norm[n] * r.norm[n];
    sum += dot;
  }
  return sum * std::exp(-delta * delta / (2 * kSigma * kSigma));
}

// cider.py joins the tokens and splits them at white space, which a no-break space is too.
Words resplit(const Words& words) {
  Words out;
  for (const std::string& word : words)
    for (std::string& part : split_unicode(word)) out.push_back(std::move(part));
  return out;
}

}  // namespace

double cider(const Sentences& sentences) {
  engine::check(!sentences.hypotheses.empty(), "cider", "there is no hypothesis to score");
  WordIds ids;
  std::vector<std::vector<Ids>> references;
  Frequencies documents;
  for (const auto& own : sentences.references) {
    auto& mine = references.emplace_back();
    for (const Words& words : own) mine.push_back(ids(resplit(words)));
    for (int n = 0; n < kCiderOrders; ++n) {
      std::unordered_set<Ngram, NgramHash> seen;
      for (const Ids& reference : mine)
        each_ngram(reference, n + 1, [&](const Ngram& ngram) { seen.insert(ngram); });
      for (const Ngram& ngram : seen) ++documents[n][ngram];
    }
  }
  const double total = static_cast<double>(sentences.size());
  double sum = 0;
  for (size_t i = 0; i < sentences.size(); ++i) {
    const Vector h = weigh(ids(resplit(sentences.hypotheses[i])), documents, std::log(total));
    double own = 0;
    for (const Ids& reference : references[i])
      own += similarity(h, weigh(reference, documents, std::log(total)));
    sum += 10 * own / kCiderOrders / static_cast<double>(references[i].size());
  }
  return sum / total;
}

}  // namespace data::metrics
