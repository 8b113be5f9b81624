// Matching a model's parameters with a file's tensors.
#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string_view>
#include <unordered_set>

#include "engine/base/error.h"
#include "engine/io/checkpoint.h"

namespace engine {
namespace {

// How names of the base model differ between here and the file: `strip` goes away from the front,
// `add` comes before.
struct Renaming {
  std::string strip, add;

  std::string apply(const std::string& name) const {
    return add + (name.starts_with(strip) ? name.substr(strip.size()) : name);
  }
};

// "x.weight" of a LayerNorm was "x.gamma" in checkpoints converted from TensorFlow, and "x.bias"
// was "x.beta". Only there: a strategy's or another layer's "gamma" is something else
// (transformers#29554).
std::string legacy_name(const Parameter& p, const std::string& name) {
  if (!p.norm) return {};
  if (name.ends_with(".weight")) return name.substr(0, name.size() - 6) + "gamma";
  if (name.ends_with(".bias")) return name.substr(0, name.size() - 4) + "beta";
  return {};
}

const SafeTensor* look_up(const Checkpoint& file, const Parameter& p, const Renaming& renaming) {
  for (const std::string& name : {p.name, renaming.apply(p.name)}) {
    if (const SafeTensor* found = file.find(name)) return found;
    const std::string legacy = legacy_name(p, name);
    if (const SafeTensor* found = legacy.empty() ? nullptr : file.find(legacy)) return found;
  }
  return nullptr;
}

// The first part that all required names but the output layer's share: "bert." for a model with a
// head, nothing for a bare encoder.
std::string base_prefix(std::vector<Parameter*> required) {
  std::erase_if(required, [](const Parameter* p) { return p->role == Role::lm_head; });
  if (required.empty()) return {};
  const size_t dot = required.front()->name.find('.');
  if (dot == std::string::npos) return {};
  const std::string prefix = required.front()->name.substr(0, dot + 1);
  const bool shared = std::all_of(required.begin(), required.end(),
                                  [&](const Parameter* p) { return p->name.starts_with(prefix); });
  return shared ? prefix : std::string();
}

// What may stand before the required names in the file: the few prefixes under which most of them
// are there, in alphabetical order. One pass over the file's names, whoever made them.
std::set<std::string> likely_prefixes(const Checkpoint& file,
                                      const std::vector<Parameter*>& required) {
  constexpr size_t kMost = 8;
  std::unordered_set<std::string_view> names;
  std::deque<std::string> legacy;
  for (const Parameter* p : required) {
    names.insert(p->name);
    if (legacy.emplace_back(legacy_name(*p, p->name)); !legacy.back().empty())
      names.insert(legacy.back());
  }
  std::map<std::string, int64_t> votes;
  for (const auto& [tensor, unused] : file.tensors()) {
    const std::string_view name = tensor;
    for (size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1))
      if (names.contains(name.substr(dot + 1))) ++votes[tensor.substr(0, dot + 1)];
  }
  std::vector<std::pair<int64_t, std::string>> ranked;
  for (const auto& [prefix, count] : votes) ranked.emplace_back(-count, prefix);
  std::sort(ranked.begin(), ranked.end());
  std::set<std::string> out;
  for (size_t i = 0; i < std::min(kMost, ranked.size()); ++i) out.insert(ranked[i].second);
  return out;
}

// The renaming under which most required parameters are in the file; none, if that is as good.
Renaming find_renaming(const Checkpoint& file, const std::vector<Parameter*>& required) {
  std::vector<Renaming> candidates{{}};
  if (const std::string base = base_prefix(required); !base.empty())
    candidates.push_back({base, ""});
  for (const std::string& prefix : likely_prefixes(file, required))
    candidates.push_back({"", prefix});

  Renaming best;
  int64_t most = -1;
  for (const Renaming& candidate : candidates) {
    const int64_t found = std::count_if(required.begin(), required.end(), [&](const Parameter* p) {
      return look_up(file, *p, candidate) != nullptr;
    });
    if (found > most) {
      most = found;
      best = candidate;
    }
  }
  return best;
}

// Registered buffers of the Hugging Face classes: constants that older versions saved among the
// weights.
bool is_buffer(const std::string& name) {
  const auto last = [&](std::string_view part) {
    return name == part || (name.ends_with(part) && name[name.size() - part.size() - 1] == '.');
  };
  if (last("position_ids") || last("token_type_ids") || last("rotary_emb.inv_freq")) return true;
  if (!last("attn.bias") && !last("attn.masked_bias")) return false;
  // GPT-2's causal mask: h.<number>.attn.bias, a (1, 1, n, n) table; its real biases belong to
  // c_attn and c_proj.
  const size_t attn = name.rfind(".attn."),
               h = attn == std::string::npos ? attn : name.rfind("h.", attn);
  if (h == std::string::npos || (h > 0 && name[h - 1] != '.')) return false;
  return attn > h + 2 && std::all_of(name.begin() + static_cast<std::ptrdiff_t>(h) + 2,
                                     name.begin() + static_cast<std::ptrdiff_t>(attn),
                                     [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<int64_t> dims_in_file(const Parameter& p) {
  std::vector<int64_t> dims = p.dims;
  if (p.transposed_in_file && dims.size() == 2) std::swap(dims[0], dims[1]);
  return dims;
}

std::string some(const std::vector<std::string>& lines, const char* between) {
  constexpr size_t kShown = 6;
  std::string text;
  for (size_t i = 0; i < std::min(lines.size(), kShown); ++i) text += (i ? between : "") + lines[i];
  if (lines.size() > kShown) text += between + concat("and ", lines.size() - kShown, " more");
  return text;
}

std::string describe(const LoadReport::Mismatch& m) {
  return concat(m.parameter, " is ", dims_text(m.wanted), " in the model and ", dims_text(m.found),
                " in the file");
}

void check_required(const Checkpoint& file, const std::vector<std::string>& missing,
                    const std::vector<LoadReport::Mismatch>& misshapen, size_t required) {
  if (!missing.empty()) {
    const std::string example = file.tensors().empty() ? "nothing" : file.tensors().begin()->first;
    fail(file.path().string(), missing.size(), " of the model's ", required,
         " parameters are missing: ", some(missing, ", "),
         hint(missing.size() == required ? "no name fits; the file holds, for instance, " +
                                               example + ": is it of another model type?"
                                         : "the checkpoint is incomplete, or of a model with other "
                                           "layers than config.json says"));
  }
  if (misshapen.empty()) return;
  std::vector<std::string> lines;
  for (const auto& m : misshapen) lines.push_back(describe(m));
  fail(file.path().string(), misshapen.size(), " of the model's ", required,
       " parameters have another shape:\n  ", some(lines, "\n  "),
       hint("does config.json belong to this checkpoint?"));
}

void check_heads(const Checkpoint& file, const std::vector<LoadReport::Mismatch>& mismatched,
                 const LoadOptions& options) {
  if (mismatched.empty() || options.allow_head_mismatch) return;
  std::vector<std::string> lines;
  for (const auto& m : mismatched) lines.push_back(describe(m));
  fail(file.path().string(), "the head has another size:\n  ", some(lines, "\n  "),
       hint("it was trained for another task or number of classes; to start with a fresh head, "
            "allow a head mismatch"));
}

}  // namespace

LoadReport load_checkpoint(const std::filesystem::path& path, ParameterStore& store,
                           const LoadOptions& options) {
  return load_checkpoint(Checkpoint(path), store, options);
}

LoadReport load_checkpoint(const Checkpoint& file, ParameterStore& store,
                           const LoadOptions& options) {
  LoadReport report;
  report.path = file.path();
  report.files = file.files();
  std::vector<Parameter*> required;
  for (Parameter* p : store.all())
    if (p->required) required.push_back(p);
  const Renaming renaming = find_renaming(file, required);
  report.prefix = renaming.add.empty() ? renaming.strip : "+" + renaming.add;

  // First everything is checked, then everything is read: an error leaves the model as it was.
  std::vector<std::pair<Parameter*, const SafeTensor*>> matches;
  std::set<std::string> used;
  std::vector<std::string> missing;
  std::vector<LoadReport::Mismatch> misshapen;
  for (Parameter* p : store.all()) {
    const SafeTensor* tensor = look_up(file, *p, renaming);
    if (!tensor) {
      (p->required ? missing : report.missing).push_back(p->name);
      continue;
    }
    check(used.insert(tensor->name).second, tensor->where(),
          "would serve two parameters, the second is ", p->name);
    if (tensor->dims != dims_in_file(*p)) {
      (p->required ? misshapen : report.mismatched)
          .push_back({p->name, tensor->name, dims_in_file(*p), tensor->dims});
      continue;
    }
    check(tensor->is_float(), tensor->where(), "is ", dtype_name(tensor->dtype),
          "; floating-point values (F32, F16, BF16, F64) are needed here");
    matches.emplace_back(p, tensor);
  }
  check_required(file, missing, misshapen, required.size());
  check_heads(file, report.mismatched, options);

  for (const auto& [p, tensor] : matches) {
    const bool borrowed = load_parameter(*tensor, *p, store, options.borrow);
    p->in_base = true;
    (borrowed ? report.borrowed_bytes : report.owned_bytes) += p->held_bytes();
    report.loaded.push_back(p->name);
    if (p->transposed_in_file) report.transposed.push_back(p->name);
    if (tensor->name != p->name) report.source.emplace(p->name, tensor->name);
  }
  for (const auto& [name, tensor] : file.tensors())
    if (!used.count(name)) (is_buffer(name) ? report.ignored : report.unexpected).push_back(name);
  return report;
}

}  // namespace engine
