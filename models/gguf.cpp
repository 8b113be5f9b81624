#include "models/gguf.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/number.h"
#include "models/gguf_rope.h"

namespace models {
namespace {

namespace fs = std::filesystem;
using engine::check;
using engine::fail;
using engine::Gguf;
using engine::hint;
using engine::Json;

constexpr std::array kArchitectures = {"llama", "qwen2", "qwen3"};

struct NamePair {
  std::string_view hf, gguf;
};
constexpr NamePair kWholeNames[] = {{"model.embed_tokens.", "token_embd."},
                                    {"model.norm.", "output_norm."},
                                    {"lm_head.", "output."}};
constexpr NamePair kLayerNames[] = {
    {"input_layernorm.", "attn_norm."},    {"post_attention_layernorm.", "ffn_norm."},
    {"self_attn.q_proj.", "attn_q."},      {"self_attn.k_proj.", "attn_k."},
    {"self_attn.v_proj.", "attn_v."},      {"self_attn.o_proj.", "attn_output."},
    {"self_attn.q_norm.", "attn_q_norm."}, {"self_attn.k_norm.", "attn_k_norm."},
    {"mlp.gate_proj.", "ffn_gate."},       {"mlp.up_proj.", "ffn_up."},
    {"mlp.down_proj.", "ffn_down."}};

// `name` with its beginning replaced by a row of a table, and "model.layers.N." by "blk.N.".
std::string renamed(const std::string& name, std::string_view NamePair::*from,
                    std::string_view NamePair::*to) {
  const auto replaced = [&](std::string_view text, const auto& table) -> std::string {
    for (const NamePair& pair : table)
      if (text.starts_with(pair.*from)) {
        const std::string_view end = text.substr((pair.*from).size());
        if (end == "weight" || end == "bias") return std::string(pair.*to) + std::string(end);
      }
    return "";
  };
  constexpr NamePair kLayer = {"model.layers.", "blk."};
  if (!name.starts_with(kLayer.*from)) return replaced(name, kWholeNames);
  const size_t begin = (kLayer.*from).size(), dot = name.find('.', begin);
  if (dot == std::string::npos) return "";
  const std::string number = name.substr(begin, dot - begin);
  const std::string inner = replaced(std::string_view(name).substr(dot + 1), kLayerNames);
  if (inner.empty() || !engine::to_number<uint32_t>(number)) return "";
  return std::string(kLayer.*to) + number + "." + inner;
}

std::string architecture_of(const Gguf& file) {
  const auto name = file.text("general.architecture");
  check(name.has_value(), file.where(), "has no general.architecture");
  std::string known;
  for (const char* each : kArchitectures) {
    if (*name == each) return *name;
    known += (known.empty() ? "" : ", ") + std::string(each);
  }
  fail(file.where(), "holds a model of the architecture '", name->substr(0, 100),
       "', which is not read from GGUF files", hint("known are ", known, " (Mistral's are llama)"));
}

// Metadata of the model under its architecture's prefix.
class GgufFacts {
 public:
  GgufFacts(const Gguf& file, std::string architecture)
      : file_(file), prefix_(std::move(architecture) + ".") {}

  int64_t size(const std::string& key) const {
    const auto value = file_.integer(prefix_ + key);
    check(value.has_value(), file_.where(), "has no ", prefix_, key,
          hint("was it cut out of a larger file, or made by another program?"));
    return *value;
  }
  int64_t size_or(const std::string& key, int64_t otherwise) const {
    return file_.integer(prefix_ + key).value_or(otherwise);
  }
  // As the shortest decimal of the float that the file has: 1e-5, and not 9.99999974e-06.
  std::optional<double> number(const std::string& key) const {
    const auto value = file_.number(prefix_ + key);
    return value ? std::optional(short_number(*value)) : std::nullopt;
  }
  std::string text_or(const std::string& key, const std::string& otherwise) const {
    return file_.text(prefix_ + key).value_or(otherwise);
  }
  std::string where(const std::string& key) const { return file_.where(prefix_ + key); }

 private:
  const Gguf& file_;
  std::string prefix_;
};

Json rope_of(const Gguf& file, const GgufFacts& facts, int64_t width) {
  Json rope = {{"rope_type", "default"}};
  rope["rope_theta"] = facts.number("rope.freq_base").value_or(10000);
  const std::string type = facts.text_or("rope.scaling.type", "none");
  if (file.tensors().contains("rope_freqs.weight")) {
    check(type == "none", facts.where("rope.scaling.type"), "is ", type,
          ", and there is a rope_freqs.weight, too");
    rope.update(llama3_rope(file, rope["rope_theta"].get<double>(), width));
  } else if (type == "linear" || type == "yarn") {
    const auto factor = facts.number("rope.scaling.factor");
    check(factor.has_value(), facts.where("rope.scaling.factor"), "is not there");
    rope["rope_type"] = type;
    rope["factor"] = *factor;
    if (const int64_t n = facts.size_or("rope.scaling.original_context_length", 0); n > 0)
      if (type == "yarn") rope["original_max_position_embeddings"] = n;
  } else {
    check(type == "none", facts.where("rope.scaling.type"), "is '", type.substr(0, 100),
          "', which cannot be computed here", hint("known are none, linear and yarn"));
    const auto factor = facts.number("rope.scale_linear");  // of older files
    if (factor && *factor != 1) rope["rope_type"] = "linear", rope["factor"] = *factor;
  }
  for (const char* key : {"rope.scaling.attn_factor", "rope.scaling.yarn_log_multiplier",
                          "rope.scaling.yarn_ext_factor", "rope.scaling.yarn_attn_factor"})
    if (const auto value = facts.number(key))
      check(*value == 1 || (*value == 0 && std::string_view(key).ends_with("multiplier")),
            facts.where(key), "is ", *value, ", which is not known here");
  const int64_t rotated = facts.size_or("rope.dimension_count", width);
  check(rotated > 0 && rotated <= width, facts.where("rope.dimension_count"), "is ", rotated,
        " of ", width, " columns of a head");
  if (rotated != width)
    rope["partial_rotary_factor"] = static_cast<double>(rotated) / static_cast<double>(width);
  return rope;
}

// What a file of the family may hold beside the model's own tensors.
bool is_derived(const std::string& name) {
  return name == "rope_freqs.weight" || name.ends_with(".attn_rot_embd.weight");
}

// Heads of a tensor whose rows are interleaved; 0: they are not.
int64_t interleaved_heads(const Json& config, const std::string& name) {
  if (config["model_type"] != "llama") return 0;
  if (name.find(".attn_q.") != std::string::npos)
    return config["num_attention_heads"].get<int64_t>();
  if (name.find(".attn_k.") != std::string::npos)
    return config["num_key_value_heads"].get<int64_t>();
  return 0;
}

}  // namespace

bool is_gguf_architecture(const std::string& name) {
  return std::find(kArchitectures.begin(), kArchitectures.end(), name) != kArchitectures.end();
}

std::string hf_name_of_gguf(const std::string& name) {
  return renamed(name, &NamePair::gguf, &NamePair::hf);
}
std::string gguf_name_of_hf(const std::string& name) {
  return renamed(name, &NamePair::hf, &NamePair::gguf);
}

std::function<int64_t(int64_t)> interleaved_row(int64_t rows, int64_t heads) {
  const int64_t width = rows / heads;
  return [width](int64_t i) {
    const int64_t column = i % width;
    return i - column + column % (width / 2) * 2 + column / (width / 2);
  };
}

std::function<int64_t(int64_t)> halved_row(int64_t rows, int64_t heads) {
  const int64_t width = rows / heads;
  return [width](int64_t i) {
    const int64_t column = i % width;
    return i - column + column % 2 * (width / 2) + column / 2;
  };
}

std::optional<fs::path> gguf_of(const fs::path& path) {
  std::error_code none;
  if (Gguf::is_one(path)) return path;
  if (!fs::is_directory(path, none) || fs::exists(path / "config.json", none)) return std::nullopt;
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(path, none))
    if (entry.path().extension() == ".gguf" && Gguf::is_one(entry.path()))
      found.push_back(entry.path());
  if (found.empty()) return std::nullopt;
  std::sort(found.begin(), found.end());
  check(found.size() == 1, path.string(), "holds ", found.size(), " GGUF files",
        hint("give the path of one of them, for instance ", found.front().string()));
  return found.front();
}

Json gguf_config(const Gguf& file) {
  const std::string type = architecture_of(file);
  const GgufFacts facts(file, type);
  check(file.integer("split.count").value_or(1) <= 1, file.where(), "is one part of several",
        hint("llama.cpp's llama-gguf-split --merge makes one file of them"));
  check(facts.size_or("expert_count", 0) == 0, facts.where("expert_count"),
        "is not 0: mixtures of experts are not known here");
  const auto words = file.tensors().find("token_embd.weight");
  check(words != file.tensors().end() && words->second.dims.size() == 2, file.where(),
        "has no matrix token_embd.weight", hint("is it a vocabulary or a projector only?"));
  const int64_t hidden = facts.size("embedding_length"), heads = facts.size("attention.head_count");
  constexpr int64_t kMost = int64_t{1} << 31;
  check(heads > 0 && hidden > 0 && heads < kMost && hidden < kMost,
        facts.where("attention.head_count"), "is ", heads, " for an embedding_length of ", hidden);
  const int64_t width = facts.size_or("attention.key_length", hidden / heads);
  const int64_t value_width = facts.size_or("attention.value_length", width);
  check(value_width == width, facts.where("attention.value_length"), "is ", value_width,
        ", and keys have ", width);
  check(width > 0 && width < kMost && width % 2 == 0, file.where(), "has heads of ", width,
        " columns; that must be an even number");
  const int64_t layers = facts.size("block_count");
  constexpr int64_t kLayerTensors = 9;  // at least
  check(layers > 0 && layers <= std::ssize(file.tensors()) / kLayerTensors,
        facts.where("block_count"), "is ", layers, " in a file of ", file.tensors().size(),
        " tensors");
  const auto query = file.tensors().find("blk.0.attn_q.weight");
  check(query != file.tensors().end() && query->second.dims == std::vector{heads * width, hidden},
        file.where(), "blk.0.attn_q.weight should have the shape [", heads * width, ", ", hidden,
        "], as the metadata says");
  const auto has = [&](const char* name) { return file.tensors().contains(name); };
  const std::string prefix = type == "llama" ? "Llama" : type == "qwen2" ? "Qwen2" : "Qwen3";
  Json config = {{"architectures", Json::array({prefix + "ForCausalLM"})},
                 {"model_type", type},
                 {"vocab_size", words->second.dims[0]},
                 {"hidden_size", hidden},
                 {"intermediate_size", facts.size("feed_forward_length")},
                 {"num_hidden_layers", layers},
                 {"num_attention_heads", heads},
                 {"num_key_value_heads", facts.size_or("attention.head_count_kv", heads)},
                 {"head_dim", width},
                 {"hidden_act", "silu"},
                 {"max_position_embeddings", facts.size("context_length")},
                 {"rms_norm_eps", facts.number("attention.layer_norm_rms_epsilon").value_or(1e-6)},
                 {"rope_parameters", rope_of(file, facts, width)},
                 {"tie_word_embeddings", !has("output.weight")}};
  if (type == "llama") {
    config["attention_bias"] = has("blk.0.attn_q.bias");
    config["mlp_bias"] = has("blk.0.ffn_up.bias");
  }
  for (const auto& [key, name] : {std::pair{"bos_token_id", "bos_token_id"},
                                  {"eos_token_id", "eos_token_id"},
                                  {"pad_token_id", "padding_token_id"}})
    if (const auto id = file.integer(std::string("tokenizer.ggml.") + name)) config[key] = *id;
  // A chat model ends its turn with a token of its own.
  const auto turn = file.integer("tokenizer.ggml.eot_token_id");
  if (turn && config.contains("eos_token_id") && config["eos_token_id"] != *turn)
    config["eos_token_id"] = Json::array({config["eos_token_id"], *turn});
  return config;
}

engine::Checkpoint gguf_checkpoint(const Gguf& file) {
  const Json config = gguf_config(file);
  std::map<std::string, engine::SafeTensor> tensors;
  for (const auto& [name, tensor] : file.tensors()) {
    if (is_derived(name)) continue;
    const std::string known = hf_name_of_gguf(name), &hf = known.empty() ? name : known;
    const int64_t heads = interleaved_heads(config, name);
    engine::SafeTensor found;
    if (heads > 0) {
      const int64_t rows = tensor.dims.front();
      check(rows > 0 && rows % heads == 0 && rows / heads % 2 == 0, file.where(), "tensor ", name,
            " ", engine::dims_text(tensor.dims), " does not divide into ", heads,
            " heads of an even width");
      check(tensor.dims.size() > 1 || !engine::is_quantised(tensor.type), file.where(), "tensor ",
            name, " is a vector and quantised");
      found = file.tensor(name, interleaved_row(rows, heads));
    } else {
      found = file.tensor(name);
    }
    found.name = hf;
    check(tensors.emplace(hf, std::move(found)).second, file.where(), "two tensors stand for ", hf);
  }
  return {file.file()->path(), {file.file()->path()}, std::move(tensors)};
}

}  // namespace models
