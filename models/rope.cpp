// With r rotated columns, pair j of r / 2 turns by  f_j = theta^(-2 j / r)  radians a position.
//
//   linear   f / factor
//   llama3   wavelengths above original / low_freq_factor: f / factor; below original /
//            high_freq_factor: f; a straight line between (Llama 3.1)
//   yarn     f where a pair turns more than beta_fast times in the original context, f / factor
//            where it turns less than beta_slow times, a ramp over j between; cosines and sines
//            times 0.1 ln(factor) + 1 (Peng et al. 2023)
#include "models/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

namespace models {
namespace {

using engine::check;
using engine::fail;
using engine::hint;
using engine::Json;

// The settings of one scaling; refuses what nobody asked for.
class Settings {
 public:
  Settings(Json json, std::string where) : json_(std::move(json)), where_(std::move(where)) {}

  double number(const std::string& key) { return engine::get<double>(noted(key), key, where_); }
  double number_or(const std::string& key, double fallback) {
    return engine::get_or<double>(noted(key), key, fallback, where_);
  }
  std::string text_or(const std::string& key, const std::string& fallback) {
    return engine::get_or<std::string>(noted(key), key, fallback, where_);
  }
  bool flag_or(const std::string& key, bool fallback) {
    return engine::get_or<bool>(noted(key), key, fallback, where_);
  }
  void finish() const {
    for (const auto& [key, value] : json_.items())
      check(known_.contains(key) || value.is_null(), where_, '"', key, "\" is ",
            engine::json_found(value), ", and this rope_type knows no such setting here",
            hint("it might change what the model computes"));
  }
  const std::string& where() const { return where_; }

 private:
  const Json& noted(const std::string& key) {
    known_.insert(key);
    return json_;
  }

  Json json_;
  std::string where_;
  std::set<std::string> known_;
};

// One object for both generations of config.json.
Json rope_json(ConfigReader& in, double theta) {
  Json rope = in.raw("rope_parameters");
  const Json scaling = in.raw("rope_scaling"), old_theta = in.raw("rope_theta");
  if (rope.is_null()) rope = scaling;
  if (rope.is_null()) rope = Json::object();
  check(rope.is_object(), in.where(), "rope_parameters is ", engine::json_found(rope));
  if (!rope.contains("rope_theta"))
    rope["rope_theta"] = old_theta.is_null() ? Json(theta) : old_theta;
  if (rope.contains("type") && !rope.contains("rope_type")) rope["rope_type"] = rope["type"];
  rope.erase("type");
  return rope;
}

void scale_llama3(std::vector<float>& frequencies, Settings& s) {
  const double factor = s.number("factor"), low = s.number("low_freq_factor"),
               high = s.number("high_freq_factor"),
               original = s.number("original_max_position_embeddings");
  check(factor > 0 && high > low, s.where(), "factor ", factor, ", low_freq_factor ", low,
        ", high_freq_factor ", high, " do not fit");
  for (float& f : frequencies) {
    const double wavelength = 2 * std::numbers::pi / f;
    const double smooth = std::clamp((original / wavelength - low) / (high - low), 0.0, 1.0);
    f = static_cast<float>((1 - smooth) * f / factor + smooth * f);
  }
}

double scale_yarn(std::vector<float>& frequencies, Settings& s, double theta, int64_t positions) {
  const double original =
      s.number_or("original_max_position_embeddings", static_cast<double>(positions));
  const double factor = s.number_or("factor", static_cast<double>(positions) / original);
  const auto width = static_cast<double>(2 * frequencies.size());
  const auto magnitude = [&](double m) {
    return factor <= 1 ? 1.0 : 0.1 * m * std::log(factor) + 1;
  };
  const double m = s.number_or("mscale", 0), m_all = s.number_or("mscale_all_dim", 0);
  const double scale = s.number_or(
      "attention_factor", m != 0 && m_all != 0 ? magnitude(m) / magnitude(m_all) : magnitude(1));
  // The pair that turns `times` in the original context.
  const auto pair = [&](double times) {
    return width * std::log(original / (times * 2 * std::numbers::pi)) / (2 * std::log(theta));
  };
  double low = pair(s.number_or("beta_fast", 32)), high = pair(s.number_or("beta_slow", 1));
  if (s.flag_or("truncate", true)) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0);
  high = std::min(high, width - 1);
  if (low == high) high += 0.001;
  for (size_t j = 0; j < frequencies.size(); ++j) {
    const double ramp = std::clamp((static_cast<double>(j) - low) / (high - low), 0.0, 1.0);
    const double f = frequencies[j];
    frequencies[j] = static_cast<float>(f / factor * ramp + f * (1 - ramp));
  }
  return scale;
}

}  // namespace

Rope read_rope(ConfigReader& in, int64_t width, int64_t positions, double default_theta) {
  Settings s(rope_json(in, default_theta), in.where() + "rope_parameters: ");
  const std::string type = s.text_or("rope_type", "default");
  const double theta = s.number("rope_theta");
  check(theta > 0, s.where(), "rope_theta is ", theta);
  const double part = s.number_or("partial_rotary_factor", 1);
  const auto rotated = static_cast<int64_t>(static_cast<double>(width) * part);
  check(rotated > 0 && rotated <= width && rotated % 2 == 0, s.where(), rotated, " of ", width,
        " columns of a head are rotated; that must be an even number");

  Rope rope;
  for (int64_t j = 0; j < rotated / 2; ++j) {
    const float exponent = static_cast<float>(2 * j) / static_cast<float>(rotated);
    rope.inverse_frequencies.push_back(
        static_cast<float>(1 / std::pow(theta, static_cast<double>(exponent))));
  }
  if (type == "linear") {
    const double factor = s.number("factor");
    check(factor > 0, s.where(), "factor is ", factor);
    for (float& f : rope.inverse_frequencies) f = static_cast<float>(f / factor);
  } else if (type == "llama3") {
    scale_llama3(rope.inverse_frequencies, s);
  } else if (type == "yarn") {
    rope.scale = scale_yarn(rope.inverse_frequencies, s, theta, positions);
  } else if (type == "dynamic") {
    s.number("factor");
    s.number_or("original_max_position_embeddings", 0);
  } else {
    check(type == "default", s.where(), "rope_type '", type, "' cannot be computed here",
          hint("known are default, linear, dynamic, llama3 and yarn"));
  }
  s.finish();
  return rope;
}

}  // namespace models
