#include "task.h"

namespace task {

using engine::Parameter;
using engine::Role;

bool bitfit(const Parameter& p) { return p.role == Role::head || p.bias; }

bool bitfit_query_ffn_in(const Parameter& p) {
  return p.role == Role::head || (p.bias && (p.role == Role::query || p.role == Role::ffn_in));
}

bool top_layers(const Parameter& p, int top, int layers) {
  return p.role == Role::head || p.role == Role::pooler || p.layer >= layers - top;
}

}  // namespace task
