#include "run/trace/step.h"

namespace run {
namespace {

using engine::Json;

Json work_json(const engine::WorkCount& work) {
  return {{"calls", work.calls}, {"flops", work.flops}};
}

// As a plan has them (run/plan.h).
Json counters_json(const engine::Counters& c) {
  return {{"forward", work_json(c.forward)},
          {"input_gradient", work_json(c.input_gradient)},
          {"weight_gradient", work_json(c.weight_gradient)},
          {"recomputed", work_json(c.recomputed)}};
}

Json shape_json(engine::Shape shape) { return Json::array({shape.rows, shape.cols}); }

Json op_json(const StepTrace& trace, const TracedOp& op) {
  Json inputs = Json::array(), saved = Json::array();
  for (const TraceInput& input : op.inputs) {
    Json entry = {{"shape", shape_json(input.shape)}, {"trains", input.trains}};
    if (!input.name.empty()) entry["parameter"] = input.name;
    if (input.op >= 0) entry["op"] = input.op;
    inputs.push_back(std::move(entry));
  }
  for (const engine::SavedTensor& t : op.saved) {
    Json entry = {{"shape", shape_json(t.shape)}, {"saved", t.saved}, {"bytes", t.bytes}};
    if (t.id >= 0) entry["input"] = t.id;
    entry["wanted_for"] = t.wanted_for;
    saved.push_back(std::move(entry));
  }
  return {{"op", op.op},
          {"module", op.module},
          {"frame", op.frame},
          {"shape", shape_json(op.shape)},
          {"recorded", op.recorded},
          {"inputs", inputs},
          {"saved", saved},
          {"saved_bytes", op.forward.saved_bytes},
          {"forward", work_json(op.forward.forward)},
          {"backward", counters_json(op.backward)},
          {"skipped", counters_json(op.skipped)},
          {"forward_notes", forward_notes(trace, op)},
          {"backward_notes", backward_notes(trace, op)}};
}

}  // namespace

Json trace_json(const StepTrace& trace) {
  static constexpr const char* kPasses[] = {"forward", "backward", "update"};
  Json ops = Json::array(), steps = Json::array();
  for (const TracedOp& op : trace.ops) ops.push_back(op_json(trace, op));
  for (const TraceStep& step : trace.steps) {
    Json entry = {{"pass", kPasses[static_cast<int>(step.pass)]}};
    if (step.op >= 0) entry["op"] = step.op;
    if (!step.what.empty()) entry["what"] = step.what;
    if (trace.timed) entry["seconds"] = step.seconds;
    if (step.op >= 0) {
      entry["live_bytes"] = step.live_bytes;
      entry["saved_bytes"] = step.saved_bytes;
    }
    steps.push_back(std::move(entry));
  }
  const auto totals = [](const engine::Counters& c) {
    Json json = counters_json(c);
    json["saved_bytes"] = c.saved_bytes;
    return json;
  };
  Json json = {{"version", 1},
               {"model", trace.model},
               {"model_type", trace.model_type},
               {"strategy", trace.strategy},
               {"task", trace.task},
               {"kind", trace.kind},
               {"sequences", trace.sequences},
               {"tokens", trace.tokens},
               {"total_parameters", trace.total_parameters},
               {"trainable_parameters", trace.trainable_parameters},
               {"threads", trace.threads},
               {"timed", trace.timed}};
  if (trace.timed)
    json.update({{"loss", trace.loss}, {"grad_norm", trace.grad_norm}, {"lr", trace.lr}});
  json["step"] = totals(trace.made);
  json["if_all_trained"] = totals(trace.all_trained);
  json["ops"] = std::move(ops);
  json["steps"] = std::move(steps);
  return json;
}

}  // namespace run
