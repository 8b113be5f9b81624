#include "apps/plan/table.h"

#include <algorithm>

#include "apps/common/format.h"
#include "apps/common/table.h"

namespace apps {
namespace {

using run::Plan;

std::string bytes(int64_t n) { return format_bytes(static_cast<double>(n)); }

std::string line(const char* name, const engine::WorkCount& work) {
  return engine::concat("  ", name, format_flops(work.flops), " in ", format_count(work.calls),
                        " products\n");
}

std::string size_of(const Plan& p) {
  return engine::concat(format_count(p.batch), " sequences of ", format_count(p.length),
                        p.target_length > 0 ? " + " + format_count(p.target_length) : "", " tokens",
                        p.pieces > 1 ? engine::concat(", computed in ", p.pieces, " pieces") : "");
}

}  // namespace

std::string plan_table(const std::vector<Plan>& plans, int width) {
  const Plan *first = nullptr, *full = nullptr;
  for (const Plan& p : plans) {
    if (p.error.empty() && !first) first = &p;
    if (p.error.empty() && p.spec == "full") full = &p;
  }
  // dX and dW are the products for the gradients of inputs and of weights.
  Table table({{"strategy", Align::left, Fit::wrap},
               {"trainable", Align::right},
               {"% of base", Align::right},
               {"forward", Align::right, Fit::fixed, 3},
               {"dX", Align::right, Fit::fixed, 3},
               {"dW", Align::right, Fit::fixed, 3},
               {"FLOP", Align::right},
               {"of full", Align::right, Fit::fixed, 1},
               {"kept", Align::right, Fit::fixed, 2},
               {"memory", Align::right}});
  const auto flop = [](double flops) {  // the unit stands in the title
    const std::string text = format_flops(flops);
    return text.substr(0, text.size() - 4);
  };
  std::string notes;
  for (const Plan& p : plans) {
    if (!p.error.empty()) {
      table.add({p.spec, "-", "-", "-", "-", "-", "-", "-", "-", "-"});
      notes += p.spec + ": " + p.error.substr(0, p.error.find('\n')) + "\n";
      continue;
    }
    if (p.trainable_parameters == 0) notes += p.spec + ": trains nothing on this model\n";
    table.add({p.spec, format_count(p.trainable_parameters), format_percent(p.percent()),
               flop(p.forward.flops), flop(p.input_gradient.flops), flop(p.weight_gradient.flops),
               flop(p.flops()), full ? format_percent(100 * p.flops() / full->flops()) : "-",
               bytes(p.saved_bytes), bytes(p.memory_bytes())});
  }
  if (!notes.empty()) notes.insert(0, "\n");
  if (!first) return table.text(width) + notes;
  const std::string head = first->head_parameters > 0
                               ? engine::concat(", of them ", format_count(first->head_parameters),
                                                " in the head, which always learns")
                               : "";
  return engine::concat(
      first->model_type, ": ", format_count(first->base_parameters), " parameters", head,
      ".\nA training step of ", size_of(*first), ":\n\n", table.text(width), notes,
      "\nFLOP: matrix products of a step (dX, dW: for gradients of inputs and of weights), with\n"
      "attention's scores, which backward computes again.\n"
      "kept: by the forward pass for backward. memory: weights, gradients, AdamW's\n"
      "moments, and activations at their peak; less with a smaller --micro-batch-tokens.\n");
}

std::string plan_text(const Plan& p) {
  if (!p.error.empty()) return p.spec + ": " + p.error + "\n";
  std::string out = engine::concat(
      p.model_type, ", ", p.spec, "\ntrains ", format_count(p.trainable_parameters), " of ",
      format_count(p.base_parameters), " parameters (", format_percent(p.percent()), ")");
  if (p.injected_parameters > 0)
    out += ", " + format_count(p.injected_parameters) + " of them added";
  if (p.head_parameters > 0) out += ", " + format_count(p.head_parameters) + " in the head";
  return engine::concat(
      out, "\na step of ", size_of(p), ": ", format_flops(p.flops()), " in matrix products\n",
      line("forward           ", p.forward), line("input gradients   ", p.input_gradient),
      line("weight gradients  ", p.weight_gradient), line("recomputed        ", p.recomputed),
      "memory: ", bytes(p.memory_bytes()), "\n  weights           ", bytes(p.weight_bytes),
      "\n  gradients         ", bytes(p.gradient_bytes()), "\n  AdamW's moments   ",
      bytes(p.optimizer_bytes()), "\n  activations       ", bytes(p.pool_bytes), " at the peak; ",
      bytes(p.saved_bytes), " kept for backward\n");
}

}  // namespace apps
