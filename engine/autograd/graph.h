// The tape: reverse-mode differentiation of eager ops.
//
// An op computes at once and, if one of its inputs needs a gradient, records a closure. backward()
// runs the closures in reverse order of recording (which is a topological order) and frees each as
// it passes. The need rule, in one idiom:
//
//   return g.record("linear", y, {x, w, b}, [=](Backward& bw) {
//     if (auto dx = bw.into(x))
//       gemm(false, false, bw.dy(), w, dx.beta, dx.data, Work::input_gradient);
//     ...
//
// computes a gradient only if something wants it. The first write into a gradient has beta = 0 and
// later ones beta = 1, so nothing is zero-filled but the rows of a table that got terms. Nothing is
// recorded below the lowest trainable parameter.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/autograd/arena.h"
#include "engine/autograd/leaf.h"
#include "engine/autograd/recycled.h"
#include "engine/tensor/gemm.h"
#include "engine/tensor/tensor.h"

namespace engine {

class Graph;
struct AttentionWeights;  // engine/ops/attention_weights.h

// Where to put a gradient: data = gradient + beta * data.
struct GradSink {
  Scalar* data = nullptr;
  Scalar beta = 0;
  explicit operator bool() const { return data != nullptr; }

  // Writes the gradient, given as an array expression, on this thread.
  template <class Values>
  void put(const Eigen::ArrayBase<Values>& values) const {
    if (DryRun::on()) return;
    RowMap sink(data, values.size());
    if (beta == 0)
      sink = values;
    else
      sink += values;
  }
};

// What an op's backward sees.
class Backward {
 public:
  // Gradient of the loss with respect to the op's output.
  const Tensor& dy() const { return dy_; }
  // The same of an op with a (1, 1) output, as a number; 0 in a dry run.
  Scalar scalar_dy() const { return DryRun::on() ? Scalar(0) : *dy_.data(); }
  // The sink for an input's gradient; empty if nothing wants it.
  GradSink into(const Tensor& input);
  // For an op that adds to some rows of a table's gradient: the gradient, of which the rows `ids`
  // (n) are ready to be added to and the others hold what they must; null if nothing wants it.
  Scalar* into_rows(const Tensor& table, const int32_t* ids, int64_t n);
  // Passes dy on as the input's gradient (y = x + ...). Moves the storage where it can; call it
  // last, after every use of dy.
  void give(const Tensor& input);
  // Storage for the op's own use in backward.
  Tensor scratch(Shape shape);

 private:
  friend class Graph;
  Backward(Graph& graph, Tensor dy) : graph_(graph), dy_(std::move(dy)) {}
  Graph& graph_;
  Tensor dy_;
};

// What an op saved for backward, or would have saved: Graph::keep.
struct SavedTensor {
  int32_t id = -1;  // the op's input; -1: what the op made itself, its result included
  Shape shape;
  bool saved = false;  // false: no gradient that reads it is wanted
  int64_t bytes = 0;   // 0 if not saved, or if an op before had saved the same storage
  std::vector<int32_t>
      wanted_for;  // the inputs whose gradients read it; empty: the op does not say
};

// One op as it was seen, recorded or not: for pictures of a step and for tests.
struct TraceEntry {
  std::string op;
  int32_t output = -1;
  std::vector<int32_t> inputs;
  Shape shape;
  bool recorded = false;  // false: frozen, nothing is kept and nothing runs in backward
  int64_t saved_bytes = 0;
  std::vector<SavedTensor> saved;
  double flops = 0;            // of the forward products
  const Leaf* leaf = nullptr;  // a use of a leaf, not an op
};
using Trace = std::vector<TraceEntry>;

namespace detail {
struct Node {
  const char* op;
  int32_t output;
  void* closure;
  void (*run)(void*, Backward&);
  void (*destroy)(void*);
};
struct Slot {
  bool needs = false;
  Leaf* leaf = nullptr;
  Tensor grad;
};
}  // namespace detail

// Called for every op when set: forward (after the op, with the bytes that it saved for backward)
// and backward (with the id of the op's result, and its begin and end in seconds of now()).
class OpListener {
 public:
  virtual ~OpListener() = default;
  virtual void forward(const char* op, const Tensor& y, int64_t saved_bytes) = 0;
  virtual void backward(const char* op, int32_t output, double begin_seconds,
                        double end_seconds) = 0;
  virtual double now() = 0;
};

// What outlives a step and makes the next one allocation-free. Must outlive every tensor made from
// it.
struct Workspace {
  Pool pool;
  Arena arena;
  Recycled recycled;
  std::vector<detail::Node> nodes;
  std::vector<detail::Slot> slots;
};

struct GraphOptions {
  bool record = true;    // false: inference, nothing needs a gradient
  bool dropout = false;  // whether dropout ops drop; says nothing about what is trainable
  // Dropout masks are a function of (seed, step, order of the dropout op in the graph).
  uint64_t seed = 0;
  uint64_t step = 0;
  Trace* trace = nullptr;
  OpListener* listener = nullptr;
  AttentionWeights* attention = nullptr;  // attention ops add their probabilities to it
};

// One graph a step; not thread-safe. Only one graph at a time may use a workspace.
class Graph {
 public:
  explicit Graph(Workspace& workspace, GraphOptions options = {});
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // A new tensor from the pool, contents undefined.
  Tensor make(Shape shape);
  // A (1, 1) tensor with this value: the result of a loss.
  Tensor scalar(double value);
  // The same storage under a new identity if `t` is its only owner (pass it with std::move), else a
  // copy: for ops that write over their input.
  Tensor reuse(Tensor t);
  // A leaf: trainable leaves get gradients, others are constants. The same leaf used twice is the
  // same tensor.
  Tensor use(Leaf& leaf);
  // The same for an op that asks half() for the values: a leaf that is held as BF16 alone gives a
  // tensor without storage.
  Tensor use_weight(Leaf& leaf);
  // The BF16 values of a leaf that was used, if it has them.
  HalfWeight half(const Tensor& t) const;
  // A tensor of the caller's whose gradient is wanted (tests, features): read it with grad() after
  // backward.
  Tensor input(Tensor t);

  bool needs(const Tensor& t) const {
    return t.id() >= 0 && workspace_.slots[static_cast<size_t>(t.id())].needs;
  }
  bool records() const { return options_.record; }
  bool drops() const { return options_.dropout; }
  AttentionWeights* attention_weights() const { return options_.attention; }
  // The key of the next dropout mask.
  uint64_t next_mask_key();
  // Numbers of the caller's own that live as long as the graph, uninitialised (positions of a batch
  // for an op to read). A warm step takes no memory for them.
  template <class T>
  std::span<T> take(int64_t n) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 16);
    const auto count = static_cast<size_t>(n);
    return {static_cast<T*>(workspace_.arena.take(count * sizeof(T))), count};
  }

  // An object that lives as long as the graph. It is as an earlier graph left it, with the memory
  // that it had there: assign to it.
  template <class T>
  T& recycle() {
    return workspace_.recycled.take<T>();
  }

  // Saved for backward if `when`, else a ghost. Counted once however many ops keep the same
  // storage.
  Tensor keep(const Tensor& t, bool when) { return keep(t, when, {}); }
  // Saved if one of `wanted_for` needs a gradient: the inputs of the op whose gradients read it.
  Tensor keep(const Tensor& t, std::initializer_list<Tensor> wanted_for) {
    bool when = false;
    for (const Tensor& input : wanted_for) when = when || needs(input);
    return keep(t, when, wanted_for);
  }
  // A copy of numbers that an op's backward reads (ids, targets, row ranges), which lives as long
  // as the graph; null if not `when`. Warm steps take no memory for it, and it is not counted.
  template <class T>
  const T* hold(std::span<const T> values, bool when) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 16);
    if (!when) return nullptr;
    auto* copy = static_cast<T*>(workspace_.arena.take(values.size_bytes()));
    std::uninitialized_copy(values.begin(), values.end(), copy);
    return copy;
  }

  // Puts `y` on the tape if any input needs a gradient. `backward` is called as
  // backward(Backward&).
  template <class F>
  Tensor record(const char* op, Tensor y, std::initializer_list<Tensor> inputs, F backward) {
    bool any = false;
    for (const Tensor& t : inputs) any = any || needs(t);
    Tensor out = enter(op, std::move(y), inputs.begin(), inputs.size(), any);
    if (any) {
      void* place = workspace_.arena.take(sizeof(F));
      static_assert(alignof(F) <= 16);
      new (place) F(std::move(backward));
      push(
          op, out, place, [](void* f, Backward& bw) { (*static_cast<F*>(f))(bw); },
          [](void* f) { static_cast<F*>(f)->~F(); });
    }
    return out;
  }

  // d(seed * loss) / d(everything that needs it); `loss` is (1, 1). Frees the tape as it goes; once
  // a graph.
  void backward(const Tensor& loss, Scalar seed = 1);

  // After backward: the gradient of an input(); an empty tensor if it got none.
  Tensor grad(const Tensor& input) const;

 private:
  friend class Backward;
  Tensor keep(const Tensor& t, bool when, std::initializer_list<Tensor> wanted_for);
  Tensor enter(const char* op, Tensor y, const Tensor* inputs, size_t count, bool any);
  void push(const char* op, const Tensor& y, void* closure, void (*run)(void*, Backward&),
            void (*destroy)(void*));
  int32_t new_slot(bool needs, Leaf* leaf);

  Workspace& workspace_;
  GraphOptions options_;
  uint64_t stamp_;
  uint64_t masks_ = 0;
  int64_t pending_saved_ = 0;
  std::vector<SavedTensor> pending_;  // of the op that is running, with a trace
  double pending_flops_ = 0;
  bool ran_back_ = false;
};

}  // namespace engine
