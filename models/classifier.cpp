#include "models/classifier.h"

#include "engine/ops/elementwise.h"
#include "engine/ops/loss.h"
#include "models/registry.h"

namespace models {

using engine::Graph;
using engine::Tensor;

namespace {

// The last token of every sequence that is not padding, as transformers'
// ...ForSequenceClassification looks for it; the first of a sequence of nothing else.
std::vector<int32_t> last_tokens(const engine::Batch& batch, int32_t pad) {
  std::vector<int32_t> rows;
  for (int s = 0; s < batch.sequences(); ++s) {
    const int32_t first = batch.segments.begin(s);
    int32_t row = first + batch.segments.length(s) - 1;
    while (row > first && batch.ids[static_cast<size_t>(row)] == pad) --row;
    rows.push_back(row);
  }
  return rows;
}

// eos_token_id where it is one number.
int32_t end_token(const ModelConfig& config) {
  const engine::Json id = config.json.value("eos_token_id", engine::Json());
  return id.is_number_integer() ? id.get<int32_t>() : -1;
}

// The last end token of every sequence; the last token where there is none.
std::vector<int32_t> last_ends(const engine::Batch& batch, int32_t end) {
  std::vector<int32_t> rows;
  for (int s = 0; s < batch.sequences(); ++s) {
    const int32_t first = batch.segments.begin(s), last = first + batch.segments.length(s) - 1;
    int32_t row = last;
    while (row > first && batch.ids[static_cast<size_t>(row)] != end) --row;
    rows.push_back(batch.ids[static_cast<size_t>(row)] == end ? row : last);
  }
  return rows;
}

// What a decoder reads of a sequence that is to be classified: the sequence itself, one place
// later, behind the start id (or, as mBART, its last id).
void read_again(engine::Batch& batch, int32_t start) {
  batch.output.segments = batch.segments;
  batch.output.ids.resize(batch.ids.size());
  for (int s = 0; s < batch.sequences(); ++s) {
    const auto first = batch.ids.begin() + batch.segments.begin(s);
    const auto to = batch.output.ids.begin() + batch.segments.begin(s);
    const int32_t length = batch.segments.length(s);
    *to = start >= 0 ? start : first[length - 1];
    std::copy(first, first + length - 1, to + 1);
  }
}

}  // namespace

SequenceClassifier::SequenceClassifier(ModelConfig config)
    : config_(std::move(config)),
      pad_(engine::get_or<int32_t>(config_.json, "pad_token_id", -1, config_.where)),
      end_(end_token(config_)),
      model_(make_model(config_.json, config_.where)) {
  if (config_.head == HeadKind::language_model)
    vocabulary_ = std::make_unique<VocabularyHead>(*model_, config_.head);
  else
    head_ = std::make_unique<Classifier>(*model_, config_.head, config_.num_labels);
  declare(*model_, "");
}

Tensor SequenceClassifier::encode(Graph& g, const engine::Batch& batch) {
  return model_->encode(g, batch);
}

Tensor SequenceClassifier::encode_first(Graph& g, const engine::Batch& batch) {
  if (head_ && head_->pooling() == Pooling::mean) {
    const auto prompt = static_cast<int32_t>(model_->words().prompt_length());
    engine::Segments read;
    for (int s = 0; s < batch.sequences(); ++s) read.add(prompt + batch.segments.length(s));
    return engine::mean_rows(g, model_->encode(g, batch, {.counts_prompt = true}), read);
  }
  auto& rows = g.recycle<engine::RowSelection>();
  if (model_->facts().encodes_and_decodes()) {
    auto& again = g.recycle<engine::Batch>();
    again = batch;
    read_again(again, model_->facts().decoder_start);
    rows.choose(batch.segments, last_ends(batch, end_));
    return model_->encode(g, again, {.rows = &rows});
  }
  if (model_->facts().causal)
    rows.choose(batch.segments, last_tokens(batch, pad_));
  else
    rows.choose_first(batch.segments);
  return model_->encode(g, batch, {.rows = &rows, .counts_prompt = !model_->facts().causal});
}

Tensor SequenceClassifier::head(Graph& g, Tensor x) {
  engine::check(head_ != nullptr, "model", "a language model has no classes");
  return (*head_)(g, std::move(x));
}

VocabularyHead& SequenceClassifier::vocabulary() {
  engine::check(vocabulary_ != nullptr, "model", "the head for ", head_kind_name(config_.head),
                " has no vocabulary");
  return *vocabulary_;
}

Tensor SequenceClassifier::logits(Graph& g, const engine::Batch& batch) {
  return head(g, encode_first(g, batch));
}

Tensor SequenceClassifier::logits_at(Graph& g, const engine::Batch& batch,
                                     const std::vector<int32_t>& rows) {
  return head(g, encode_at(g, batch, rows));
}

Tensor SequenceClassifier::encode_at(Graph& g, const engine::Batch& batch,
                                     const std::vector<int32_t>& rows) {
  auto& asked = g.recycle<engine::RowSelection>();
  asked.choose(batch.predicting(), rows);
  return model_->encode(g, batch, {&asked});
}

Tensor SequenceClassifier::loss(Graph& g, const Tensor& logits, const engine::Batch& batch,
                                double label_smoothing) {
  engine::check(batch.labels.size() == static_cast<size_t>(logits.rows()), "loss", "the batch has ",
                batch.labels.size(), " labels for ", logits.rows(), " sequences");
  if (config_.num_labels == 1) return engine::mse(g, logits, batch.labels.data());
  return engine::cross_entropy(g, logits, batch.labels.data(), label_smoothing);
}

}  // namespace models
