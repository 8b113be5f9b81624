// Choosing the layers of a model by role, name or pattern, and writing to their weights.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/nn/embedding.h"
#include "engine/nn/linear.h"
#include "engine/nn/parameter_store.h"
#include "peft/layer_set.h"
#include "peft/options.h"
#include "peft/stack_set.h"

namespace re2 {
class RE2;
}

namespace peft {

struct Chosen {
  std::vector<engine::LinearSite> linears;        // in order of layer
  std::vector<engine::EmbeddingSite> embeddings;  // only where the roles know "embedding"
};

// The options roles, targets, pattern, exclude, layers and stacks of a strategy.
class SiteChoice {
 public:
  // `known`: the roles that the strategy can use; `defaults`: those that it uses in a model of this
  // type when none are given.
  using Defaults = std::vector<std::string> (*)(const std::string& model_type);
  SiteChoice(const Options& options, const std::vector<std::string>& known, Defaults defaults);
  // The rows of these options for a registry; `fallback` says what the default roles are.
  static std::vector<OptionInfo> options(const std::string& fallback,
                                         const std::vector<std::string>& known);

  // The chosen sites; `where` is the strategy's name. The head is never among them: it is trained
  // as it is. Neighbouring parts of a fused layer are one site: all parts of GPT-2's c_attn are the
  // layer itself, query alone is some of its columns. Throws if what was asked for matches nothing.
  Chosen choose(const engine::Sites& sites, const std::string& where);

  void add_to(engine::Json& options) const;
  // Puts the roles that a family's default stood for, after choose().
  void settle(engine::Json& options) const;

 private:
  bool excluded(const std::string& path) const;

  Defaults defaults_;
  std::vector<std::string> known_, roles_, settled_;  // no roles: the family's
  std::vector<std::string> targets_, exclude_;        // a path or its end behind a dot, as in PEFT
  std::string pattern_;  // ECMAScript regular expression for the whole path (Python's re.fullmatch)
  StackSet stacks_;
  LayerSet layers_;  // unless all, leaves out what is in no layer (embeddings, the pooler)
};

// The option pattern= as a regular expression. Throws if it is none; `where` opens the message.
std::shared_ptr<const re2::RE2> compile_pattern(const std::string& pattern,
                                                const std::string& where);

// Whether the site is only some of its layer's columns, and the name that a hook there has below
// the layer's ("query", "key_value"), so that several may stand at one layer; empty for all of it.
bool is_part(const engine::LinearSite& site);
std::string part_name(const engine::LinearSite& site);

// Memory to change a base value in place: a frozen value that lies in a read-only mapped file is
// copied first.
engine::Scalar* writable(engine::ParameterStore& store, engine::Parameter& p);
// The layer's weight to be changed. One that is another module's too (a tied output layer) becomes
// the layer's own first: two matrices from then on.
engine::Parameter& own_kernel(engine::ParameterStore& store, engine::Linear& linear);

}  // namespace peft
