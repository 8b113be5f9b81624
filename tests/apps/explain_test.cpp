// --explain against the model that the strategy was applied to: counts, places, the drawing.
#include "apps/plan/explain.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/plan/command.h"
#include "models/registry.h"
#include "peft/strategy.h"

using run::Explained;
using run::ExplainedBlock;
using run::ExplainedOp;
using run::ExplainedParameter;

namespace {

const std::string kSizes = "layers=3,hidden=16,heads=2,ffn=32,vocab=40,positions=40";

Explained explain(const std::string& model, const std::string& strategy) {
  return run::explain(models::config_from_spec(model, 40).json, strategy, 0);
}

const ExplainedOp& op_of(const ExplainedBlock& block, const std::string& op,
                         const std::string& module) {
  for (const ExplainedOp& o : block.ops)
    if (o.op == op && o.module == module) return o;
  FAIL("there is no ", op, " of ", module);
  return block.ops.front();
}

std::string states(const ExplainedOp& op) {
  std::string text;
  for (const ExplainedParameter& p : op.parameters)
    text += (text.empty() ? "" : " ") + p.name + (p.added ? "+" : p.learns ? "!" : "");
  return text;
}

bool adds(const std::vector<ExplainedOp>& ops) {
  for (const ExplainedOp& op : ops)
    for (const ExplainedParameter& p : op.parameters)
      if (p.added) return true;
  return false;
}

}  // namespace

TEST_CASE(
    "explain: for every family and strategy, all that learns is told, all that is added drawn") {
  std::vector<std::string> strategies = run::all_strategies();
  strategies.insert(strategies.end(), {"prompt:length=3", "lora:dora=true", "lora:r=2+bitfit"});
  size_t explained = 0;
  for (const models::Family& family : models::families()) {
    if (!family.random) continue;
    const std::string model = "random:type=" + family.types.front() + "," + kSizes;
    for (const std::string& strategy : strategies) {
      CAPTURE(model);
      CAPTURE(strategy);
      Explained e;
      try {
        e = explain(model, strategy);
      } catch (const engine::Error&) {
        CHECK_THROWS_AS(run::make_plan(models::config_from_spec(model, 40).json, strategy, {}),
                        engine::Error);
        continue;
      }
      ++explained;
      int64_t learns = 0, blocks = 0;
      for (const run::ExplainedGroup& g : e.groups) learns += g.scalars;
      CHECK(learns == e.count.trainable);
      bool drawn = adds(e.outside);
      for (const ExplainedBlock& block : e.blocks) {
        blocks += 1 + static_cast<int64_t>(block.like.size());
        drawn = drawn || adds(block.ops);
        // Attention is in its own block, though T5's table of distances is another's.
        CHECK(std::any_of(block.ops.begin(), block.ops.end(), [](const ExplainedOp& op) {
          return op.op.find("attention") != std::string::npos;
        }));
      }
      const bool both = models::config_from_spec(model, 40).facts.encodes_and_decodes();
      CHECK(blocks == (both ? 6 : 3));  // an encoder's and a decoder's
      CHECK(drawn == (e.count.injected > 0));
      const std::string text = apps::explain_text(e, 80);
      for (size_t at = 0, end; at < text.size(); at = end + 1) {
        end = text.find('\n', at);
        const std::string line = text.substr(at, end - at);
        CHECK_MESSAGE(apps::display_width(line) <= 80, line);
      }
    }
  }
  CHECK(explained > 80);
}

TEST_CASE("explain: where strategies stand in a block of BERT") {
  const std::string bert = "random:" + kSizes;
  const Explained lora = explain(bert, "lora:r=2");
  REQUIRE(lora.blocks.size() == 1);
  CHECK(lora.blocks[0].like.size() == 2);
  CHECK(states(op_of(lora.blocks[0], "linear", "attention.self.query")) == "weight bias");
  CHECK(states(op_of(lora.blocks[0], "low_rank_add", "attention.self.query")) ==
        "lora_A.weight+ lora_B.weight+");
  CHECK(op_of(lora.blocks[0], "add_layer_norm", "attention.output.LayerNorm").from ==
        std::vector<std::string>{"the block's input"});

  const Explained bitfit = explain(bert, "bitfit");
  CHECK(states(op_of(bitfit.blocks[0], "linear", "attention.self.key")) == "weight bias!");
  CHECK(bitfit.count.injected == 0);

  // The last block alone learns, and is drawn beside one of the others.
  const Explained top = explain(bert, "top:layers=1");
  REQUIRE(top.blocks.size() == 2);
  CHECK_FALSE(top.blocks[0].learns);
  CHECK(top.blocks[0].like.size() == 1);
  CHECK(top.blocks[1].learns);
  CHECK(top.blocks[1].frame == "bert.encoder.layer.2");

  const Explained adapter = explain(bert, "adapter:kind=houlsby,size=4");
  int added = 0;
  for (const ExplainedOp& op : adapter.blocks[0].ops) added += op.added;
  CHECK(added == 4);  // down and up, behind attention and behind the feed-forward

  const std::string text = apps::explain_text(lora, 0);
  CHECK(text.find("lora:r=2 on bert, 3 layers\n") == 0);
  CHECK(text.find("├─○   linear") != std::string::npos);
  CHECK(text.find("│ └+  low_rank_add") != std::string::npos);
  CHECK(text.find("bert.encoder.layer.*.attention.self.query") != std::string::npos);
}

TEST_CASE("explain: the command; without a strategy it asks for one") {
  apps::PlanRequest request;
  request.model = "random:" + kSizes;
  request.explain = true;
  CHECK_THROWS_WITH_AS(apps::plan_answer(request), doctest::Contains("--explain needs --strategy"),
                       apps::UsageError);
  request.strategy = "ia3";
  const std::string text = apps::plan_answer(request);
  CHECK(text.find("ia3 on bert, 3 layers\n") == 0);
  CHECK(text.find("column_scale") != std::string::npos);
}
