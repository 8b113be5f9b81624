#include "models/cross.h"

#include "engine/base/error.h"

namespace models {

using engine::check;
using engine::KeyValue;
using engine::Segments;
using engine::Tensor;

namespace {

engine::Matrix copy_of(const Tensor& t) { return t ? engine::Matrix(t.mat()) : engine::Matrix(); }

Tensor view_of(engine::Matrix& m) {
  return m.size() ? Tensor({m.rows(), m.cols()}, m.data()) : Tensor();
}

}  // namespace

void CrossMemory::begin(const Segments& sources) {
  sources_ = sources;
  source_.clear();
  for (int s = 0; s < sources.count(); ++s) source_.push_back(s);
}

void CrossMemory::keep(const KeyValue& own, const KeyValue& front) {
  layers_.push_back(std::make_unique<Layer>(
      Layer{copy_of(own.key), copy_of(own.value), copy_of(front.key), copy_of(front.value)}));
}

KeyValue CrossMemory::own(int layer) const {
  Layer& l = *layers_[static_cast<size_t>(layer)];
  return {view_of(l.key), view_of(l.value)};
}

KeyValue CrossMemory::front(int layer) const {
  Layer& l = *layers_[static_cast<size_t>(layer)];
  return {view_of(l.front_key), view_of(l.front_value)};
}

void CrossMemory::reorder(const std::vector<int>& parents) {
  std::vector<int> next;
  for (const int parent : parents) next.push_back(source_[static_cast<size_t>(parent)]);
  source_ = std::move(next);
}

Segments CrossMemory::by_source(const Segments& rows) const {
  check(static_cast<size_t>(rows.count()) == source_.size(), "model", "a step of ", rows.count(),
        " sequences, where ", source_.size(), " are being written");
  std::vector<int32_t> count(static_cast<size_t>(sources_.count()), 0);
  for (int s = 0; s < rows.count(); ++s)
    count[static_cast<size_t>(source_[static_cast<size_t>(s)])] += rows.length(s);
  Segments out;
  for (const int32_t each : count) out.add(each);
  return out;
}

Sources::Sources(Tensor states, const engine::Batch& batch, const Ask& ask)
    : states_(std::move(states)),
      segments_(states_ ? batch.segments : ask.sources->sources()),
      memory_(ask.sources),
      known_(!states_) {
  const auto by_source = [&](const Segments& rows) {
    return memory_ ? memory_->by_source(rows) : rows;
  };
  all_ = by_source(batch.output.segments);
  if (ask.rows) asked_ = by_source(ask.rows->segments);
}

Tensor Sources::attend(engine::Graph& g, const Tensor& q, engine::Linear& key,
                       engine::Linear& value, const Rows& rows,
                       const engine::AttentionOptions& options, engine::KvPoint& front) const {
  KeyValue own, before;
  if (known_) {
    own = memory_->own(rows.layer);
    before = memory_->front(rows.layer);
  } else {
    before = front(g);
    own = {key(g, states_), value(g, states_)};
    if (memory_) memory_->keep(own, before);
  }
  return engine::attention(g, q, own.key, own.value, segments_, options, before.key, before.value,
                           rows.only ? &asked_ : &all_);
}

void check_outputs(const engine::Batch& batch, const Ask& ask, const Facts& facts) {
  const bool known = ask.sources && !ask.sources->empty();
  check(
      !batch.output.ids.empty(), "model", "model_type '", facts.model_type,
      "' writes an output for an input, and the batch has none",
      engine::hint("give it a task of sequences to sequences: --task seq2seq, e2e, webnlg, dart"));
  check(known || batch.output.sequences() == batch.sequences(), "model", "the batch has ",
        batch.sequences(), " inputs and ", batch.output.sequences(), " outputs");
}

}  // namespace models
