#include "apps/convert/diff.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "apps/common/format.h"
#include "apps/common/table.h"

namespace apps {
namespace {

using engine::Json;
using engine::SafeTensor;
using engine::Scalar;

constexpr int64_t kDiffPart = int64_t{1} << 20;  // values in memory at a time, of each file

struct Largest {
  double change = 0, value = 0;

  void add(double a, double b, TensorDifference& out) {
    if (std::isfinite(a)) value = std::max(value, std::abs(a));
    if (a == b || (std::isnan(a) && std::isnan(b))) return;
    ++out.values;
    const double difference = std::abs(a - b);
    change = std::max(
        change, std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference);
  }
};

void compare_values(const SafeTensor& a, const SafeTensor& b, TensorDifference& out,
                    const std::function<void(int64_t)>& done) {
  const int64_t count = a.count();
  if (count == 0) return;
  Largest largest;
  const bool plain = !a.rows && !b.rows && a.dtype == b.dtype;
  if (plain && std::memcmp(a.data, b.data, static_cast<size_t>(a.bytes)) == 0) {
    done(count);
    return;
  }
  if (!a.is_float() || !b.is_float()) {
    const bool other = a.is_float() != b.is_float();
    if (other || a.dtype == engine::DType::F8_E4M3 || a.dtype == engine::DType::F8_E5M2) {
      out.values = count;  // no numbers that could be compared
      out.largest = out.relative = std::numeric_limits<double>::infinity();
      done(count);
      return;
    }
    const std::vector<int64_t> x = a.read_integers(), y = b.read_integers();
    for (size_t i = 0; i < x.size(); ++i)
      largest.add(static_cast<double>(x[i]), static_cast<double>(y[i]), out);
    done(count);
  } else {
    // Rows of one length for both: a vector's may differ.
    const int64_t width = std::max(a.row_width(), b.row_width()), rows = count / width;
    const int64_t part = std::max<int64_t>(1, kDiffPart / width);
    std::vector<Scalar> x(static_cast<size_t>(std::min(rows, part) * width)), y(x.size());
    for (int64_t first = 0; first < rows; first += part) {
      const int64_t last = std::min(rows, first + part);
      const int64_t wa = width / a.row_width(), wb = width / b.row_width();
      a.read_rows(first * wa, last * wa, x.data());
      b.read_rows(first * wb, last * wb, y.data());
      for (int64_t i = 0; i < (last - first) * width; ++i)
        largest.add(x[static_cast<size_t>(i)], y[static_cast<size_t>(i)], out);
      done((last - first) * width);
    }
  }
  out.largest = largest.change;
  out.relative = largest.change == 0 ? 0 : largest.change / largest.value;
}

Json number_or_text(double x) {  // JSON has no infinity
  return std::isfinite(x) ? Json(x) : Json(std::isnan(x) ? "nan" : "inf");
}

std::string both(const std::string& a, const std::string& b) { return a == b ? a : a + " | " + b; }

}  // namespace

bool CheckpointDifference::equal(bool ignore_dtype) const {
  return only_a.empty() && only_b.empty() &&
         std::all_of(both.begin(), both.end(),
                     [&](const TensorDifference& t) { return t.equal(ignore_dtype); });
}

CheckpointDifference compare_checkpoints(const engine::Checkpoint& a, const engine::Checkpoint& b,
                                         const DiffWatcher& watcher) {
  CheckpointDifference out;
  int64_t all = 0, done = 0;
  for (const auto& [name, tensor] : a.tensors())
    if (const SafeTensor* other = b.find(name); other && other->dims == tensor.dims)
      all += tensor.count();
  for (const auto& [name, tensor] : b.tensors())
    if (!a.find(name)) out.only_b.push_back(name);
  for (const auto& [name, tensor] : a.tensors()) {
    const SafeTensor* other = b.find(name);
    if (!other) {
      out.only_a.push_back(name);
      continue;
    }
    TensorDifference difference{.name = name,
                                .shape_a = tensor.dims,
                                .shape_b = other->dims,
                                .type_a = tensor.type_name(),
                                .type_b = other->type_name()};
    if (difference.same_shape())
      compare_values(tensor, *other, difference, [&](int64_t values) {
        done += values;
        if (watcher) watcher(done, all);
      });
    out.both.push_back(std::move(difference));
  }
  return out;
}

Json difference_json(const CheckpointDifference& difference, const std::string& a,
                     const std::string& b, bool ignore_dtype) {
  Json tensors = Json::array();
  for (const TensorDifference& t : difference.both) {
    if (t.equal(ignore_dtype)) continue;
    Json row = {{"name", t.name},
                {"shape_a", t.shape_a},
                {"shape_b", t.shape_b},
                {"dtype_a", t.type_a},
                {"dtype_b", t.type_b}};
    if (t.same_shape()) {
      row["different_values"] = t.values;
      row["largest_change"] = number_or_text(t.largest);
      row["largest_relative_change"] = number_or_text(t.relative);
    }
    tensors.push_back(std::move(row));
  }
  return {{"schema", "peft.cpp/diff/1"},
          {"a", a},
          {"b", b},
          {"equal", difference.equal(ignore_dtype)},
          {"tensors_in_both", difference.both.size()},
          {"only_in_a", difference.only_a},
          {"only_in_b", difference.only_b},
          {"different", std::move(tensors)}};
}

std::string difference_text(const CheckpointDifference& difference, bool ignore_dtype, int width) {
  Table table({{"tensor", Align::left, Fit::cut_front},
               {"dtype"},
               {"shape"},
               {"values", Align::right},
               {"largest change", Align::right},
               {"relative", Align::right}});
  size_t different = 0;
  for (const TensorDifference& t : difference.both) {
    if (t.equal(ignore_dtype)) continue;
    ++different;
    std::vector<std::string> cells = {
        t.name, both(t.type_a, t.type_b),
        both(engine::dims_text(t.shape_a), engine::dims_text(t.shape_b))};
    if (t.same_shape()) {
      cells.push_back(format_count(t.values));
      cells.push_back(format_significant(t.largest, 3));
      cells.push_back(format_significant(t.relative, 3));
    }
    table.add(std::move(cells));
  }
  std::string text = table.empty() ? "" : table.text(width);
  for (const auto& [where, names] :
       {std::pair{"only in A: ", &difference.only_a}, {"only in B: ", &difference.only_b}})
    for (const std::string& name : *names) text += where + name + "\n";
  return text + engine::concat(format_count(static_cast<int64_t>(difference.both.size())),
                               " tensors in both, ", format_count(static_cast<int64_t>(different)),
                               " of them different; ", difference.only_a.size(), " only in A, ",
                               difference.only_b.size(), " only in B\n");
}

}  // namespace apps
