// LoRA (Hu et al. 2021): a frozen weight learns through an update of low rank.
//
//   y = W x + b + s B A dropout(x),   A (r, in) uniform as torch.nn.Linear, B (out, r) zero,
//                                     s = alpha / r, or alpha / sqrt(r) with rslora
//                                     (Kalajdzievski 2023)
//   merge: W += s B A. Afterwards B is zero, so the model with and without the update computes the
//   same.
//
// B = 0 makes the start a no-op bit for bit. r (in + out) parameters a layer; with query and value
// of BERT-base 294,912. The weight's gradient (in x out) is never computed; A's and B's cost r / in
// and r / out of it.
//
// dora (Liu et al. 2024) learns the length of every row of W + s B A as well, from |W|:
//   y = m / |W + s B A| (W x + s B A x) + b
#include "peft/lora.h"

#include <algorithm>

#include "engine/base/error.h"
#include "peft/composite.h"
#include "peft/registry.h"

namespace peft {

using namespace engine;

namespace {

const std::vector<std::string> kLoraRoles = {"query",     "key",      "value",   "attention_output",
                                             "ffn_in",    "ffn_gate", "ffn_out", "pooler",
                                             "embedding", "lm_head"};
// PEFT's targets: GPT-2's c_attn as one layer, and so ModernBERT's Wqkv, of which PEFT says
// nothing.
std::vector<std::string> lora_defaults(const std::string& model_type) {
  if (model_type == "gpt2" || model_type == "modernbert") return {"query", "key", "value"};
  return {"query", "value"};
}

constexpr int64_t kMostRank = 65536;
constexpr double kMostAlpha = 1e9;

}  // namespace

Lora::Lora(const Options& o)
    : numbers_{o.integer("r", 1, kMostRank), o.number("alpha", 0, kMostAlpha),
               o.number("dropout", 0, 0.99), o.flag("rslora"), o.flag("dora")},
      ranks_(Patterns::parse(o.text("rank_pattern"), 1, kMostRank, "lora", "rank_pattern")),
      alphas_(Patterns::parse(o.text("alpha_pattern"), 0, kMostAlpha, "lora", "alpha_pattern")),
      bias_(o.choice("bias", {"none", "lora_only", "all"})),
      choice_(o, kLoraRoles, lora_defaults) {
  for (const auto& [name, r] : ranks_.json().items())
    check(r.is_number_integer(), "lora", "rank_pattern has ", r.dump(), " for ", name,
          "; a whole number is expected");
}

Json Lora::options() const {
  Json out = {{"r", numbers_.r},           {"alpha", numbers_.alpha}, {"dropout", numbers_.dropout},
              {"rslora", numbers_.rslora}, {"dora", numbers_.dora},   {"bias", bias_}};
  choice_.add_to(out);
  out["rank_pattern"] = ranks_.json();
  out["alpha_pattern"] = alphas_.json();
  return out;
}

Json Lora::settled_options() const {
  Json out = options();
  choice_.settle(out);
  return out;
}

double Lora::default_learning_rate() const {
  return 5e-4;
}  // the paper's table 9: 4e-4 to 5e-4 for RoBERTa-base

LoraNumbers Lora::numbers_at(const std::string& path) const {
  LoraNumbers n = numbers_;
  n.r = static_cast<int64_t>(ranks_.at(path, static_cast<double>(n.r)));
  n.alpha = alphas_.at(path, n.alpha);
  return n;
}

void Lora::inject(Sites& sites) {
  const Chosen chosen = choice_.choose(sites, "lora");
  for (const LinearSite& site : chosen.linears) {
    auto hook = std::make_unique<LoraHook>(site, numbers_at(site.path));
    linears_.push_back({site, hook.get()});
    site.linear->add_hook(std::move(hook), part_name(site));
  }
  for (const EmbeddingSite& site : chosen.embeddings) {
    check(!numbers_.dora, "lora", "dora=true at ", site.path,
          ": lengths of a table's columns cannot be trained here", hint("leave the embedding out"));
    auto hook = std::make_unique<LoraEmbeddingHook>(site, numbers_at(site.path));
    embeddings_.push_back({site, hook.get()});
    site.embedding->add_hook(std::move(hook));
    for (const LinearSite& other : sites.linears)
      if (&other.linear->kernel() == &site.embedding->weight) tied_.push_back(other.linear);
  }
}

void Lora::check_marked(const std::vector<const Parameter*>&) const {
  if (!numbers_.dora) return;
  for (const LinearPlace& place : linears_)
    for (const auto& hook : place.site.linear->hooks())
      check(dynamic_cast<const LoraHook*>(hook.get()) != nullptr, "lora", "dora=true at ",
            place.site.path, " beside another strategy, which changes what its lengths are of",
            hint("give the other one other roles"));
}

std::vector<std::string> Lora::matched() const {
  std::vector<std::string> paths;
  for (const auto& place : embeddings_) paths.push_back(place.site.path);
  for (const auto& place : linears_)
    if (paths.empty() || paths.back() != place.site.path) paths.push_back(place.site.path);
  return paths;
}

bool Lora::selects(const Parameter& p) const {
  if (p.role == Role::injected) return true;
  if (bias_ == "all") return p.bias;
  return bias_ == "lora_only" &&
         std::any_of(linears_.begin(), linears_.end(),
                     [&](const LinearPlace& place) { return &place.site.linear->bias == &p; });
}

void Lora::fold(Side side, ParameterStore& store) {
  if (side != Side::output) return;
  for (Linear* linear : tied_) own_kernel(store, *linear);  // before the table changes
  for (const auto& place : linears_) place.hook->fold(store);
  for (const auto& place : embeddings_) place.hook->fold(store);
}

const Lora* lora_of(const Strategy& strategy) {
  if (const auto* lora = dynamic_cast<const Lora*>(&strategy)) return lora;
  if (const auto* sum = dynamic_cast<const Composite*>(&strategy))
    for (const auto& part : sum->parts())
      if (const auto* lora = dynamic_cast<const Lora*>(part.get())) return lora;
  return nullptr;
}

StrategyInfo lora_strategy() {
  std::vector<OptionInfo> options = {
      {"r", "8", "rank"},
      {"alpha", "8", "the update is scaled by alpha / r (8 as in Hugging Face PEFT)"},
      {"dropout", "0", "of the update's input"},
      {"rslora", "false", "scale by alpha / sqrt(r) instead"},
      {"dora", "false", "learn the lengths of the weight's rows too (Liu et al. 2024)"},
      {"bias", "none", "lora_only: the biases of the same layers learn too; all: every bias"}};
  for (const OptionInfo& option : SiteChoice::options("query+value, or c_attn", kLoraRoles))
    options.push_back(option);
  options.push_back({"rank_pattern", "{}", "other ranks by module, as PEFT: {\"v_proj\":16}"});
  options.push_back({"alpha_pattern", "{}", "other alphas by module"});
  return {"lora", "a low-rank update beside frozen weights (Hu et al. 2021)", options,
          [](const peft::Options& o) -> std::unique_ptr<Strategy> {
            return std::make_unique<Lora>(o);
          }};
}

}  // namespace peft
