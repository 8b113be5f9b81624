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
// trained as it is. Throws if the pattern or one of the roles matches nothing, and for a site that
// is only a part of a layer's columns.
std::vector<engine::LinearSite> choose_linears(const engine::Sites& sites, const SiteChoice& choice,
                                               const std::string& where);

// Memory to change a base value in place: a frozen value that lies in a read-only mapped file is
// copied first.
engine::Scalar* writable(engine::ParameterStore& store, engine::Parameter& p);

}  // namespace peft
