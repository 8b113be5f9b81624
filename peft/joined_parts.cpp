#include "peft/joined_parts.h"

#include <cmath>

#include "engine/base/error.h"
#include "engine/ops/dora.h"

namespace peft {

using engine::Json;
using engine::Matrix;
using engine::SafeTensor;

int64_t JoinedParts::r() const {
  int64_t r = 0;
  for (const auto* place : places_) r += place->hook->numbers.r;
  return r;
}

double JoinedParts::alpha() const {
  const LoraNumbers& n = places_.front()->hook->numbers;
  const double grown = static_cast<double>(r()) / static_cast<double>(n.r);
  return n.alpha * (n.rslora ? std::sqrt(grown) : grown);
}

bool JoinedParts::has(const engine::Parameter& p) const {
  for (const auto* place : places_)
    if (&p == &place->hook->a || &p == &place->hook->b || &p == &place->hook->magnitude)
      return true;
  return false;
}

Json JoinedParts::parts() const {
  Json out = Json::array();
  for (const auto* place : places_) {
    const auto& site = place->site;
    out.push_back(
        {part_name(site), site.out_begin, site.out_end - site.out_begin, place->hook->numbers.r});
  }
  return out;
}

std::vector<engine::TensorToSave> JoinedParts::tensors(const std::string& key,
                                                       std::vector<Matrix>& memory) const {
  engine::Linear& linear = *places_.front()->site.linear;
  Matrix a = Matrix::Zero(r(), linear.in()), b = Matrix::Zero(linear.out(), r());
  Matrix lengths(1, linear.out());
  const bool dora = places_.front()->hook->numbers.dora;
  const engine::Parameter& w = linear.kernel();
  if (dora) engine::row_lengths(w.value, w.shape.rows, w.shape.cols, lengths.data());
  int64_t at = 0;
  for (const auto* place : places_) {
    const LoraHook& hook = *place->hook;
    const int64_t rank = hook.numbers.r, first = place->site.out_begin, rows = hook.b.shape.rows;
    a.middleRows(at, rank) = engine::Tensor(hook.a.shape, hook.a.value).mat();
    b.block(first, at, rows, rank) = engine::Tensor(hook.b.shape, hook.b.value).mat();
    if (dora)
      lengths.middleCols(first, rows) =
          engine::Tensor(hook.magnitude.shape, hook.magnitude.value).mat();
    at += rank;
  }
  std::vector<engine::TensorToSave> out;
  const auto add = [&](const char* name, std::vector<int64_t> dims, Matrix values) {
    memory.push_back(std::move(values));
    out.push_back({key + name, std::move(dims), memory.back().data(), engine::DType::F32, false});
  };
  add(".lora_A.weight", {a.rows(), a.cols()}, a);
  add(".lora_B.weight", {b.rows(), b.cols()}, b);
  if (dora) add(".lora_magnitude_vector", {linear.out()}, lengths);
  return out;
}

std::vector<JoinedParts> joined_updates(const Lora& lora) {
  std::vector<std::vector<const Lora::LinearPlace*>> groups;
  for (const auto& place : lora.linears()) {
    if (groups.empty() || groups.back().front()->site.linear != place.site.linear)
      groups.emplace_back();
    groups.back().push_back(&place);
  }
  return {groups.begin(), groups.end()};
}

namespace {

struct Part {
  std::string name;
  int64_t first, rows, rank;
};

Matrix values_of(const SafeTensor& tensor) {
  Matrix out(tensor.dims[0], tensor.dims.size() > 1 ? tensor.dims[1] : 1);
  tensor.read(out.data());
  return out;
}

// A tensor in memory, with the name and the file of another for messages.
SafeTensor in_memory(const SafeTensor& like, const Matrix& values, bool vector, AdapterFile& file) {
  auto own = std::make_shared<std::vector<float>>();
  for (int64_t i = 0; i < values.size(); ++i) own->push_back(static_cast<float>(values.data()[i]));
  SafeTensor out = like;
  out.dtype = engine::DType::F32;
  out.dims = {values.rows(), values.cols()};
  if (vector) out.dims = {values.size()};
  out.data = reinterpret_cast<const std::byte*>(own->data());
  out.bytes = static_cast<int64_t>(own->size() * sizeof(float));
  file.memory.push_back(std::move(own));
  return out;
}

}  // namespace

bool split_parts(AdapterFile& file, const Json& parts) {
  const std::string a_name = ".lora_A.weight", b_name = ".lora_B.weight",
                    m_name = ".lora_magnitude_vector";
  std::map<std::string, SafeTensor> tensors = file.tensors;
  for (const auto& [path, list] : parts.items()) {
    const auto a = tensors.find(path + a_name), b = tensors.find(path + b_name),
               m = tensors.find(path + m_name);
    if (a == tensors.end() || b == tensors.end() || a->second.dims.size() != 2 ||
        b->second.dims.size() != 2)
      return false;
    const Matrix as = values_of(a->second);
    Matrix bs = values_of(b->second);
    int64_t at = 0;
    for (const Json& each : list) {
      const Part part{each.at(0), each.at(1), each.at(2), each.at(3)};
      if (part.first < 0 || part.rows < 1 || part.rank < 1 || part.first + part.rows > bs.rows() ||
          at + part.rank > as.rows() || as.rows() != bs.cols())
        return false;
      const std::string to = path + "." + part.name;
      tensors[to + a_name] = in_memory(a->second, as.middleRows(at, part.rank), false, file);
      tensors[to + b_name] =
          in_memory(b->second, bs.block(part.first, at, part.rows, part.rank), false, file);
      bs.block(part.first, at, part.rows, part.rank).setZero();
      if (m != tensors.end())
        tensors[to + m_name] = in_memory(
            m->second, values_of(m->second).middleRows(part.first, part.rows), true, file);
      at += part.rank;
    }
    if (at != as.rows() || !bs.isZero(0)) return false;
    for (const std::string& name : {a_name, b_name, m_name}) tensors.erase(path + name);
  }
  file.tensors = std::move(tensors);
  return true;
}

}  // namespace peft
