// BERTScore (Zhang et al. 2020): a text against a reference, by the vectors that an encoder gives
// their tokens at one layer.
//
//   P  = sum_i w(x_i) max_j x_i.y_j / sum_i w(x_i)     x: unit vectors of the hypothesis
//   R  = sum_j w(y_j) max_i x_i.y_j / sum_j w(y_j)     y: of the reference
//   F1 = 2 P R / (P + R)
//
// As the package bert_score 0.3.13 computes it, without its rescaling to a baseline: weights are 1,
// or the idf over the references; [CLS] and [SEP] weigh nothing but may be matched; RoBERTa's texts
// get a space in front; of several references the largest P, R and F1 count, each for itself.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/metrics/corpus.h"
#include "run/locate.h"
#include "run/model.h"

namespace run {

struct BertScoreOptions {
  int layer = 0;     // from 1; 0: usual_bert_score_layer()
  bool idf = false;  // rare tokens weigh more: log((references + 1) / (those with the token + 1))
  std::function<void(int64_t done, int64_t all)> progress;  // hypotheses
};

struct BertScore {
  double precision = 0, recall = 0, f1 = 0;
};

// The layer that bert_score uses for a model of this shape, which correlates best with people's
// judgement on WMT16; three quarters of the layers where it knows none.
int usual_bert_score_layer(const models::Facts& model);

class BertScorer {
 public:
  // `request` names a model of any encoder's family, or a run or adapter on one. Layers above the
  // chosen one are not made. Throws engine::Error for a causal model and for a layer that the model
  // does not have.
  BertScorer(const ModelRequest& request, BertScoreOptions options);

  // Of every hypothesis. One without words, or with no reference that has any, gets zeros, as does
  // a text whose tokens all weigh nothing. A text longer than the model is cut.
  std::vector<BertScore> score(const data::metrics::Texts& texts);

  std::string method() const;  // "bert, layer 9 of 12, idf"

 private:
  struct Text {
    std::vector<int32_t> ids, types;
    std::vector<double> weights;  // (tokens)
    double weight = 0;            // their sum
    engine::Matrix vectors;       // (tokens, hidden) of length 1
  };
  Text read(const std::string& text) const;
  void weigh(Text& text) const;
  void count_documents(const data::metrics::Texts& texts);
  void encode(const std::vector<Text*>& texts);

  BertScoreOptions options_;
  int layers_ = 0;  // of the whole model
  OpenModel open_;
  std::unique_ptr<data::Tokenizer> tokenizer_;
  int longest_ = 0;     // tokens of a text
  bool space_ = false;  // in front of every text
  engine::Workspace workspace_;
  std::vector<double> idf_;  // (vocabulary)
};

// The means over the hypotheses at `chosen`.
BertScore mean_bert_score(const std::vector<BertScore>& all, const std::vector<size_t>& chosen);

}  // namespace run
