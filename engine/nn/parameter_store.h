// The parameters of a model in blocks: trainable values, gradients; frozen values.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/nn/module.h"
#include "engine/nn/precision.h"

namespace engine {

class ParameterStore {
 public:
  // Collects the parameters of the tree. A parameter's full name is set here; two of one name are
  // an error.
  explicit ParameterStore(Module& root, Precision precision = engine::precision());

  // Lays out memory by what is `trainable` now: one block of trainable values (those that weight
  // decay touches first, then the others; each in order of declaration) and one of gradients.
  // Frozen parameters get memory only when a value is written (own()). May be called once. In a dry
  // run all parameters get addresses without memory.
  void allocate();

  const std::vector<Parameter*>& all() const { return all_; }
  const std::vector<Parameter*>& trainable() const { return trainable_; }  // in block order
  Parameter* find(const std::string& name) const;                          // null if there is none

  // The model's own parameters (not what a strategy injected) that got no values from a file though
  // others did: drawn from a seed, so that another seed is another model. Empty for a random model.
  std::vector<std::string> fresh() const;
  // Whether some values came from a base checkpoint.
  bool has_base() const;

  int64_t total_count() const;  // scalars, trainable and frozen
  int64_t trainable_count() const;
  int64_t held_bytes() const;  // of all values

  // The trainable block, `size` scalars: the first `decayed` are subject to weight decay.
  struct Block {
    Scalar* value = nullptr;
    Scalar* grad = nullptr;
    int64_t size = 0;
    int64_t decayed = 0;
    // The tables in it that ops look rows up in, in their order: the gradient is zero outside of
    // their written rows.
    struct Table {
      int64_t begin, rows, cols;
      WrittenRows* written;
      int64_t end() const { return begin + rows * cols; }
    };
    std::vector<Table> tables;
    // For whoever writes to `grad` other than by a backward.
    void wrote_all() const {
      for (const Table& table : tables) table.written->add_all();
    }
  };
  const Block& block() const { return block_; }

  // Memory of its own for a frozen parameter (aligned, uninitialised); for a trainable one its
  // place in the block.
  Scalar* own(Parameter& p);
  // Points a frozen parameter at memory that somebody else keeps alive (`keeper`), which is never
  // written.
  void borrow(Parameter& p, const Scalar* data, std::shared_ptr<const void> keeper);

  // Whether the values of a frozen parameter are held as BF16 and not as floats, by the precision
  // (Parameter::may_be_half): own_half() and borrow_half() take the places of own() and borrow().
  bool holds_as_half(const Parameter& p) const;
  BFloat16* own_half(Parameter& p);
  void borrow_half(Parameter& p, const BFloat16* data, std::shared_ptr<const void> keeper);
  // Makes the BF16 copies of trained weights anew: after every write to them. Nothing to do in
  // other precisions than bf16.
  void refresh_half();
  void refresh_half(Parameter& p);
  Precision precision() const { return precision_; }

  // Fresh values for every parameter that was not loaded: a function of (seed, name), so that a
  // head starts with the same values whatever the strategy, and in whatever order.
  void initialise(uint64_t seed);
  static void fill_initial(Parameter& p, uint64_t seed);

  // Before a step: the next gradients are written over. After backward: gradients that no op wrote
  // are made zero.
  void clear_gradients();
  void settle_gradients();

 private:
  void keep_alive(std::shared_ptr<const void> keeper);
  HalfArithmetic arithmetic() const {
    return precision_ == Precision::bf16 ? HalfArithmetic::bf16 : HalfArithmetic::fp32;
  }

  Precision precision_;
  std::vector<Parameter*> all_, trainable_;
  std::unordered_map<std::string, Parameter*> by_name_;
  Block block_;
  std::vector<std::unique_ptr<WrittenRows>> written_rows_;
  std::vector<std::shared_ptr<const void>> memory_;
  bool allocated_ = false;
};

}  // namespace engine
