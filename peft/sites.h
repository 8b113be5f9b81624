// Choosing the linear layers of a model by role or by pattern, and writing to their weights.
#pragma once

#include <string>
#include <vector>

#include "engine/nn/hooks.h"
#include "engine/nn/linear.h"
#include "engine/nn/parameter_store.h"
#include "peft/layer_set.h"

namespace peft {

struct SiteChoice {
  std::vector<std::string> roles;  // used if pattern is empty
  std::string pattern;  // ECMAScript regular expression for the whole path (Python's re.fullmatch)
  LayerSet layers;      // unless all, leaves out what is in no encoder layer (the pooler)
};

// The chosen sites in order of layer; `where` opens messages. The head is never among them: it is
// trained as it is. Neighbouring parts of a fused layer are one site: all parts of GPT-2's c_attn
// are the layer itself, query alone is some of its columns. Throws if the pattern or one of the
// roles matches nothing.
std::vector<engine::LinearSite> choose_linears(const engine::Sites& sites, const SiteChoice& choice,
                                               const std::string& where);

// Whether the site is only some of its layer's columns, and the name that a hook there has below
// the layer's ("query", "key_value"), so that several may stand at one layer; empty for all of it.
bool is_part(const engine::LinearSite& site);
std::string part_name(const engine::LinearSite& site);

// Memory to change a base value in place: a frozen value that lies in a read-only mapped file is
// copied first.
engine::Scalar* writable(engine::ParameterStore& store, engine::Parameter& p);

}  // namespace peft
