#include "data/metrics/rouge.h"

#include <algorithm>
#include <set>

#include "data/metrics/ngrams.h"
#include "data/metrics/porter.h"
#include "data/metrics/tokenize.h"
#include "engine/base/error.h"

namespace data::metrics {
namespace {

// Lengths of the longest common subsequences of the first i and j words, (a + 1) x (b + 1).
std::vector<std::vector<int32_t>> lcs_table(const Ids& a, const Ids& b) {
  std::vector<std::vector<int32_t>> table(a.size() + 1, std::vector<int32_t>(b.size() + 1, 0));
  for (size_t i = 1; i <= a.size(); ++i)
    for (size_t j = 1; j <= b.size(); ++j)
      table[i][j] = a[i - 1] == b[j - 1] ? table[i - 1][j - 1] + 1
                                         : std::max(table[i - 1][j], table[i][j - 1]);
  return table;
}

int32_t lcs_length(const Ids& a, const Ids& b) {
  std::vector<int32_t> before(b.size() + 1, 0), row(b.size() + 1, 0);
  for (const int32_t word : a) {
    for (size_t j = 1; j <= b.size(); ++j)
      row[j] = word == b[j - 1] ? before[j - 1] + 1 : std::max(before[j], row[j - 1]);
    std::swap(before, row);
  }
  return before[b.size()];
}

Rouge from_counts(double hits, double reference, double hypothesis) {
  Rouge r;
  r.precision = hits / std::max(hypothesis, 1.0);
  r.recall = hits / std::max(reference, 1.0);
  if (r.precision + r.recall > 0) r.f = 2 * r.precision * r.recall / (r.precision + r.recall);
  return r;
}

Words google_words(std::string_view text, bool stem) {
  Words words;
  std::string word;
  const auto close = [&] {
    if (!word.empty()) words.push_back(stem && word.size() > 3 ? porter_stem(word) : word);
    word.clear();
  };
  for (const char c : lower_unicode(text)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      word += c;
    } else {
      close();
    }
  }
  close();
  return words;
}

std::vector<Ids> google_lines(const std::string& text, bool stem, WordIds& ids) {
  std::vector<Ids> lines;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    if (end > begin) lines.push_back(ids(google_words(text.substr(begin, end - begin), stem)));
    begin = end + 1;
  }
  return lines;
}

Rouge rouge_n(const Ids& reference, const Ids& hypothesis, int n) {
  const NgramCounts r = count_ngrams(reference, n), h = count_ngrams(hypothesis, n);
  double hits = 0, of_reference = 0, of_hypothesis = 0;
  for (const auto& [ngram, count] : r) {
    of_reference += count;
    const auto found = h.find(ngram);
    if (found != h.end()) hits += std::min(count, found->second);
  }
  for (const auto& [ngram, count] : h) of_hypothesis += count;
  return from_counts(hits, of_reference, of_hypothesis);
}

// Which words of the reference belong to a longest common subsequence, by walking back.
void mark_lcs(const Ids& reference, const Ids& hypothesis, std::set<size_t>& marked) {
  const auto table = lcs_table(reference, hypothesis);
  size_t i = reference.size(), j = hypothesis.size();
  while (i > 0 && j > 0) {
    if (reference[i - 1] == hypothesis[j - 1]) {
      marked.insert(i - 1);
      --i, --j;
    } else if (table[i][j - 1] > table[i - 1][j]) {
      --j;
    } else {
      --i;
    }
  }
}

Rouge rouge_lsum(const std::vector<Ids>& reference, const std::vector<Ids>& hypothesis) {
  std::unordered_map<int32_t, int32_t> left_r, left_h;
  double of_reference = 0, of_hypothesis = 0, hits = 0;
  for (const Ids& line : reference)
    for (const int32_t word : line) ++left_r[word], ++of_reference;
  for (const Ids& line : hypothesis)
    for (const int32_t word : line) ++left_h[word], ++of_hypothesis;
  if (of_reference == 0 || of_hypothesis == 0) return {};
  for (const Ids& line : reference) {
    std::set<size_t> marked;
    for (const Ids& other : hypothesis) mark_lcs(line, other, marked);
    for (const size_t at : marked) {
      int32_t &r = left_r[line[at]], &h = left_h[line[at]];
      if (r > 0 && h > 0) --r, --h, ++hits;
    }
  }
  return from_counts(hits, of_reference, of_hypothesis);
}

}  // namespace

double rouge_l_coco(const Sentences& sentences) {
  engine::check(!sentences.hypotheses.empty(), "rouge_l", "there is no hypothesis to score");
  constexpr double kBeta2 = 1.2 * 1.2;
  WordIds ids;
  // rouge.py splits "" into one empty word.
  const auto words = [&](const Words& w) { return ids(w.empty() ? Words{""} : w); };
  double sum = 0;
  for (size_t i = 0; i < sentences.size(); ++i) {
    const Ids hypothesis = words(sentences.hypotheses[i]);
    double precision = 0, recall = 0;
    for (const Words& own : sentences.references[i]) {
      const Ids reference = words(own);
      const double lcs = lcs_length(reference, hypothesis);
      precision = std::max(precision, lcs / static_cast<double>(hypothesis.size()));
      recall = std::max(recall, lcs / static_cast<double>(reference.size()));
    }
    if (precision > 0 && recall > 0)
      sum += (1 + kBeta2) * precision * recall / (recall + kBeta2 * precision);
  }
  return sum / static_cast<double>(sentences.size());
}

Rouge rouge_google(const Texts& texts, RougeKind kind, bool stem) {
  check_texts(texts, "rouge");
  WordIds ids;
  Rouge mean;
  for (size_t i = 0; i < texts.size(); ++i) {
    Rouge best;
    bool first = true;
    for (const std::string& reference : texts.references[i]) {
      Rouge r;
      if (kind == RougeKind::rougeLsum) {
        r = rouge_lsum(google_lines(reference, stem, ids),
                       google_lines(texts.hypotheses[i], stem, ids));
      } else {
        const Ids a = ids(google_words(reference, stem));
        const Ids b = ids(google_words(texts.hypotheses[i], stem));
        if (kind != RougeKind::rougeL) {
          r = rouge_n(a, b, kind == RougeKind::rouge1 ? 1 : 2);
        } else if (!a.empty() && !b.empty()) {
          r = from_counts(lcs_length(a, b), static_cast<double>(a.size()),
                          static_cast<double>(b.size()));
        }
      }
      if (first || r.f > best.f) best = r;
      first = false;
    }
    mean.precision += best.precision;
    mean.recall += best.recall;
    mean.f += best.f;
  }
  const double count = static_cast<double>(texts.size());
  return {mean.precision / count, mean.recall / count, mean.f / count};
}

}  // namespace data::metrics
