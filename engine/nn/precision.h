// In which precision weights are held and multiplied.
#pragma once

#include <string_view>

#include "engine/tensor/bfloat16.h"

namespace engine {

//   fp32          floats
//   bf16_weights  frozen weights of linear layers are held as BF16, and widened for their products
//   bf16          the same, and products with weights multiply BF16 values and add floats; trained
//                 weights stay floats, of which the products read a copy
// Norms, softmax, losses, biases, moments and what a strategy injects are floats in any case.
enum class Precision { fp32, bf16_weights, bf16 };

// Of every ParameterStore that is made from now on, for the process; fp32 at first.
void set_precision(Precision precision);
Precision precision();
// Throws engine::Error if this processor has no instructions for it, with what to do instead.
void check_precision(Precision precision);
// From --precision (fp32, bf16) and --weights (fp32, bf16); throws for other names.
Precision parse_precision(std::string_view precision, std::string_view weights);
const char* precision_name(Precision precision);  // "fp32", "bf16-weights", "bf16"

}  // namespace engine
