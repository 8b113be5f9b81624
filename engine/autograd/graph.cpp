#include "engine/autograd/graph.h"

#include <cstring>

#include "engine/base/philox.h"
#include "engine/tensor/parallel.h"

namespace engine {

// A stamp no other graph of the process has, so that leaves and blocks can tell "seen by this
// graph" from an old mark.
static uint64_t next_stamp() {
  static uint64_t stamps = 0;
  return ++stamps;
}

Graph::Graph(Workspace& workspace, GraphOptions options)
    : workspace_(workspace), options_(options), stamp_(next_stamp()) {
  check(workspace_.nodes.empty() && workspace_.slots.empty(), "graph",
        "this workspace is in use by another graph");
  pending_flops_ = counters().forward.flops;
}

Graph::~Graph() {
  for (size_t i = workspace_.nodes.size(); i-- > 0;)
    workspace_.nodes[i].destroy(workspace_.nodes[i].closure);
  workspace_.nodes.clear();
  workspace_.slots.clear();
  workspace_.arena.reset();
  workspace_.recycled.reset();
}

Tensor Graph::make(Shape shape) {
  return {shape,
          BlockRef(workspace_.pool.take(static_cast<size_t>(shape.size()) * sizeof(Scalar)))};
}

Tensor Graph::scalar(double value) {
  Tensor t = make({1, 1});
  if (!DryRun::on()) *t.data() = static_cast<Scalar>(value);
  return t;
}

Tensor Graph::reuse(Tensor t) {
  if (t.sole_owner()) return t.with_id(-1);
  Tensor copy = make(t.shape());
  if (!DryRun::on()) std::memcpy(copy.data(), t.data(), t.bytes());
  return copy;
}

int32_t Graph::new_slot(bool needs, Leaf* leaf) {
  workspace_.slots.push_back({needs, leaf, {}});
  return static_cast<int32_t>(workspace_.slots.size()) - 1;
}

Tensor Graph::use(Leaf& leaf) {
  check(leaf.value != nullptr || !leaf.half, "graph", "a parameter of shape ", leaf.shape,
        " is held as BF16, and this op reads floats",
        hint("use fp32: leave out --weights and --precision"));
  return use_weight(leaf);
}

Tensor Graph::use_weight(Leaf& leaf) {
  check(leaf.value != nullptr || leaf.half, "graph", "a parameter of shape ", leaf.shape,
        " has no values yet",
        hint("allocate the parameter store and load or initialise it before the first step"));
  Tensor t(leaf.shape, leaf.value);
  if (leaf.graph != stamp_) {
    leaf.graph = stamp_;
    leaf.id = new_slot(options_.record && leaf.trainable, &leaf);
    if (options_.trace) {
      TraceEntry entry;
      entry.op = "parameter";
      entry.output = leaf.id;
      entry.shape = leaf.shape;
      entry.recorded = leaf.trainable;
      entry.leaf = &leaf;
      options_.trace->push_back(std::move(entry));
    }
  }
  return t.with_id(leaf.id);
}

HalfWeight Graph::half(const Tensor& t) const {
  if (t.id() < 0) return {};
  const Leaf* leaf = workspace_.slots[static_cast<size_t>(t.id())].leaf;
  return leaf ? leaf->half : HalfWeight{};
}

Tensor Graph::input(Tensor t) { return t.with_id(new_slot(options_.record, nullptr)); }

uint64_t Graph::next_mask_key() { return mix(mix(options_.seed, options_.step), ++masks_); }

Tensor Graph::keep(const Tensor& t, bool when, std::initializer_list<Tensor> wanted_for) {
  const bool saved = when && options_.record;
  int64_t counted = 0;
  if (Block* block = t.block(); saved && block && block->counted_by != stamp_) {
    block->counted_by = stamp_;
    counted = static_cast<int64_t>(t.bytes());
  }
  pending_saved_ += counted;
  if (options_.trace && t.block()) {  // a parameter's values are there anyhow
    SavedTensor& entry = pending_.emplace_back();
    entry.id = t.id();
    entry.shape = t.shape();
    entry.saved = saved;
    entry.bytes = counted;
    for (const Tensor& input : wanted_for)
      if (input.id() >= 0) entry.wanted_for.push_back(input.id());
  }
  return saved ? t : t.ghost();
}

Tensor Graph::enter(const char* op, Tensor y, const Tensor* inputs, size_t count, bool any) {
  if (any) counters().saved_bytes += pending_saved_;
  Tensor out = y.with_id(new_slot(any, nullptr));
  if (options_.trace) {
    TraceEntry entry;
    entry.op = op;
    entry.output = out.id();
    entry.shape = out.shape();
    entry.recorded = any;
    entry.saved_bytes = any ? pending_saved_ : 0;
    entry.saved = std::exchange(pending_, {});
    entry.flops = counters().forward.flops - pending_flops_;
    for (size_t i = 0; i < count; ++i)
      if (inputs[i].id() >= 0) entry.inputs.push_back(inputs[i].id());
    options_.trace->push_back(std::move(entry));
  }
  if (options_.listener) options_.listener->forward(op, out, any ? pending_saved_ : 0);
  pending_saved_ = 0;
  pending_flops_ = counters().forward.flops;
  return out;
}

void Graph::push(const char* op, const Tensor& y, void* closure, void (*run)(void*, Backward&),
                 void (*destroy)(void*)) {
  workspace_.nodes.push_back({op, y.id(), closure, run, destroy});
}

void Graph::backward(const Tensor& loss, Scalar seed) {
  check(loss.size() == 1, "backward", "the loss has shape ", loss.shape(), ", and must be (1, 1)");
  check(needs(loss), "backward", "no trainable parameter has a part in the loss",
        hint("choose a strategy that trains something, or check what its pattern matched"));
  check(!std::exchange(ran_back_, true), "backward",
        "called twice: the tape is freed as backward passes it");
  auto& slots = workspace_.slots;
  slots[static_cast<size_t>(loss.id())].grad = scalar(static_cast<double>(seed));
  ++counters().steps;
  while (!workspace_.nodes.empty()) {
    const detail::Node node = workspace_.nodes.back();
    workspace_.nodes.pop_back();
    struct Freed {  // also when the op throws
      const detail::Node& node;
      ~Freed() { node.destroy(node.closure); }
    } const freed{node};
    // Moved out of the slot: dy is freed, or given on, when the op has used it.
    Tensor dy = std::exchange(slots[static_cast<size_t>(node.output)].grad, Tensor());
    if (dy) {  // absent: the value had no part in the loss
      const double begin = options_.listener ? options_.listener->now() : 0;
      Backward bw(*this, std::move(dy));
      node.run(node.closure, bw);
      if (options_.listener)
        options_.listener->backward(node.op, node.output, begin, options_.listener->now());
    }
  }
}

Tensor Graph::grad(const Tensor& input) const {
  return workspace_.slots[static_cast<size_t>(input.id())].grad;
}

static void fill_zero(Scalar* data, int64_t size) {
  parallel_for(
      size, 1, [&](int64_t begin, int64_t end) { std::fill(data + begin, data + end, Scalar(0)); },
      1024);
}

void Leaf::zero_grad() {
  if (!rows) return fill_zero(grad, shape.size());
  parallel_for(rows->groups(), rows->count() * shape.cols / rows->groups(),
               [&](int64_t begin, int64_t end) {
                 for (int64_t g = begin; g < end; ++g)
                   for (uint64_t bits = rows->group(g); bits; bits &= bits - 1)
                     std::fill_n(grad + (rows->first_of(g) + std::countr_zero(bits)) * shape.cols,
                                 shape.cols, Scalar(0));
               });
  rows->clear();
}

GradSink Backward::into(const Tensor& input) {
  if (!graph_.needs(input)) return {};
  detail::Slot& slot = graph_.workspace_.slots[static_cast<size_t>(input.id())];
  if (Leaf* leaf = slot.leaf) {
    if (leaf->rows) leaf->rows->add_all();
    return {leaf->grad, std::exchange(leaf->grad_written, true) ? Scalar(1) : Scalar(0)};
  }
  if (slot.grad) return {slot.grad.data(), 1};
  slot.grad = graph_.make(input.shape());
  return {slot.grad.data(), 0};
}

Scalar* Backward::into_rows(const Tensor& table, const int32_t* ids, int64_t n) {
  if (!graph_.needs(table)) return nullptr;
  if (Leaf* leaf = graph_.workspace_.slots[static_cast<size_t>(table.id())].leaf;
      leaf && leaf->rows) {
    if (!std::exchange(leaf->grad_written, true)) leaf->zero_grad();
    for (int64_t i = 0; i < n; ++i) leaf->rows->add(ids[i]);
    return leaf->grad;
  }
  const GradSink sink = into(table);
  if (sink.beta == 0) fill_zero(sink.data, table.size());
  return sink.data;
}

void Backward::give(const Tensor& input) {
  if (!graph_.needs(input)) return;
  detail::Slot& slot = graph_.workspace_.slots[static_cast<size_t>(input.id())];
  if (!slot.leaf && !slot.grad) {
    slot.grad = dy_.sole_owner() ? std::move(dy_) : graph_.reuse(dy_);
    return;
  }
  into(input).put(dy_.flat());
}

Tensor Backward::scratch(Shape shape) { return graph_.make(shape); }

}  // namespace engine
