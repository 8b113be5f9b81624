// Sentences about the ops of a step, from what was recorded of them.
#include <algorithm>

#include "run/trace/step.h"

namespace run {
namespace {

using engine::concat;

// "query.weight" of "bert.encoder.layer.0.attention.self.query.weight".
std::string short_name(const std::string& name) {
  const size_t last = name.rfind('.');
  const size_t before = last == std::string::npos || last == 0 ? last : name.rfind('.', last - 1);
  return before == std::string::npos ? name : name.substr(before + 1);
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names)
    if (text.find(name) == std::string::npos) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string input_name(const StepTrace& trace, const TraceInput& input) {
  if (!input.name.empty()) return short_name(input.name);
  if (input.op < 0) return "the batch";
  return concat("#", input.op, " ", trace.ops[static_cast<size_t>(input.op)].op);
}

std::string saved_name(const StepTrace& trace, const TracedOp& op,
                       const engine::SavedTensor& saved) {
  const std::string of =
      saved.id < 0 ? "its own" : input_name(trace, op.inputs[static_cast<size_t>(saved.id)]);
  return concat(of, " ", saved.shape, saved.saved && saved.bytes == 0 ? " (shared)" : "");
}

// Inputs whose gradients read a saved tensor, of those that are wanted (or are not).
std::string wanted_for(const StepTrace& trace, const TracedOp& op, const engine::SavedTensor& saved,
                       bool wanted) {
  std::vector<std::string> names;
  for (const int32_t i : saved.wanted_for)
    if (i >= 0 && op.inputs[static_cast<size_t>(i)].trains == wanted)
      names.push_back(input_name(trace, op.inputs[static_cast<size_t>(i)]));
  return listed(names);
}

// The parameters of an op that do not learn.
std::string frozen(const TracedOp& op) {
  std::vector<std::string> names;
  for (const TraceInput& input : op.inputs)
    if (!input.name.empty() && !input.trains) names.push_back(short_name(input.name));
  return listed(names);
}

bool nothing_below(const TracedOp& op) {
  return std::none_of(op.inputs.begin(), op.inputs.end(),
                      [](const TraceInput& i) { return i.name.empty() && i.trains; });
}

std::string products(int64_t n) { return concat(n, n == 1 ? " product" : " products"); }

}  // namespace

std::vector<std::string> forward_notes(const StepTrace& trace, const TracedOp& op) {
  std::vector<std::string> notes;
  if (!op.recorded) {
    notes.push_back("not on the tape: nothing in it or below it trains");
    return notes;
  }
  // What is saved, or not, for one reason is one sentence.
  for (size_t i = 0; i < op.saved.size(); ++i) {
    const engine::SavedTensor& first = op.saved[i];
    const std::string reason = wanted_for(trace, op, first, first.saved);
    const auto alike = [&](const engine::SavedTensor& other) {
      return other.saved == first.saved && wanted_for(trace, op, other, other.saved) == reason;
    };
    if (std::any_of(op.saved.begin(), op.saved.begin() + static_cast<std::ptrdiff_t>(i), alike))
      continue;
    std::string names;
    for (size_t j = i; j < op.saved.size(); ++j)
      if (alike(op.saved[j]))
        names += (names.empty() ? "" : ", ") + saved_name(trace, op, op.saved[j]);
    const bool several = reason.find(", ") != std::string::npos;
    if (first.saved)
      notes.push_back("saves " + names +
                      (reason.empty()
                           ? ""
                           : (several ? " for gradients of " : " for the gradient of ") + reason));
    else
      notes.push_back("does not save " + names +
                      (reason.empty() ? "" : ": no gradient is wanted of " + reason));
  }
  return notes;
}

std::vector<std::string> backward_notes(const StepTrace&, const TracedOp& op) {
  std::vector<std::string> notes;
  const std::string names = frozen(op);
  if (op.backward.input_gradient.calls > 0)
    notes.push_back(products(op.backward.input_gradient.calls) + " for gradients of inputs");
  if (op.backward.weight_gradient.calls > 0)
    notes.push_back(products(op.backward.weight_gradient.calls) + " for gradients of weights");
  if (op.backward.recomputed.calls > 0)
    notes.push_back(products(op.backward.recomputed.calls) +
                    " made again, whose result was not saved");
  if (op.skipped.weight_gradient.calls > 0)
    notes.push_back(products(op.skipped.weight_gradient.calls) +
                    " for gradients of weights left out" +
                    (names.empty() ? "" : ": " + names + " is frozen"));
  if (op.skipped.input_gradient.calls > 0)
    notes.push_back(
        products(op.skipped.input_gradient.calls) + " for gradients of inputs left out" +
        (nothing_below(op) ? ": nothing below trains" : ": what they are for is frozen"));
  if (op.skipped.recomputed.calls > 0)
    notes.push_back(products(op.skipped.recomputed.calls) + " need not be made again");
  return notes;
}

}  // namespace run
