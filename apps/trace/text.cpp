#include "apps/trace/text.h"

#include "apps/common/command_line.h"
#include "apps/common/format.h"
#include "apps/common/table.h"

namespace apps {
namespace {

using run::StepTrace;
using run::TracedOp;
using run::TraceStep;

std::string bytes(int64_t n) { return format_bytes(static_cast<double>(n)); }

std::string place(const TracedOp& op) { return op.module.empty() ? op.frame : op.module; }

std::string joined(const std::vector<std::string>& notes) {
  std::string text;
  for (const std::string& note : notes) text += (text.empty() ? "" : "; ") + note;
  return text;
}

std::string milliseconds(const StepTrace& trace, const TraceStep& step) {
  return trace.timed ? format_number(step.seconds * 1e3, 3) : "-";
}

Table pass(const StepTrace& trace, TraceStep::Pass which) {
  Table table({{"#", Align::right},
               {"op"},
               {"where", Align::left, Fit::cut_front, 2, 16},
               {"shape", Align::left, Fit::fixed, 3},
               {"ms", Align::right, Fit::fixed, 1},
               {which == TraceStep::Pass::forward ? "saved for backward" : "products", Align::left,
                Fit::wrap, 0, 24}});
  for (const TraceStep& step : trace.steps) {
    if (step.pass != which) continue;
    const TracedOp& op = trace.ops[static_cast<size_t>(step.op)];
    const bool forward = which == TraceStep::Pass::forward;
    table.add({std::to_string(step.op), op.op, place(op), engine::concat(op.shape),
               milliseconds(trace, step),
               joined(forward ? run::forward_notes(trace, op) : run::backward_notes(trace, op))});
  }
  return table;
}

std::string total(const std::string& what, const engine::WorkCount& made,
                  const engine::WorkCount& all) {
  return engine::concat(what, format_count(made.calls), " (", format_flops(made.flops), ") of ",
                        format_count(all.calls), " (", format_flops(all.flops), ")\n");
}

}  // namespace

std::string trace_title(const StepTrace& trace) {
  return engine::concat(
      trace.model_type, " (", trace.model, "), ", trace.strategy, ", ", trace.task, ": ",
      format_count(trace.sequences), trace.sequences == 1 ? " sequence, " : " sequences, ",
      format_count(trace.tokens), " tokens; ", format_count(trace.trainable_parameters), " of ",
      format_count(trace.total_parameters), " parameters learn");
}

std::string trace_text(const StepTrace& trace, int width) {
  std::string out = wrap(trace_title(trace) + "\n", width > 0 ? width : 1 << 20, 2);
  out += "\nForward\n" + pass(trace, TraceStep::Pass::forward).text(width);
  const Table backward = pass(trace, TraceStep::Pass::backward);
  out += "\nBackward\n" +
         (backward.empty() ? "nothing trains: there is no backward\n" : backward.text(width));
  if (trace.timed && trace.trainable_parameters > 0) {
    out += "\nUpdate\n";
    for (const TraceStep& step : trace.steps)
      if (step.pass == TraceStep::Pass::update)
        out += engine::concat("  ", step.what, ": ", milliseconds(trace, step), " ms",
                              step.what == "clip"
                                  ? engine::concat(", the norm of all gradients is ",
                                                   format_significant(trace.grad_norm, 4))
                                  : engine::concat(", rate ", format_significant(trace.lr, 4)),
                              "\n");
    out += engine::concat(
        "  value, gradient and two moments of ", format_count(trace.trainable_parameters),
        " parameters: ", bytes(trace.trainable_parameters * 4 * int64_t{sizeof(engine::Scalar)}),
        "\n");
  }
  const engine::Counters &made = trace.made, &all = trace.all_trained;
  return out + "\nThe step, and what it would be if every parameter learned\n" +
         total("  products forward          ", made.forward, all.forward) +
         total("  for gradients of inputs   ", made.input_gradient, all.input_gradient) +
         total("  for gradients of weights  ", made.weight_gradient, all.weight_gradient) +
         total("  made again in backward    ", made.recomputed, all.recomputed) +
         "  saved for backward        " + bytes(made.saved_bytes) + " of " +
         bytes(all.saved_bytes) + "\n";
}

}  // namespace apps
