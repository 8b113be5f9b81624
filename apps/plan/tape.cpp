#include "apps/plan/tape.h"

#include <algorithm>

namespace apps::sym {

Storage::Storage(Tape& t, int64_t n) : tape(t), bytes(n) {
  tape.live_ += bytes;
  tape.peak_ = std::max(tape.peak_, tape.live_);
}

Storage::~Storage() { tape.live_ -= bytes; }

Tape::~Tape() {  // storage counts itself out, so it must go before the counters
  nodes_.clear();
  slots_.clear();
}

Value Tape::make(Shape shape) {
  return {shape, -1,
          std::make_shared<Storage>(*this,
                                    shape.size() * static_cast<int64_t>(sizeof(engine::Scalar)))};
}

Value Tape::reuse(Value v) { return v.sole_owner() ? v.with_id(-1) : make(v.shape); }

Value Tape::use(const engine::Parameter& p) {
  const auto [it, fresh] = leaves_.try_emplace(&p, static_cast<int>(slots_.size()));
  if (fresh) slots_.push_back({p.trainable, true, {}});
  return {p.shape, it->second, nullptr};
}

Value Tape::keep(const Value& v, bool when) {
  if (!when) return v.ghost();
  if (v.storage && !std::exchange(v.storage->counted, true)) pending_ += v.storage->bytes;
  return v;
}

Value Tape::record(Value y, std::initializer_list<Value> inputs,
                   std::function<void(Back&)> backward) {
  const bool any =
      std::any_of(inputs.begin(), inputs.end(), [this](const Value& v) { return needs(v); });
  if (any) counters_.saved_bytes += pending_;
  pending_ = 0;
  slots_.push_back({any, false, {}});
  const int id = static_cast<int>(slots_.size()) - 1;
  if (any) nodes_.push_back({id, std::move(backward)});
  return y.with_id(id);
}

void Tape::backward(const Value& loss) {
  if (!needs(loss)) return;
  slots_[static_cast<size_t>(loss.id)].grad = make({1, 1});
  ++counters_.steps;
  while (!nodes_.empty()) {
    const Node node = std::move(nodes_.back());
    nodes_.pop_back();
    Value dy = std::exchange(slots_[static_cast<size_t>(node.output)].grad, Value());
    if (!dy.exists()) continue;
    Back bw(*this, std::move(dy));
    node.run(bw);
  }
}

void Tape::gemm(engine::Work work, int64_t m, int64_t n, int64_t k) {
  count(work, 1, 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k));
}

void Tape::count(engine::Work work, int64_t calls, double flops) {
  counters_.of(work).calls += calls;
  counters_.of(work).flops += flops;
}

bool Back::written(const Value& input) const {
  return tape_.needs(input) && tape_.slots_[static_cast<size_t>(input.id)].grad.exists();
}

bool Back::into(const Value& input) {
  if (!tape_.needs(input)) return false;
  Tape::Slot& slot = tape_.slots_[static_cast<size_t>(input.id)];
  if (!slot.leaf && !slot.grad.exists()) slot.grad = tape_.make(input.shape);
  return true;
}

void Back::give(const Value& input) {
  if (!tape_.needs(input)) return;
  Tape::Slot& slot = tape_.slots_[static_cast<size_t>(input.id)];
  if (!slot.leaf && !slot.grad.exists())
    slot.grad = dy_.sole_owner() ? std::move(dy_) : tape_.reuse(dy_);
}

Value Back::scratch(Shape shape) { return tape_.make(shape); }

}  // namespace apps::sym
