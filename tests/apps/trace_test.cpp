// A traced step against plans (run/plan.h), which count the same step another way; its text, JSON
// and page.
#include <doctest/doctest.h>

#include <set>

#include "apps/common/format.h"
#include "apps/trace/page.h"
#include "apps/trace/text.h"
#include "models/registry.h"
#include "peft/strategy.h"
#include "run/plan.h"
#include "tests/support/browser.h"

namespace {

using engine::Counters;
using engine::Json;
using run::StepTrace;
using run::TracedOp;
using run::TraceStep;

const std::string kSizes = "layers=2,hidden=16,heads=2,ffn=32,vocab=40,positions=40";

run::TraceSettings settings_of(const std::string& model, const std::string& strategy,
                               const std::string& task = "", const std::string& kind = "") {
  run::TraceSettings settings;
  settings.finetune.model = model;
  settings.finetune.strategy = strategy;
  settings.finetune.task = task;
  settings.finetune.kind = kind;
  settings.finetune.batch_size = 3;
  settings.length = 6;
  settings.dry = true;
  return settings;
}

StepTrace trace_of(const std::string& model, const std::string& strategy,
                   const std::string& task = "", const std::string& kind = "") {
  return run::trace_step(settings_of(model, strategy, task, kind));
}

run::Plan plan_of(const std::string& model, const std::string& strategy) {
  return run::make_plan(models::config_from_spec(model, 40).json, strategy,
                        {.batch = 3, .length = 6});
}

Counters skipped(const StepTrace& trace) {
  Counters sum;
  for (const TracedOp& op : trace.ops) sum.add(op.skipped);
  return sum;
}

const TracedOp& op_at(const StepTrace& trace, const std::string& op, const std::string& module) {
  for (const TracedOp& o : trace.ops)
    if (o.op == op && o.module.ends_with(module)) return o;
  FAIL("there is no ", op, " of ", module);
  return trace.ops.front();
}

}  // namespace

TEST_CASE("trace: products and saved bytes are those of the plan, for every strategy") {
  const std::string bert = "random:" + kSizes;
  const run::Plan full = plan_of(bert, "full");
  for (const std::string& strategy : run::all_strategies()) {
    CAPTURE(strategy);
    const StepTrace trace = trace_of(bert, strategy);
    const run::Plan plan = plan_of(bert, strategy);
    CHECK(trace.made.forward == plan.forward);
    CHECK(trace.made.input_gradient == plan.input_gradient);
    CHECK(trace.made.weight_gradient == plan.weight_gradient);
    CHECK(trace.made.recomputed == plan.recomputed);
    CHECK(trace.made.saved_bytes == plan.saved_bytes);
    const Counters left = skipped(trace);
    if (plan.injected_parameters == 0) {  // nothing is added: what it would be is a full step
      CHECK(left.weight_gradient.calls == full.weight_gradient.calls - plan.weight_gradient.calls);
      CHECK(left.input_gradient.flops ==
            doctest::Approx(full.input_gradient.flops - plan.input_gradient.flops));
      CHECK(trace.all_trained.saved_bytes == full.saved_bytes);
    }
    CHECK(left.weight_gradient.calls + trace.made.weight_gradient.calls ==
          trace.all_trained.weight_gradient.calls);
    CHECK(left.input_gradient.calls + trace.made.input_gradient.calls ==
          trace.all_trained.input_gradient.calls);
    if (strategy == "full") CHECK(left.weight_gradient.calls == 0);
  }
}

TEST_CASE("trace: every family, with a strategy that adds at each kind of place") {
  std::set<std::string> seen;
  for (const models::Family& family : models::families()) {
    if (!family.random) continue;
    const std::string& type = family.types.front();
    CAPTURE(type);
    const std::string model = "random:type=" + type + "," + kSizes;
    for (const std::string strategy : {"full", "lora", "adapter", "prefix", "ia3"}) {
      CAPTURE(strategy);
      run::Plan plan;
      try {
        plan = plan_of(model, strategy);
      } catch (const engine::Error&) {
        CHECK_THROWS_AS(trace_of(model, strategy), engine::Error);
        continue;
      }
      const StepTrace trace = trace_of(model, strategy);
      CHECK(trace.made.weight_gradient == plan.weight_gradient);
      // A language model of finetune reads the rows that predict; here that is every row.
      CHECK(trace.made.forward.calls == plan.forward.calls);
      CHECK(trace.trainable_parameters == plan.trainable_parameters);
      seen.insert(type);
    }
  }
  CHECK(seen.size() >= 7);
}

TEST_CASE("trace: every task") {
  const std::string bert = "random:" + kSizes, gpt2 = "random:type=gpt2," + kSizes;
  for (const std::string task :
       {"cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli"}) {
    CAPTURE(task);
    const StepTrace trace = trace_of(bert, "bitfit", task);
    CHECK(trace.ops.back().op == (task == "stsb" ? "mse" : "cross_entropy"));
    CHECK(op_at(trace, "linear", "classifier").shape.cols == (task == "mnli"   ? 3
                                                              : task == "stsb" ? 1
                                                                               : 2));
  }
  for (const std::string task : {"lm", "e2e", "webnlg", "dart"})
    CHECK(trace_of(gpt2, "lora", task).ops.back().op == "vocabulary_loss");
  CHECK(trace_of(bert, "bitfit", "", "tag").ops.back().shape == engine::Shape{1, 1});
  CHECK(trace_of(bert, "bitfit", "", "multilabel").ops.back().op == "binary_cross_entropy");
  CHECK(trace_of(bert, "bitfit", "", "regress").ops.back().op == "mse");
  CHECK_THROWS_WITH_AS(trace_of(bert, "lora", "lm"), doctest::Contains("it is no language model"),
                       engine::Error);
}

TEST_CASE("trace: what is saved, and for which gradient") {
  const std::string bert = "random:" + kSizes;
  const StepTrace full = trace_of(bert, "full"), bitfit = trace_of(bert, "bitfit");
  const auto notes = [](const StepTrace& trace, const std::string& op, const std::string& module,
                        bool backward = false) {
    const TracedOp& found = op_at(trace, op, module);
    std::string text;
    for (const std::string& note :
         backward ? run::backward_notes(trace, found) : run::forward_notes(trace, found))
      text += note + "\n";
    return text;
  };
  const std::string layer = "layer.0.attention.output.dense";
  CHECK(notes(full, "linear", layer).find("saves #") == 0);
  CHECK(notes(full, "linear", layer).find("for the gradient of dense.weight") != std::string::npos);
  CHECK(notes(bitfit, "linear", layer).find("does not save #") == 0);
  CHECK(notes(bitfit, "linear", layer).find(": no gradient is wanted of dense.weight\n") !=
        std::string::npos);
  // For one reason, one sentence: the sum that was normalised, mean and deviation.
  CHECK(notes(bitfit, "add_layer_norm", "layer.0.output.LayerNorm")
            .find("saves its own (18, 16), its own (18, 1), its own (18, 1) for gradients of #") ==
        0);
  CHECK(notes(bitfit, "linear", layer, true) ==
        "1 product for gradients of inputs\n1 product for gradients of weights left out: "
        "dense.weight is frozen\n");
  CHECK(notes(full, "linear", layer, true) ==
        "1 product for gradients of inputs\n1 product for gradients of weights\n");
  const StepTrace frozen = trace_of(bert, "frozen");
  CHECK(notes(frozen, "linear", layer) == "not on the tape: nothing in it or below it trains\n");
  // Query, key and value read one input, which is saved once.
  int64_t bytes = 0;
  int shared = 0;
  for (const char* name : {"query", "key", "value"})
    for (const engine::SavedTensor& t : op_at(full, "linear", name).saved) {
      bytes += t.bytes;
      shared += t.saved && t.bytes == 0;
    }
  CHECK(bytes == int64_t{18 * 16 * sizeof(engine::Scalar)});
  CHECK(shared == 2);
}

TEST_CASE("trace: in order; what was saved is waited for until backward passes") {
  run::TraceSettings settings = settings_of("random:" + kSizes, "lora:r=2");
  settings.dry = false;
  const StepTrace trace = run::trace_step(settings);
  size_t forward = 0;
  while (trace.steps[forward].pass == TraceStep::Pass::forward) ++forward;
  CHECK(forward == trace.ops.size());
  for (size_t i = 0; i < forward; ++i) CHECK(trace.steps[i].op == static_cast<int>(i));
  CHECK(trace.steps[forward - 1].saved_bytes == trace.made.saved_bytes);
  int before = static_cast<int>(trace.ops.size());
  size_t at = forward;
  for (; trace.steps[at].pass == TraceStep::Pass::backward; ++at) {
    CHECK(trace.steps[at].op < before);
    before = trace.steps[at].op;
    CHECK(trace.ops[static_cast<size_t>(before)].recorded);
  }
  CHECK(trace.steps[at - 1].saved_bytes == 0);
  REQUIRE(trace.steps.size() == at + 2);
  CHECK(trace.steps[at].what == "clip");
  CHECK(trace.steps[at + 1].what == "adamw");
  CHECK(trace.loss > 0);
  CHECK(trace.grad_norm > 0);
  double seconds = 0;
  for (const TraceStep& step : trace.steps) seconds += step.seconds;
  CHECK(seconds > 0);
  // Dry and with values it is the same step.
  settings.dry = true;
  const StepTrace dry = run::trace_step(settings);
  CHECK(dry.made == trace.made);
  CHECK(dry.ops.size() == trace.ops.size());
}

TEST_CASE("trace: the first step of a run on data") {
  run::TraceSettings settings = settings_of("random:layers=1,hidden=16,heads=2,ffn=32", "bitfit");
  settings.dry = false;
  settings.finetune.task = "sst2";
  settings.finetune.data = (testing::source_dir() / "data/demo/reviews").string();
  settings.finetune.tokenizer = (testing::source_dir() / "data/pretrained/peft-2x256").string();
  const StepTrace trace = run::trace_step(settings);
  CHECK(trace.task == "SST-2");
  CHECK(trace.sequences == 3);
  CHECK(trace.tokens > 9);
  CHECK(trace.ops.front().shape.rows == trace.tokens);
}

TEST_CASE("trace: text of 80 columns, and JSON that says the same") {
  const StepTrace trace = trace_of("random:" + kSizes, "bitfit");
  const std::string text = apps::trace_text(trace, 80);
  for (size_t at = 0, end; at < text.size(); at = end + 1) {
    end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    CHECK_MESSAGE(apps::display_width(line) <= 80, line);
  }
  CHECK(text.find("weight is frozen") != std::string::npos);
  CHECK(apps::trace_text(trace, 0).find("bert.encoder.layer.1.attention.self.query") !=
        std::string::npos);

  const Json json = Json::parse(engine::json_text(run::trace_json(trace)));
  CHECK(json["version"] == 1);
  CHECK(json["ops"].size() == trace.ops.size());
  CHECK(json["steps"].size() == trace.steps.size());
  CHECK(json["step"]["weight_gradient"]["calls"] == trace.made.weight_gradient.calls);
  int64_t left = 0;
  for (const Json& op : json["ops"])
    left += op["skipped"]["weight_gradient"]["calls"].get<int64_t>();
  CHECK(left == skipped(trace).weight_gradient.calls);
  CHECK(json["steps"][0].contains("seconds") == false);  // a dry run has no times
}

TEST_CASE("trace: the page needs nothing but itself, and a browser walks through the step") {
  run::TraceSettings settings = settings_of("random:" + kSizes, "bitfit");
  settings.dry = false;
  const StepTrace trace = run::trace_step(settings);
  const std::string page = apps::trace_page(trace);
  for (const char* outside : {" src=", "@import", "url(", "http://", "https://"}) {
    const size_t at = page.find(outside);
    const bool namespace_only = at != std::string::npos &&
                                page.compare(at, 19, "http://www.w3.org/2") == 0 &&
                                page.find(outside, at + 1) == std::string::npos;
    CHECK_MESSAGE((at == std::string::npos || namespace_only), outside);
  }
  const auto browser = testing::chromium();
  if (!browser) return;
  for (const char* window : {"1280,900", "390,844"}) {
    const std::string dom = testing::loaded(
        *browser, page,
        "const root = document.documentElement; let seen = 0; "
        "for (let i = 0; i < root.dataset.steps; ++i) { showStep(i); "
        "seen += document.querySelector('#detail h2').textContent !== ''; "
        "root.dataset.wide = root.dataset.wide === 'true' || root.scrollWidth > innerWidth; } "
        "root.dataset.seen = seen; showStep(" +
            std::to_string(trace.ops.size()) + ")",
        window);
    const std::string root = testing::root_of(dom);
    CAPTURE(root);
    CHECK(root.find("data-error") == std::string::npos);
    CHECK(root.find(engine::concat("data-seen=\"", trace.steps.size(), "\"")) != std::string::npos);
    CHECK(root.find("data-wide=\"false\"") != std::string::npos);
    CHECK(dom.find("Backward of cross_entropy") != std::string::npos);
  }
}
