#include "peft/weighted.h"

#include <Eigen/QR>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <set>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "peft/patterns.h"
#include "peft/peft_config.h"

namespace peft {
namespace {

using engine::check;
using engine::concat;
using engine::hint;
using engine::Json;
using engine::SafeTensor;
using Matrix = Eigen::MatrixXd;

// One adapter's update of a layer: weight * scale * b * a.
struct Update {
  Matrix a, b;    // (r, in), (out, r)
  double factor;  // weight * scale
  const WeightedAdapter* of;
};
// All updates by the names of A and B.
using Updates = std::map<std::pair<std::string, std::string>, std::vector<Update>>;

std::string who(const WeightedAdapter& adapter) { return "adapter " + adapter.name; }

Matrix matrix_of(const SafeTensor& tensor) {
  check(tensor.dims.size() == 2, tensor.where(), "is no matrix");
  engine::Matrix values(tensor.dims[0], tensor.dims[1]);
  tensor.read(values.data());
  return values.cast<double>();
}

std::vector<engine::Scalar> values_of(const SafeTensor& tensor) {
  std::vector<engine::Scalar> values(static_cast<size_t>(tensor.count()));
  tensor.read(values.data());
  return values;
}

void check_addable(const WeightedAdapter& adapter) {
  const Json& config = adapter.file.config;
  const std::string type = engine::get_or<std::string>(config, "peft_type", "", who(adapter));
  check(adapter.file.peft && type == "LORA", who(adapter), "is ",
        adapter.file.peft ? type : adapter.file.spec, "; only LoRA adapters can be added",
        hint("ask each of them: peft predict --adapter a=DIR --adapter b=DIR --adapter-column "
             "NAME"));
  check(!engine::get_or<bool>(config, "use_dora", false, who(adapter)), who(adapter),
        "has DoRA's magnitudes, of which there is no sum",
        hint("merge it into its base (peft merge --adapter DIR), or add adapters without dora"));
  const auto bias = engine::get_or<std::string>(config, "bias", "none", who(adapter));
  check(bias == "none", who(adapter), "trained biases of the base too (\"bias\": \"", bias,
        "\"), which are no part of a sum of updates",
        hint("merge it into its base, or train with bias=none"));
  check(std::isfinite(adapter.weight), who(adapter), "has the weight ", adapter.weight);
}

void check_same_base(const WeightedAdapter& first, const WeightedAdapter& other) {
  const AdapterFile &a = first.file, &b = other.file;
  const auto advice = hint("a sum means something only on the base that all were trained on");
  if (!a.base_hash.empty() && !b.base_hash.empty()) {
    check(a.base_hash == b.base_hash, who(other), "was trained on another base model, ",
          b.base_model, " with hash ", b.base_hash, ", than ", first.name, ": ", a.base_model,
          " with hash ", a.base_hash, advice);
    return;
  }
  check(a.base_model.empty() || b.base_model.empty() || a.base_model == b.base_model, who(other),
        "was trained on ", b.base_model, ", ", first.name, " on ", a.base_model, advice);
}

// The rank that the layers of an adapter have at most.
int64_t rank_of(const WeightedAdapter& adapter) {
  const Json& config = adapter.file.config;
  auto r = engine::get_or<int64_t>(config, "r", 8, who(adapter));
  if (const auto it = config.find("rank_pattern"); it != config.end() && it->is_object())
    for (const auto& [name, rank] : it->items())
      r = std::max(r, rank.get<int64_t>());  // checked by load_adapter
  return r;
}

// Puts LoRA's tensors into `updates`, and the others into `rest`.
void sort_tensors(const WeightedAdapter& adapter, Updates& updates,
                  std::map<std::string, std::pair<SafeTensor, std::string>>& rest) {
  const Json& config = adapter.file.config;
  const auto alpha = engine::get_or<double>(config, "lora_alpha", 8, who(adapter));
  const bool rslora = engine::get_or<bool>(config, "use_rslora", false, who(adapter));
  const auto pattern = config.find("alpha_pattern");
  const Patterns alphas = pattern == config.end() || pattern->is_null()
                              ? Patterns()
                              : Patterns(*pattern, 0, 1e9, who(adapter), "alpha_pattern");
  for (const auto& [name, tensor] : adapter.file.tensors) {
    bool found = false;
    for (const auto& [a, b] : {std::pair{".lora_A.weight", ".lora_B.weight"},
                               std::pair{".lora_embedding_A", ".lora_embedding_B"}}) {
      found = found || name.ends_with(b);
      if (!name.ends_with(a)) continue;
      found = true;
      const std::string path = name.substr(0, name.size() - std::string_view(a).size());
      const auto other = adapter.file.tensors.find(path + b);
      check(other != adapter.file.tensors.end(), who(adapter), "has ", name, " without ", path, b);
      Update update{matrix_of(tensor), matrix_of(other->second), 0, &adapter};
      const auto r = static_cast<double>(update.a.rows());
      check(update.a.rows() == update.b.cols(), who(adapter), "has ", path, " of rank ",
            update.a.rows(), " in A and of rank ", update.b.cols(), " in B");
      update.factor = adapter.weight * alphas.at(path, alpha) / (rslora ? std::sqrt(r) : r);
      auto& all = updates[{name, path + b}];
      check(
          all.empty() || (all[0].a.cols() == update.a.cols() && all[0].b.rows() == update.b.rows()),
          who(adapter), "has other shapes at ", path, " than ", all.empty() ? "" : all[0].of->name,
          hint("were they trained on the same base?"));
      all.push_back(std::move(update));
    }
    if (found) continue;
    check(name.find(".lora_") == std::string::npos, who(adapter), "has ", name,
          ", which cannot be added");
    const auto [it, fresh] = rest.try_emplace(name, tensor, adapter.name);
    const SafeTensor& before = it->second.first;
    check(fresh || (before.dims == tensor.dims && values_of(before) == values_of(tensor)),
          "adapters " + it->second.second + " and " + adapter.name, "each have a ", name,
          " of their own, and heads have no sum",
          hint("ask each of them: peft predict --adapter a=DIR --adapter b=DIR --adapter-column "
               "NAME"));
  }
}

std::pair<Matrix, Matrix> cat(const std::vector<Update>& updates) {
  int64_t rank = 0;
  for (const Update& u : updates) rank += u.a.rows();
  Matrix a(rank, updates[0].a.cols()), b(updates[0].b.rows(), rank);
  int64_t at = 0;
  for (const Update& u : updates) {
    a.middleRows(at, u.a.rows()) = u.factor * u.a;
    b.middleCols(at, u.a.rows()) = u.b;
    at += u.a.rows();
  }
  return {std::move(a), std::move(b)};
}

// The SVD of B A from those of its thin factors, B = Q_b R_b and A^T = Q_a R_a: the whole product
// (out x in) is never made.
std::pair<Matrix, Matrix> svd(const std::vector<Update>& updates, int64_t rank) {
  const auto [a, b] = cat(updates);
  const int64_t ka = std::min(a.rows(), a.cols()), kb = std::min(b.rows(), b.cols());
  const Eigen::HouseholderQR<Matrix> qa(a.transpose()), qb(b);
  const Matrix ra = qa.matrixQR().topRows(ka).triangularView<Eigen::Upper>();
  const Matrix rb = qb.matrixQR().topRows(kb).triangularView<Eigen::Upper>();
  const Eigen::JacobiSVD<Matrix> core(rb * ra.transpose(),
                                      Eigen::ComputeThinU | Eigen::ComputeThinV);
  const int64_t k = std::min<int64_t>(rank, core.singularValues().size());
  const Matrix u = core.matrixU().leftCols(k) * core.singularValues().head(k).asDiagonal();
  const Matrix thin_b = qb.householderQ() * Matrix::Identity(b.rows(), kb);
  const Matrix thin_a = qa.householderQ() * Matrix::Identity(a.cols(), ka);
  return {(thin_a * core.matrixV().leftCols(k)).transpose(), thin_b * u};
}

std::pair<Matrix, Matrix> linear(const std::vector<Update>& updates, const std::string& path) {
  Matrix a = Matrix::Zero(updates[0].a.rows(), updates[0].a.cols());
  Matrix b = Matrix::Zero(updates[0].b.rows(), updates[0].b.cols());
  for (const Update& u : updates) {
    check(u.a.rows() == a.rows(), who(*u.of), "has rank ", u.a.rows(), " at ", path, ", ",
          updates[0].of->name, " has ", a.rows(), "; linear needs equal ranks",
          hint("combine with cat or svd"));
    const double root = std::sqrt(std::abs(u.factor));
    a += (u.factor < 0 ? -root : root) * u.a;
    b += root * u.b;
  }
  return {std::move(a), std::move(b)};
}

// Adds a tensor whose memory belongs to the file.
void add_tensor(AdapterFile& file, const std::string& name, const Matrix& values) {
  auto own = std::make_shared<std::vector<float>>();
  own->reserve(static_cast<size_t>(values.size()));
  for (int64_t i = 0; i < values.rows(); ++i)
    for (int64_t j = 0; j < values.cols(); ++j) own->push_back(static_cast<float>(values(i, j)));
  SafeTensor out;
  out.name = name;
  out.dims = {values.rows(), values.cols()};
  out.data = reinterpret_cast<const std::byte*>(own->data());
  out.bytes = static_cast<int64_t>(own->size() * sizeof(float));
  out.copy = own;
  file.tensors[name] = std::move(out);
  file.memory.push_back(std::move(own));
}

// The union of a list in all configurations; null where one of them is no list.
Json united(const std::vector<WeightedAdapter>& adapters, const char* key) {
  std::set<std::string> all;
  for (const WeightedAdapter& adapter : adapters) {
    const auto it = adapter.file.config.find(key);
    if (it == adapter.file.config.end() || it->is_null()) continue;
    if (!it->is_array()) return nullptr;
    for (const Json& each : *it)
      if (each.is_string()) all.insert(each.get<std::string>());
  }
  return all.empty() ? Json() : Json(all);
}

Json config_of_sum(const std::vector<WeightedAdapter>& adapters, const Updates& updates,
                   int64_t rank) {
  Json config = adapters[0].file.config;
  // Lists of modules are united, as in PEFT. What else chooses modules is written out.
  Json targets = united(adapters, "target_modules");
  for (const WeightedAdapter& adapter : adapters)
    for (const char* key : {"layers_to_transform", "layers_pattern", "exclude_modules"})
      if (engine::has(adapter.file.config, key)) targets = nullptr;
  if (targets.is_null()) {
    targets = Json::array();
    for (const auto& [names, all] : updates)
      targets.push_back(names.first.substr(0, names.first.rfind(".lora_")));
  }
  config["target_modules"] = targets;
  for (const char* key : {"layers_to_transform", "layers_pattern", "exclude_modules"})
    if (config.contains(key)) config[key] = nullptr;
  if (const Json whole = united(adapters, "modules_to_save"); !whole.is_null())
    config["modules_to_save"] = whole;
  config["r"] = rank;
  config["lora_alpha"] = rank;
  config["use_rslora"] = false;
  config["rank_pattern"] = config["alpha_pattern"] = Json::object();
  config["inference_mode"] = true;
  return config;
}

}  // namespace

Combination combination_from_name(const std::string& name) {
  if (name == "linear") return Combination::linear;
  if (name == "cat") return Combination::cat;
  if (name == "svd") return Combination::svd;
  engine::fail("adapters", "cannot be combined by ", name, hint("linear, cat and svd are known"));
}

AdapterFile add_weighted(const std::vector<WeightedAdapter>& adapters, Combination combination,
                         int64_t svd_rank) {
  check(!adapters.empty(), "adapters", "there is none to add");
  check(svd_rank >= 0, "adapters", "the rank ", svd_rank, " is negative");
  Updates updates;
  std::map<std::string, std::pair<SafeTensor, std::string>> rest;
  int64_t most = 0, sum = 0;
  for (const WeightedAdapter& adapter : adapters) {
    check_addable(adapter);
    check_same_base(adapters[0], adapter);
    const int64_t r = rank_of(adapter);
    check(combination != Combination::linear || r == rank_of(adapters[0]), who(adapter),
          "has rank ", r, ", ", adapters[0].name, " has ", rank_of(adapters[0]),
          "; linear needs equal ranks", hint("combine with cat or svd"));
    most = std::max(most, r);
    sum += r;
    sort_tensors(adapter, updates, rest);
  }
  const int64_t rank = combination == Combination::cat                   ? sum
                       : combination == Combination::svd && svd_rank > 0 ? svd_rank
                                                                         : most;
  AdapterFile out;
  std::string names;
  for (const WeightedAdapter& adapter : adapters)
    names += concat(names.empty() ? "" : " + ", adapter.weight, " * ", adapter.name);
  out.folder = adapters[0].file.folder;
  out.file = names;  // for messages
  out.base_model = adapters[0].file.base_model;
  for (const WeightedAdapter& adapter : adapters) {
    if (out.base_hash.empty()) out.base_hash = adapter.file.base_hash;
    out.memory.insert(out.memory.end(), adapter.file.memory.begin(), adapter.file.memory.end());
  }
  out.peft = true;
  for (auto& [name, tensor] : rest) out.tensors[name] = tensor.first;
  for (const auto& [name, all] : updates) {
    const auto [a, b] = combination == Combination::cat   ? cat(all)
                        : combination == Combination::svd ? svd(all, rank)
                                                          : linear(all, name.first);
    // A layer that not all adapters have, or a small one, has a smaller rank; zeros fill it up.
    Matrix full_a = Matrix::Zero(rank, a.cols()), full_b = Matrix::Zero(b.rows(), rank);
    full_a.topRows(a.rows()) = a;
    full_b.leftCols(b.cols()) = b;
    add_tensor(out, name.first, full_a);
    add_tensor(out, name.second, full_b);
  }
  out.config = config_of_sum(adapters, updates, rank);
  out.spec = make_strategy(spec_from_peft(out.config, out.tensors, names))->spec();
  return out;
}

void write_adapter(const std::filesystem::path& folder, const AdapterFile& file) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  check(!error, "adapter", "cannot make the folder ", folder.string(), ": ", error.message());
  std::vector<std::vector<engine::Scalar>> values;
  values.reserve(file.tensors.size());
  std::vector<engine::TensorToSave> tensors;
  for (const auto& [name, tensor] : file.tensors) {
    values.push_back(values_of(tensor));
    tensors.push_back(
        {"base_model.model." + name, tensor.dims, values.back().data(), engine::DType::F32, false});
  }
  engine::Metadata metadata = {{"format", "pt"}};
  if (!file.base_hash.empty()) metadata["base_model_hash"] = file.base_hash;
  engine::write_safetensors(folder / "adapter_model.safetensors", std::move(tensors), metadata);
  engine::write_file_atomically(folder / "adapter_config.json", sorted_json(file.config) + "\n");
}

}  // namespace peft
