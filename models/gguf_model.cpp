#include "models/gguf_model.h"

#include <algorithm>
#include <memory>

#include "engine/base/error.h"
#include "models/config.h"
#include "models/gguf.h"
#include "models/gguf_rope.h"

namespace models {
namespace {

using engine::check;
using engine::GgmlType;
using engine::GgufWriter;
using engine::hint;
using engine::Json;

uint32_t file_type(std::optional<GgmlType> type) {  // llama_ftype
  if (!type) return 0;
  return *type == GgmlType::F16    ? 1
         : *type == GgmlType::Q8_0 ? 7
         : *type == GgmlType::BF16 ? 32
                                   : 0;
}

// The type that most values have.
GgmlType usual_type(const engine::Checkpoint& tensors) {
  std::map<engine::DType, int64_t> counts;
  for (const auto& [name, tensor] : tensors.tensors()) counts[tensor.dtype] += tensor.count();
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == counts.end()) return GgmlType::F32;
  return most->first == engine::DType::F16    ? GgmlType::F16
         : most->first == engine::DType::BF16 ? GgmlType::BF16
                                              : GgmlType::F32;
}

void add_rope(GgufWriter& file, const std::string& prefix, const Json& config,
              const std::string& where, int64_t width) {
  Json rope = config.value("rope_parameters", Json());
  if (rope.is_null()) rope = config.value("rope_scaling", Json());
  if (rope.is_null()) rope = Json::object();
  const std::string at = where + ": rope_parameters";
  const std::string old = engine::get_or<std::string>(rope, "type", "default", at);
  const auto type = engine::get_or<std::string>(rope, "rope_type", old, at);
  const double outer = engine::get_or<double>(config, "rope_theta", 10000, where);
  const auto theta = engine::get_or<double>(rope, "rope_theta", outer, at);
  const auto part = engine::get_or<double>(rope, "partial_rotary_factor", 1, at);
  const auto number = [&](const char* key) {
    return static_cast<float>(engine::get<double>(rope, key, at));
  };
  file.add(prefix + "rope.freq_base", static_cast<float>(theta));
  file.add(prefix + "rope.dimension_count",
           static_cast<uint32_t>(static_cast<double>(width) * part));
  if (type == "linear" || type == "yarn") {
    file.add(prefix + "rope.scaling.type", type);
    file.add(prefix + "rope.scaling.factor", number("factor"));
    if (type == "linear") return;
    for (const char* key :
         {"attention_factor", "mscale", "mscale_all_dim", "beta_fast", "beta_slow", "truncate"})
      check(!engine::has(rope, key), at, "\"", key, "\" is set, which GGUF cannot say here");
    file.add(prefix + "rope.scaling.original_context_length",
             static_cast<uint32_t>(engine::get_or<int64_t>(
                 rope, "original_max_position_embeddings",
                 engine::get<int64_t>(config, "max_position_embeddings", where), at)));
  } else if (type == "llama3") {
    const auto divisors =
        std::make_shared<const std::vector<float>>(llama3_divisors(rope, theta, width));
    engine::SafeTensor tensor;
    tensor.name = "rope_freqs.weight";
    tensor.dims = {width / 2};
    tensor.data = reinterpret_cast<const std::byte*>(divisors->data());
    tensor.bytes = static_cast<int64_t>(divisors->size() * sizeof(float));
    tensor.copy = divisors;
    file.add({.name = tensor.name, .from = tensor}, GgmlType::F32);
  } else {
    check(type == "default", at, "rope_type is '", type, "', which GGUF cannot say here",
          hint("known are default, linear, yarn and llama3"));
  }
}

void add_metadata(GgufWriter& file, const Json& config, const std::string& where,
                  const std::string& architecture) {
  const std::string prefix = architecture + ".";
  const auto size = [&](const char* key) { return engine::get<int64_t>(config, key, where); };
  const auto add = [&](const std::string& key, int64_t value) {
    file.add(prefix + key, static_cast<uint32_t>(value));
  };
  const int64_t heads = size("num_attention_heads"), hidden = size("hidden_size");
  const int64_t usual = architecture == "qwen3" ? 128 : hidden / heads;
  const auto width = engine::get_or<int64_t>(config, "head_dim", usual, where);
  add("block_count", size("num_hidden_layers"));
  add("context_length", engine::get_or<int64_t>(config, "max_position_embeddings", 2048, where));
  add("embedding_length", hidden);
  add("feed_forward_length", size("intermediate_size"));
  add("attention.head_count", heads);
  add("attention.head_count_kv",
      engine::get_or<int64_t>(config, "num_key_value_heads", heads, where));
  file.add(prefix + "attention.layer_norm_rms_epsilon",
           static_cast<float>(engine::get_or<double>(config, "rms_norm_eps", 1e-6, where)));
  add("attention.key_length", width);
  add("attention.value_length", width);
  add("vocab_size", size("vocab_size"));
  add_rope(file, prefix, config, where, width);
}

void refuse_unsaid(const Json& config, const std::string& where, const std::string& type) {
  const auto act = engine::get_or<std::string>(config, "hidden_act", "silu", where);
  check(act == "silu", where, "hidden_act is ", act, ", and GGUF's models of the family have silu");
  const Json window = config.value("sliding_window", Json());
  const bool used = type == "mistral"
                        ? !window.is_null()
                        : engine::get_or<bool>(config, "use_sliding_window", false, where);
  const int64_t positions = engine::get_or<int64_t>(config, "max_position_embeddings", 2048, where);
  check(!used || (window.is_number_integer() && window.get<int64_t>() >= positions), where,
        "sliding_window is ", window.dump(), ", which GGUF's models of the family do not have");
}

}  // namespace

void add_to_gguf(GgufWriter& file, const Json& config, const std::string& where,
                 const engine::Checkpoint& tensors, std::optional<GgmlType> type,
                 const std::string& name) {
  const auto family = engine::get<std::string>(config, "model_type", where);
  const bool mistral = family == "mistral";
  check(mistral || family == "llama" || family == "qwen2" || family == "qwen3", where,
        "model_type '", family, "' cannot be written as GGUF",
        hint("llama, mistral, qwen2 and qwen3 can"));
  const std::string architecture = mistral ? "llama" : family;
  (void)config_from_json(config, where);  // sizes that fit one another
  refuse_unsaid(config, where, family);
  file.add("general.architecture", architecture);
  file.add("general.type", "model");
  file.add("general.name", name);
  file.add("general.file_type", file_type(type ? *type : usual_type(tensors)));
  file.add("general.quantization_version", uint32_t{2});
  add_metadata(file, config, where, architecture);

  const int64_t heads = engine::get<int64_t>(config, "num_attention_heads", where),
                key_heads = engine::get_or<int64_t>(config, "num_key_value_heads", heads, where);
  const bool tied = engine::get_or<bool>(config, "tie_word_embeddings", false, where);
  check(tied || tensors.find("lm_head.weight"), tensors.path().string(),
        "has no lm_head.weight, and ", where,
        " does not say that it is tied to the word embeddings");
  std::vector<std::string> unknown;
  for (const auto& [hf, tensor] : tensors.tensors()) {
    if (hf.ends_with("rotary_emb.inv_freq") || (tied && hf == "lm_head.weight")) continue;
    engine::TensorSource source{.name = gguf_name_of_hf(hf), .from = tensor};
    if (source.name.empty()) source.name = gguf_name_of_hf("model." + hf);  // of a bare LlamaModel
    if (source.name.empty()) {
      unknown.push_back(hf);
      continue;
    }
    const bool query = hf.find(".q_proj.") != std::string::npos,
               key = hf.find(".k_proj.") != std::string::npos;
    if (architecture == "llama" && (query || key)) {
      const int64_t rows = tensor.dims.empty() ? 0 : tensor.dims.front(),
                    n = query ? heads : key_heads;
      check(rows > 0 && rows % n == 0 && rows / n % 2 == 0, tensor.where(), "has the shape ",
            engine::dims_text(tensor.dims), ", which does not divide into ", n, " heads");
      source.place = halved_row(rows, n);
    }
    const bool vector = tensor.dims.size() <= 1;
    check(tensor.is_float(), tensor.where(), "is ", tensor.type_name(), ", and floats are needed");
    GgmlType to = type ? *type : engine::ggml_type_of(tensor);
    if (vector || to == GgmlType::F64) to = GgmlType::F32;
    if (!vector && tensor.dims.back() % engine::ggml_block_values(to) != 0) to = GgmlType::F16;
    file.add(std::move(source), to);
  }
  check(unknown.empty(), tensors.path().string(), unknown.size(),
        " tensors have no name in GGUF, the first is ", unknown.empty() ? "" : unknown.front(),
        hint("a classifier, or an adapter that was not merged? peft merge folds one in"));
}

}  // namespace models
