// A tensor: a cheap handle with an identity on the tape, a shape, and maybe storage.
#pragma once

#include <Eigen/Core>

#include "engine/base/dry_run.h"
#include "engine/base/error.h"
#include "engine/tensor/pool.h"
#include "engine/tensor/shape.h"

namespace engine {

using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixMap = Eigen::Map<Matrix>;
using ConstMatrixMap = Eigen::Map<const Matrix>;
using RowArray = Eigen::Array<Scalar, 1, Eigen::Dynamic>;
using RowMap = Eigen::Map<RowArray>;
using ConstRowMap = Eigen::Map<const RowArray>;

// Copies share storage. Rows are contiguous: element (r, c) is data()[r * cols() + c].
// Storage belongs to a Pool (counted), or to somebody else who outlives the tensor (a parameter, a
// mapped file).
class Tensor {
 public:
  Tensor() = default;
  Tensor(Shape shape, BlockRef block)
      : shape_(shape), data_(static_cast<Scalar*>(block.get()->data())), block_(std::move(block)) {}
  Tensor(Shape shape, Scalar* external) : shape_(shape), data_(external) {}

  Shape shape() const { return shape_; }
  int64_t rows() const { return shape_.rows; }
  int64_t cols() const { return shape_.cols; }
  int64_t size() const { return shape_.size(); }
  size_t bytes() const { return static_cast<size_t>(size()) * sizeof(Scalar); }

  Scalar* data() const { return data_; }
  Scalar* row(int64_t r) const { return data_ + r * shape_.cols; }
  MatrixMap mat() const { return {data_, shape_.rows, shape_.cols}; }
  RowMap row_array(int64_t r) const { return {row(r), shape_.cols}; }
  RowMap flat() const { return {data_, size()}; }
  // The number in a (1, 1) tensor, for the caller: a loss. Throws in a dry run.
  Scalar value() const {
    check(size() == 1, "tensor", "a value of a tensor of shape ", shape_);
    DryRun::refuse("tensor");
    return *data_;
  }

  // Whether there is a tensor at all (an absent bias is an empty tensor), and whether it has
  // storage.
  explicit operator bool() const { return id_ >= 0 || data_ != nullptr; }
  bool has_data() const { return data_ != nullptr; }

  // The same identity and shape without the storage: for what backward need not keep.
  Tensor ghost() const {
    Tensor t;
    t.shape_ = shape_;
    t.id_ = id_;
    return t;
  }

  // The first `rows` rows, in the same storage; off the tape.
  Tensor top_rows(int64_t rows) const {
    Tensor t = *this;
    t.shape_.rows = rows;
    t.id_ = -1;
    return t;
  }

  int32_t id() const { return id_; }  // position on the tape; -1: none
  Tensor with_id(int32_t id) const {
    Tensor t = *this;
    t.id_ = id;
    return t;
  }
  Block* block() const { return block_.get(); }
  // Nobody else holds this storage, so an op that was given the handle by value may write over it.
  bool sole_owner() const { return block_.unique(); }

 private:
  Shape shape_;
  int32_t id_ = -1;
  Scalar* data_ = nullptr;
  BlockRef block_;
};

}  // namespace engine
