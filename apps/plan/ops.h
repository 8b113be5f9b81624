// What every op costs: the twins by shape of engine/ops, on a tape of shapes. The last group has no
// twin yet.
#pragma once

#include "apps/plan/tape.h"
#include "engine/ops/activation.h"

namespace apps::sym {

Value linear(Tape& t, const Value& x, const Value& w, const Value& b);
Value linear_activation(Tape& t, const Value& x, const Value& w, const Value& b);
Value low_rank_add(Tape& t, Value y, const Value& x, const Value& a, const Value& b, bool dropout);
Value activation(Tape& t, const Value& x, engine::Activation act);
Value dropout(Tape& t, Value x, double p);
Value add(Tape& t, Value a, const Value& b);
Value scale(Tape& t, Value x);
Value column_scale(Tape& t, const Value& x, const Value& l);
Value select_rows(Tape& t, const Value& x, int64_t rows);
Value select_columns(Tape& t, const Value& x, int64_t count);
Value embedding_sum(Tape& t, std::initializer_list<Value> tables, int64_t n);
Value layer_norm(Tape& t, const Value& x, const Value& w, const Value& b);
Value add_layer_norm(Tape& t, Value h, const Value& residual, const Value& w, const Value& b,
                     double dropout);
// `sequences` of `length` tokens each.
struct Packed {
  int64_t sequences, length;
  int64_t tokens() const { return sequences * length; }
};
Value attention(Tape& t, const Value& q, const Value& k, const Value& v, const Packed& packed,
                int64_t heads, const Value& prefix_k, const Value& prefix_v);
Value cross_entropy(Tape& t, const Value& logits);
Value mse(Tape& t, const Value& predictions);

// For LLaMA, as the engine would do it: rms_norm keeps x and a factor a row, swiglu keeps both its
// inputs, and rotary positions are turned in place.
Value rms_norm(Tape& t, const Value& x, const Value& w);
Value swiglu(Tape& t, const Value& gate, const Value& up);
Value rotary(Tape& t, Value x);

}  // namespace apps::sym
