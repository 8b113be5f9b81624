// A tape of shapes: engine/autograd/graph.h without numbers.
//
// It follows the same rules on the same occasions (who needs a gradient, what is kept, when a
// buffer is written over or freed), so the products, the bytes kept and the peak of the pool that
// it counts are those of a step that is executed. tests/apps/plan_test.cpp holds the two against
// each other for every strategy.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/counters.h"
#include "engine/nn/parameter.h"

namespace apps::sym {

using engine::Shape;

class Tape;

// Bytes of the pool, given back when the last value that shares them goes.
struct Storage {
  Tape& tape;
  int64_t bytes;
  bool counted = false;  // as kept
  Storage(Tape& t, int64_t n);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
};

// As engine::Tensor: an identity on the tape, a shape, and maybe storage. A parameter has an
// identity and no storage here.
struct Value {
  Shape shape;
  int id = -1;
  std::shared_ptr<Storage> storage;

  int64_t rows() const { return shape.rows; }
  int64_t cols() const { return shape.cols; }
  bool exists() const { return id >= 0 || storage != nullptr; }
  bool sole_owner() const { return storage.use_count() == 1; }
  Value ghost() const { return {shape, id, nullptr}; }
  Value with_id(int new_id) const { return {shape, new_id, storage}; }
};

// What an op's backward sees, as engine::Backward.
class Back {
 public:
  Back(Tape& tape, Value dy) : tape_(tape), dy_(std::move(dy)) {}
  const Value& dy() const { return dy_; }
  // Whether the input's gradient is wanted; takes its storage when it is the first to write it.
  bool into(const Value& input);
  // Whether somebody wrote to it before (the sink's beta is 1): ask before into().
  bool written(const Value& input) const;
  void give(const Value& input);
  Value scratch(Shape shape);

 private:
  Tape& tape_;
  Value dy_;
};

class Tape {
 public:
  Tape(int threads, bool dropout) : threads_(threads), dropout_(dropout) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;
  ~Tape();

  Value make(Shape shape);
  Value reuse(Value v);                   // as Graph::reuse: in place if `v` is the only owner
  Value use(const engine::Parameter& p);  // a leaf; without gradient when frozen
  bool needs(const Value& v) const { return v.id >= 0 && slots_[static_cast<size_t>(v.id)].needs; }
  Value keep(const Value& v, bool when);
  Value record(Value y, std::initializer_list<Value> inputs, std::function<void(Back&)> backward);
  void backward(const Value& loss);

  // A product of (m, k) and (k, n).
  void gemm(engine::Work work, int64_t m, int64_t n, int64_t k);
  void count(engine::Work work, int64_t calls, double flops);

  bool drops() const { return dropout_; }
  int threads() const { return threads_; }
  const engine::Counters& counters() const { return counters_; }
  int64_t peak_bytes() const { return peak_; }

 private:
  friend struct Storage;
  friend class Back;
  struct Slot {
    bool needs = false, leaf = false;
    Value grad;
  };
  struct Node {
    int output;
    std::function<void(Back&)> run;
  };
  int threads_;
  bool dropout_;
  engine::Counters counters_;
  int64_t live_ = 0, peak_ = 0, pending_ = 0;
  std::vector<Slot> slots_;
  std::vector<Node> nodes_;
  std::unordered_map<const engine::Parameter*, int> leaves_;
};

}  // namespace apps::sym
