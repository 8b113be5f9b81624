#include "apps/convert/convert.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <map>
#include <ostream>
#include <set>

#include "apps/common/format.h"
#include "apps/convert/opened.h"
#include "data/tokenizer_files.h"
#include "engine/base/atomic_file.h"
#include "engine/base/mapping.h"
#include "engine/base/number.h"
#include "engine/io/json.h"
#include "models/gguf.h"
#include "models/gguf_model.h"
#include "models/pretrained.h"
#include "run/gguf_tokenizer.h"

namespace apps {
namespace {

namespace fs = std::filesystem;
using engine::check;
using engine::DType;
using engine::fail;
using engine::GgmlType;
using engine::hint;
using engine::Json;
using engine::SafeTensor;
using engine::TensorSource;

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// --dtype, as GGUF's types: those of safetensors are among them.
std::optional<GgmlType> wanted_type(const std::string& dtype) {
  const std::string name = lower(dtype);
  if (name.empty()) return std::nullopt;
  for (const auto& [known, type] : {std::pair{"f32", GgmlType::F32},
                                    {"float32", GgmlType::F32},
                                    {"f16", GgmlType::F16},
                                    {"float16", GgmlType::F16},
                                    {"bf16", GgmlType::BF16},
                                    {"bfloat16", GgmlType::BF16},
                                    {"q8_0", GgmlType::Q8_0}})
    if (name == known) return type;
  fail("convert", "--dtype ", dtype, " is not one of f32, f16, bf16, q8_0");
}

bool is_gguf_output(const ConvertOptions& options) {
  const std::string format = lower(options.format);
  const bool by_name = options.out.ends_with(".gguf");
  if (format.empty()) return by_name;
  check(format == "gguf" || format == "safetensors", "convert", "--format ", options.format,
        " is not one of safetensors, gguf");
  check(format == "gguf" || !by_name, "convert", "--out ", options.out,
        " is the name of a GGUF file, and --format says safetensors");
  return format == "gguf";
}

void check_free(const fs::path& out, bool overwrite) {
  std::error_code none;
  const bool taken = fs::is_directory(out, none) ? !fs::is_empty(out, none) : fs::exists(out, none);
  check(!taken || overwrite, "convert", out.string(),
        fs::is_directory(out, none) ? " holds files already" : " is there already",
        hint("give another --out, or --overwrite; nothing was changed"));
}

// The bytes of progress, over all files.
class Written {
 public:
  Written(const ConvertWatcher& watcher, int64_t all) : watcher_(watcher), all_(all) {}
  void operator()(int64_t bytes) {
    bytes_ += bytes;
    if (watcher_) watcher_(bytes_, all_);
  }
  int64_t bytes() const { return bytes_; }

 private:
  const ConvertWatcher& watcher_;
  int64_t all_, bytes_ = 0;
};

// A tensor and the type that it gets.
struct Planned {
  TensorSource source;
  DType dtype;
  int64_t bytes;
};

std::vector<Planned> plan_tensors(const engine::Checkpoint& tensors, std::optional<GgmlType> type) {
  std::vector<Planned> out;
  for (const auto& [name, tensor] : tensors.tensors()) {
    const DType dtype = type && tensor.is_float() ? engine::ggml_dtype(*type) : tensor.dtype;
    out.push_back(
        {{.name = name, .from = tensor}, dtype, tensor.count() * engine::dtype_bytes(dtype)});
  }
  return out;
}

// Files of no more than `most` bytes of values each, unless one tensor has more.
std::vector<std::vector<Planned>> into_shards(std::vector<Planned> tensors, int64_t most) {
  std::vector<std::vector<Planned>> shards(1);
  int64_t held = 0;
  for (Planned& tensor : tensors) {
    if (!shards.back().empty() && held + tensor.bytes > most) shards.emplace_back(), held = 0;
    held += tensor.bytes;
    shards.back().push_back(std::move(tensor));
  }
  return shards;
}

void write_shard(const fs::path& file, const std::vector<Planned>& tensors, Written& written) {
  std::vector<TensorSource> sources;
  std::vector<DType> dtypes;
  for (const Planned& t : tensors) sources.push_back(t.source), dtypes.push_back(t.dtype);
  engine::write_safetensors(file, sources, dtypes, {{"format", "pt"}},
                            [&](int64_t bytes) { written(bytes); });
}

std::string shard_name(size_t number, size_t of) {
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", number, of);
  return name;
}

// model.safetensors, or shards and their index; the names of the files.
std::set<std::string> write_weights(const fs::path& folder, std::vector<Planned> tensors,
                                    int64_t most, Written& written) {
  const auto shards = into_shards(std::move(tensors), most);
  if (shards.size() == 1) {
    write_shard(folder / "model.safetensors", shards.front(), written);
    return {"model.safetensors"};
  }
  std::set<std::string> names{"model.safetensors.index.json"};
  Json map = Json::object();
  int64_t total = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string name = shard_name(i + 1, shards.size());
    write_shard(folder / name, shards[i], written);
    names.insert(name);
    for (const Planned& t : shards[i]) {
      map[t.source.name] = name;
      total += t.bytes;
    }
  }
  const Json index = {{"metadata", {{"total_size", total}}}, {"weight_map", std::move(map)}};
  engine::write_file_atomically(folder / "model.safetensors.index.json",
                                engine::json_text(index, 2) + "\n");
  return names;
}

// Weights of an earlier conversion would be opened in place of these, or lie beside them unused.
void remove_older_weights(const fs::path& folder, const std::set<std::string>& kept) {
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    const bool weights =
        (name.starts_with("model") &&
         (name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json"))) ||
        name.starts_with("pytorch_model");
    if (weights && !kept.contains(name)) old.push_back(entry.path());
  }
  for (const fs::path& file : old) fs::remove(file);
}

// The type that most values have.
DType usual_dtype(const engine::Checkpoint& tensors) {
  std::map<DType, int64_t> counts;
  for (const auto& [name, tensor] : tensors.tensors()) counts[tensor.dtype] += tensor.count();
  DType usual = DType::F32;
  for (const auto& [dtype, count] : counts)
    if (count > counts[usual]) usual = dtype;
  return usual;
}

// config.json, and what else a model's folder has that is no weight.
void write_companions(const OpenedCheckpoint& in, const fs::path& out, std::optional<DType> dtype) {
  if (in.gguf) {
    if (in.gguf->has("tokenizer.ggml.model")) run::gguf_tokenizer_files(*in.gguf).write(out);
    Json config = models::gguf_config(*in.gguf);
    config["dtype"] = "";  // the key that transformers 5 has
    config = models::with_dtype(config, dtype ? *dtype : usual_dtype(in.tensors));
    engine::write_file_atomically(out / "config.json", engine::json_text(config, 2) + "\n");
    return;
  }
  std::error_code none;
  data::TokenizerFiles::read(in.folder).write(out);
  for (const char* name : {"generation_config.json", "task.json", "adapter_config.json"})
    if (fs::exists(in.folder / name, none))
      engine::write_file_atomically(out / name, data::read_text(in.folder / name));
  const fs::path config = in.folder / "config.json";
  if (!fs::exists(config, none)) return;
  std::string text = data::read_text(config);
  const Json json = engine::parse_json(text, config.string());
  if (dtype && json.is_object()) {
    const Json typed = models::with_dtype(json, *dtype);
    if (typed != json) text = engine::json_text(typed, 2) + "\n";
  }
  engine::write_file_atomically(out / "config.json", text);
}

void to_safetensors(const ConvertOptions& options, const OpenedCheckpoint& in,
                    const ConvertWatcher& watcher, std::ostream& log) {
  const std::optional<GgmlType> type = wanted_type(options.dtype);
  check(type != GgmlType::Q8_0, "convert", "--dtype q8_0 is a type of GGUF files",
        hint("give --out FILE.gguf, or --dtype f32, f16 or bf16"));
  std::vector<Planned> tensors = plan_tensors(in.tensors, type);
  check(!tensors.empty(), options.model, "holds no tensors");
  int64_t all = 0;
  for (const Planned& t : tensors) all += t.bytes;
  const size_t count = tensors.size();
  Written written(watcher, all);
  const fs::path out(options.out);
  std::set<std::string> files{out.filename()};
  if (out.extension() == ".safetensors") {
    write_shard(out, tensors, written);
  } else {
    std::error_code error;
    fs::create_directories(out, error);
    check(!error, out.string(), "cannot be made: ", error.message());
    files = write_weights(out, std::move(tensors), options.max_shard_size, written);
    remove_older_weights(out, files);
    const auto dtype = type ? std::optional(engine::ggml_dtype(*type)) : std::nullopt;
    write_companions(in, out, dtype);
  }
  engine::check_mappings_unchanged();
  log << "wrote " << count << " tensors, " << format_bytes(static_cast<double>(written.bytes()))
      << ", into " << out.string();
  if (files.size() > 1) log << " (" << files.size() - 1 << " files and an index)";
  log << '\n';
}

// What a GGUF file says of the tokenizer: as another file says it, or from a folder.
std::optional<data::GgufTokenizer> tokenizer_for(const ConvertOptions& options,
                                                 const OpenedCheckpoint& in, int64_t vocab) {
  if (in.gguf && options.tokenizer.empty()) {
    if (!in.gguf->has("tokenizer.ggml.model")) return std::nullopt;
    return run::read_gguf_tokenizer(*in.gguf);
  }
  const fs::path folder = options.tokenizer.empty() ? in.folder : fs::path(options.tokenizer);
  if (options.tokenizer.empty() && data::TokenizerFiles::held_by(folder).empty())
    return std::nullopt;
  return data::gguf_of_tokenizer(*run::load_tokenizer(folder), vocab);
}

void to_gguf(const ConvertOptions& options, const OpenedCheckpoint& in,
             const ConvertWatcher& watcher, std::ostream& log) {
  const fs::path config_file = in.folder / "config.json";
  std::error_code none;
  check(in.gguf || fs::exists(config_file, none), "convert", in.folder.string(),
        " has no config.json, which a GGUF file is written from");
  const Json config = in.gguf ? models::gguf_config(*in.gguf) : engine::json_file(config_file);
  const std::string where = in.gguf ? in.gguf->where() : config_file.string();
  const auto type = wanted_type(options.dtype);
  fs::path out(options.out);
  const std::string stem = fs::absolute(fs::path(options.model)).lexically_normal().filename();
  if (fs::is_directory(out, none)) out /= "model.gguf";
  check_free(out, options.overwrite);
  engine::GgufWriter file;
  const std::string name = in.gguf ? in.gguf->text("general.name").value_or(stem) : stem;
  models::add_to_gguf(file, config, where, in.tensors, type, name.empty() ? "model" : name);
  const auto tokenizer =
      tokenizer_for(options, in, engine::get<int64_t>(config, "vocab_size", where));
  if (tokenizer) run::add_to_gguf(file, *tokenizer);
  Written written(watcher, file.bytes());
  file.write(out, [&](int64_t bytes) { written(bytes); });
  engine::check_mappings_unchanged();
  log << "wrote " << format_bytes(static_cast<double>(written.bytes())) << " of values into "
      << out.string() << '\n';
  if (!tokenizer) log << "it brings no tokenizer: none was found beside the model\n";
}

}  // namespace

int64_t parse_size(const std::string& text, const std::string& where) {
  const size_t end = text.find_first_not_of("0123456789.");
  const auto number = engine::to_number<double>(std::string_view(text).substr(0, end));
  const std::string unit = end == std::string::npos ? "" : lower(text.substr(end));
  for (const auto& [name, factor] : {std::pair{"", 1.0},
                                     {"b", 1.0},
                                     {"kb", 1e3},
                                     {"mb", 1e6},
                                     {"gb", 1e9},
                                     {"tb", 1e12},
                                     {"kib", 1024.0},
                                     {"mib", 1048576.0},
                                     {"gib", 1073741824.0}})
    if (number && unit == name && *number * factor >= 1 && *number * factor < 1e18)
      return static_cast<int64_t>(std::floor(*number * factor));
  fail(where, "'", text, "' is no size", hint("5GB, 500MB and 2GiB are"));
}

void convert(const ConvertOptions& options, const ConvertWatcher& watcher, std::ostream& log) {
  const bool gguf = is_gguf_output(options);
  (void)wanted_type(options.dtype);
  std::error_code none;
  if (!(gguf && fs::is_directory(options.out, none))) check_free(options.out, options.overwrite);
  const OpenedCheckpoint in = open_checkpoint(options.model);
  for (const fs::path& file : in.tensors.files())
    check(!fs::equivalent(file, options.out, none) &&
              !fs::equivalent(file.parent_path(), options.out, none),
          "convert", "--out ", options.out, " is where the model is read from",
          hint("give another --out"));
  gguf ? to_gguf(options, in, watcher, log) : to_safetensors(options, in, watcher, log);
}

}  // namespace apps
