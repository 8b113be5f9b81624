#include "apps/common/table.h"

#include <algorithm>

#include "apps/common/format.h"
#include "apps/plan/plan.h"

namespace apps {
namespace {

std::string work_line(const char* name, const engine::WorkCount& work) {
  return engine::concat("  ", name, " ", format_flops(work.flops), " in ", format_count(work.calls),
                        " products\n");
}

std::string bytes_line(const char* name, int64_t bytes, const char* note) {
  return engine::concat("  ", name, " ", format_bytes(static_cast<double>(bytes)), note, "\n");
}

std::string in_pieces(const Plan& plan) {
  return plan.pieces > 1 ? engine::concat(", computed in ", plan.pieces, " pieces") : std::string();
}

const char* kEstimate = "This model is counted by its shapes; its steps cannot be run here yet.\n";

}  // namespace

std::string plan_table(const std::vector<Plan>& plans, int width) {
  const auto first =
      std::find_if(plans.begin(), plans.end(), [](const Plan& p) { return p.error.empty(); });
  const auto full = std::find_if(plans.begin(), plans.end(),
                                 [](const Plan& p) { return p.error.empty() && p.spec == "full"; });
  std::string out;
  if (first != plans.end()) {
    out = engine::concat(first->model_type, ": ", format_count(first->base_parameters),
                         " parameters");
    if (first->head_parameters > 0)
      out +=
          ", of them " + format_count(first->head_parameters) + " in the head, which always learns";
    out += engine::concat(".\nA training step of ", format_count(first->batch), " sequences of ",
                          format_count(first->length), " tokens", in_pieces(*first), ":\n\n");
  }
  // Spelled out: dX and dW are the products for the gradients of inputs and of weights.
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
  for (const Plan& plan : plans) {
    if (!plan.error.empty()) {
      table.add({plan.spec, "-", "-", "-", "-", "-", "-", "-", "-", "-"});
      notes += plan.spec + ": " + plan.error.substr(0, plan.error.find('\n')) + "\n";
      continue;
    }
    if (plan.trainable_parameters == 0) notes += plan.spec + ": trains nothing on this model\n";
    table.add({plan.spec, format_count(plan.trainable_parameters), format_percent(plan.percent()),
               flop(plan.forward.flops), flop(plan.input_gradient.flops),
               flop(plan.weight_gradient.flops), flop(plan.flops()),
               full == plans.end() ? "-" : format_percent(100 * plan.flops() / full->flops()),
               format_bytes(static_cast<double>(plan.saved_bytes)),
               format_bytes(static_cast<double>(plan.memory_bytes()))});
  }
  out += table.text(width);
  if (!notes.empty()) out += "\n" + notes;
  if (first != plans.end()) {
    out +=
        "\nFLOP: matrix products of a step (dX, dW: for gradients of inputs and of weights).\n"
        "kept: by the forward pass for backward. memory: weights, gradients, AdamW's\n"
        "moments, and activations at their peak; less with a smaller --piece-tokens.\n";
    if (!first->exact) out += kEstimate;
  }
  return out;
}

std::string plan_text(const Plan& plan) {
  if (!plan.error.empty()) return plan.spec + ": " + plan.error + "\n";
  std::string out = engine::concat(plan.model_type, ", ", plan.spec, "\n");
  out += engine::concat("trains ", format_count(plan.trainable_parameters), " of ",
                        format_count(plan.base_parameters), " parameters (",
                        format_percent(plan.percent()), ")");
  if (plan.injected_parameters > 0)
    out += engine::concat(", ", format_count(plan.injected_parameters), " of them added");
  if (plan.head_parameters > 0)
    out += engine::concat(", ", format_count(plan.head_parameters), " in the head");
  out += engine::concat("\na step of ", format_count(plan.batch), " sequences of ",
                        format_count(plan.length), " tokens", in_pieces(plan), ": ",
                        format_flops(plan.flops()), " in matrix products\n");
  out += work_line("forward          ", plan.forward) +
         work_line("input gradients  ", plan.input_gradient) +
         work_line("weight gradients ", plan.weight_gradient);
  out += engine::concat("memory: ", format_bytes(static_cast<double>(plan.memory_bytes())), "\n");
  out += bytes_line("weights          ", plan.weight_bytes, "") +
         bytes_line("gradients        ", plan.gradient_bytes, "") +
         bytes_line("AdamW's moments  ", plan.optimizer_bytes, "") +
         bytes_line(
             "activations      ", plan.pool_bytes,
             engine::concat(" at the peak; ", format_bytes(static_cast<double>(plan.saved_bytes)),
                            " kept for backward")
                 .c_str());
  if (!plan.exact) out += kEstimate;
  return out;
}

}  // namespace apps
