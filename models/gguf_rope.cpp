#include "models/gguf_rope.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

#include "engine/base/error.h"
#include "engine/base/number.h"

namespace models {

using engine::check;
using engine::hint;
using engine::Json;

double short_number(double value) {
  const auto narrow = static_cast<float>(value);
  if (!std::isfinite(narrow)) return value;
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, narrow).ptr;
  return engine::to_number<double>({text, static_cast<size_t>(end - text)}).value_or(value);
}

std::vector<float> llama3_divisors(const Json& rope, double theta, int64_t width) {
  const auto number = [&](const char* key) {
    return engine::get<double>(rope, key, "rope_parameters");
  };
  const double factor = number("factor"), low = number("low_freq_factor"),
               high = number("high_freq_factor"),
               original = number("original_max_position_embeddings");
  std::vector<float> divisors;
  for (int64_t j = 0; j < width / 2; ++j) {
    const double frequency =
        std::pow(theta, -2 * static_cast<double>(j) / static_cast<double>(width));
    const double smooth =
        std::clamp((original * frequency / (2 * std::numbers::pi) - low) / (high - low), 0.0, 1.0);
    divisors.push_back(static_cast<float>(1 / ((1 - smooth) / factor + smooth)));
  }
  return divisors;
}

Json llama3_rope(const engine::Gguf& file, double theta, int64_t width) {
  const engine::SafeTensor tensor = file.tensor("rope_freqs.weight");
  check(tensor.dims == std::vector<int64_t>{width / 2} && tensor.is_float(), tensor.where(),
        "has the shape ", engine::dims_text(tensor.dims), ", expected ", width / 2, " floats");
  std::vector<engine::Scalar> found(static_cast<size_t>(width / 2));
  tensor.read(found.data());
  // The models in the field have low_freq_factor 1, high_freq_factor 4, and 8192 positions before.
  const double factor = short_number(*std::max_element(found.begin(), found.end()));
  for (int64_t original = 16; factor >= 1 && original <= int64_t{1} << 20; original *= 2) {
    const Json rope = {{"rope_type", "llama3"},
                       {"factor", factor},
                       {"low_freq_factor", 1.0},
                       {"high_freq_factor", 4.0},
                       {"original_max_position_embeddings", original}};
    const std::vector<float> made = llama3_divisors(rope, theta, width);
    const bool same = std::equal(made.begin(), made.end(), found.begin(), [](float a, auto b) {
      return std::abs(a - static_cast<float>(b)) <= 1e-4f * a;
    });
    if (same) return rope;
  }
  engine::fail(tensor.where(), "scales rotary frequencies otherwise than llama3 does",
               hint("take the model in Hugging Face's format (config.json, model.safetensors)"));
}

}  // namespace models
