// A step run dry against the counters of the same step executed, and against the closed forms of
// the papers.
#include "run/plan.h"

#include <doctest/doctest.h>

#include "apps/plan/table.h"
#include "engine/base/threads.h"
#include "engine/train/pieces.h"
#include "models/classifier.h"
#include "models/pretrained.h"
#include "peft/strategy.h"
#include "tests/apps/plan_configs.h"
#include "tests/support/paths.h"

using engine::Json;
using run::make_plan;
using run::Plan;
using run::PlanOptions;
using testing::bert_json;
using testing::llama_7b;

namespace {

struct Executed {
  engine::Counters counters;
  int64_t pool_peak = 0, trainable = 0, total = 0;
};

// A real step: forward, loss, backward, by pieces. The bytes kept are those of the largest.
Executed execute(models::ModelConfig config, const std::string& spec, const PlanOptions& options) {
  if (options.num_labels > 0) models::set_labels(config, options.num_labels, {});
  config.head = run::planned_head(config, options.num_labels);
  models::SequenceClassifier model(config);
  const auto strategy = peft::make_strategy(spec);
  engine::Sites sites = model.sites();
  peft::apply(*strategy, sites, model);
  engine::ParameterStore store(model);
  store.allocate();
  store.initialise(7);
  engine::TokenBatch batch;
  for (int64_t s = 0; s < options.batch; ++s) {
    for (int64_t i = 0; i < options.length; ++i) {
      batch.ids.push_back(static_cast<int32_t>((7 * s + 3 * i) % config.facts.vocab));
      batch.types.push_back(0);
      batch.targets.push_back(static_cast<int32_t>(s % 3));
    }
    batch.segments.add(static_cast<int32_t>(options.length));
    batch.labels.push_back(config.num_labels == 1 ? 0.5
                                                  : static_cast<double>(s % config.num_labels));
  }
  engine::Workspace workspace;
  engine::counters() = {};
  int64_t saved = 0;
  engine::Pieces pieces;
  pieces.cut(batch, options.piece_tokens);
  for (int i = 0; i < pieces.count(); ++i) {
    engine::GraphOptions graph_options;
    graph_options.dropout = options.dropout;
    const int64_t before = engine::counters().saved_bytes;
    engine::Graph g(workspace, graph_options);
    const engine::TokenBatch& piece = pieces.get(i);
    const engine::Tensor loss = run::planned_loss(model, g, piece);
    if (g.needs(loss)) g.backward(loss);
    saved = std::max(saved, engine::counters().saved_bytes - before);
  }
  engine::counters().saved_bytes = saved;
  return {engine::counters(), workspace.pool.peak_bytes(), store.trainable_count(),
          store.total_count()};
}

void check_equal(const char* what, const engine::WorkCount& planned,
                 const engine::WorkCount& counted) {
  CAPTURE(what);
  CHECK(planned.calls == counted.calls);
  CHECK(planned.flops == doctest::Approx(counted.flops).epsilon(1e-12));
}

void check_against_step(const Json& json, const std::string& spec, const PlanOptions& options) {
  const models::ModelConfig config = models::config_from_json(json, "test");
  CAPTURE(config.facts.model_type);
  CAPTURE(spec);
  CAPTURE(options.dropout);
  const Plan plan = make_plan(json, spec, options);
  const Executed step = execute(config, spec, options);
  CHECK(plan.trainable_parameters == step.trainable);
  CHECK(plan.total_parameters == step.total);
  check_equal("forward", plan.forward, step.counters.forward);
  check_equal("input gradient", plan.input_gradient, step.counters.input_gradient);
  check_equal("weight gradient", plan.weight_gradient, step.counters.weight_gradient);
  check_equal("recomputed", plan.recomputed, step.counters.recomputed);
  CHECK(plan.saved_bytes == step.counters.saved_bytes);
  CHECK(plan.pool_bytes == step.pool_peak);
  CHECK(plan.system_allocations == 0);
}

void check_against_step(const models::ModelConfig& config, const std::string& spec,
                        const PlanOptions& options) {
  check_against_step(config.to_json(), spec, options);
}

models::ModelConfig tiny(const std::string& options) {
  return models::config_from_spec(
      "random:layers=3,hidden=24,heads=4,ffn=40,vocab=50,positions=40," + options, 50);
}

const std::vector<std::string> kStrategies = {
    "full",
    "frozen",
    "top:layers=1",
    "top:layers=2",
    "top:layers=3",
    "bitfit",
    "bitfit:terms=query",
    "bitfit:terms=key",
    "bitfit:terms=value",
    "bitfit:terms=attention_output",
    "bitfit:terms=ffn_in",
    "bitfit:terms=ffn_out",
    "bitfit:terms=attention_norm",
    "bitfit:terms=ffn_norm",
    "bitfit:terms=embedding_norm",
    "bitfit:terms=query+ffn_in",
    "lora",
    "lora:r=3,roles=query",
    "lora:roles=key",
    "lora:layers=1",
    "lora:r=2,dropout=0.1",
    "lora:r=4,roles=query+key+value+attention_output+ffn_in+ffn_out",
    "adapter:kind=houlsby,size=5",
    "adapter:kind=pfeiffer,size=5",
    "adapter:kind=parallel,size=5",
    "adapter:kind=houlsby,size=5,layers=1",
    "adapter:kind=houlsby,size=5,train_layer_norm=true",
    "adapter:kind=pfeiffer,size=5,train_layer_norm=true,activation=tanh",
    "prefix:length=3,flat=true",
    "prefix:length=3,hidden=8",
    "ia3",
    "ia3:roles=key+value+attention_output+ffn_out",
    "ia3:roles=query+key+value+attention_output+ffn_in+ffn_out",
    "ia3:layers=2",
    "prompt:length=3",
    "prompt:length=2,init=random+bitfit:terms=query",
    "lora+bitfit",
    "lora:r=2+ia3",
    "lora+adapter:kind=parallel,size=4",
    "prefix:length=2,flat=true+lora:dropout=0.2+bitfit:terms=key",
    "adapter:kind=houlsby,size=3+ia3+prefix:length=2,hidden=6"};

}  // namespace

TEST_CASE(
    "plan: products, kept bytes and the pool's peak are those of a step that is run, for every "
    "family and strategy") {
  const PlanOptions options{.batch = 3, .length = 7};
  for (const char* family :
       {"type=bert", "type=roberta", "type=electra,embedding=16", "type=distilbert"})
    for (const std::string& spec : kStrategies) check_against_step(tiny(family), spec, options);
  check_against_step(tiny("type=bert"), "bitfit:terms=pooler", options);
}

TEST_CASE(
    "plan: the same without dropout, for a regression, for other activations and for one "
    "sequence") {
  models::ModelConfig config = tiny("type=bert");
  for (const std::string& spec : kStrategies)
    check_against_step(config, spec, {.batch = 2, .length = 5, .num_labels = 1, .dropout = false});
  for (const std::string& spec : kStrategies)
    check_against_step(tiny("type=bert,dropout=0"), spec,
                       {.batch = 1, .length = 9, .num_labels = 3});
  config.json["hidden_act"] = "tanh";
  for (const char* spec : {"full", "bitfit", "lora:roles=ffn_in", "ia3:roles=ffn_in"})
    check_against_step(config, spec, {.batch = 2, .length = 5});
}

TEST_CASE("plan: the same for a batch in pieces") {
  for (const std::string& spec : kStrategies)
    check_against_step(tiny("type=bert"), spec, {.batch = 7, .length = 5, .piece_tokens = 15});
  const Plan whole = make_plan(bert_json(64, 4, 4), "bitfit", {.batch = 32, .length = 128}),
             pieces = make_plan(bert_json(64, 4, 4), "bitfit",
                                {.batch = 32, .length = 128, .piece_tokens = 1024});
  CHECK(pieces.pieces == 4);
  CHECK(pieces.saved_bytes == whole.saved_bytes / 4);
  CHECK(pieces.flops() == whole.flops());
  CHECK(make_plan(bert_json(64, 4, 4), "bitfit",
                  {.batch = 32, .length = 128, .piece_tokens = engine::kPiecesByWidth})
            .pieces == 4);
  CHECK(make_plan(bert_json(768, 1, 12), "bitfit",
                  {.batch = 32, .length = 128, .piece_tokens = engine::kPiecesByWidth})
            .pieces == 8);
  CHECK(make_plan(bert_json(2048, 1, 16), "full",
                  {.batch = 32, .length = 128, .piece_tokens = engine::kPiecesByWidth})
            .pieces == 16);
  CHECK(apps::plan_text(pieces).find("32 sequences of 128 tokens, computed in 4 pieces: ") !=
        std::string::npos);
}

TEST_CASE("plan: closed forms of BERT-base and BERT-large") {
  struct Row {
    const char* spec;
    int64_t base, large;  // without the head, which has 2 d + 2
  };
  const Row rows[] = {
      {"frozen", 0, 0},
      {"bitfit", 102912, 272384},
      {"bitfit:terms=query+ffn_in", 46080, 122880},
      {"bitfit:terms=ffn_in", 36864, 98304},
      {"bitfit:terms=query", 9216, 24576},
      {"lora:r=8", 294912, 786432},
      {"lora:r=8,roles=query+key+value+attention_output+ffn_in+ffn_out", 1327104, 3538944},
      {"adapter:kind=houlsby,size=64", 2379264, 6343680},
      {"adapter:kind=houlsby,size=8", 313536, 835968},
      {"adapter:kind=pfeiffer,reduction=16", 894528, 3171840},
      {"adapter:kind=houlsby,reduction=16", 1789056, 6343680},
      {"prefix:length=20,flat=true", 368640, 983040},
      {"ia3:roles=key+value+attention_output+ffn_out", 64512, 172032},
      {"ia3", 55296, 147456},
      {"full", 109482240, 335141888}};
  for (const Row& row : rows) {
    CAPTURE(row.spec);
    const PlanOptions options{.batch = 1, .length = 8, .num_labels = 2};
    const Plan base = make_plan(bert_json(768, 12, 12), row.spec, options),
               large = make_plan(bert_json(1024, 24, 16), row.spec, options);
    CHECK(base.base_parameters == 109483778);
    CHECK(large.base_parameters == 335143938);
    CHECK(base.head_parameters == 1538);
    CHECK(base.trainable_parameters == row.base + 1538);
    CHECK(large.trainable_parameters == row.large + 2050);
  }
}

TEST_CASE("plan: LLaMA-7B's shape") {
  const PlanOptions options{.batch = 1, .length = 16};
  const Plan lora = make_plan(llama_7b(), "lora:r=8", options);
  CHECK(lora.trainable_parameters == 4194304);
  CHECK(lora.base_parameters == 6738415616);
  CHECK(lora.total_parameters == 6742609920);
  CHECK(lora.percent() == doctest::Approx(0.0622446).epsilon(1e-5));
  CHECK(lora.weight_gradient.flops < 1e-3 * lora.forward.flops);
  CHECK(make_plan(llama_7b(), "lora:roles=query+key+value+attention_output+ffn_in+ffn_gate+ffn_out",
                  options)
            .trainable_parameters == 19988480);
  CHECK(make_plan(llama_7b(), "ia3", options).trainable_parameters == 614400);
  CHECK(make_plan(llama_7b(), "prefix:length=20,flat=true", options).trainable_parameters ==
        5242880);
  CHECK_THROWS_AS(make_plan(llama_7b(), "bitfit", options), engine::Error);  // no biases
  CHECK(make_plan(llama_7b(), "norm", options).trainable_parameters == 266240);
  // Full: forward 2 N a token (without the table of words, with scores), and twice that for
  // backward.
  const Plan full = make_plan(llama_7b(), "full", options);
  CHECK(full.trainable_parameters == 6738415616);
  const double n = 6738415616.0 - 32000.0 * 4096 - 65 * 4096, tokens = 16,
               scores = 32 * 2 * 2 * 16 * 16 * 4096.0;
  CHECK(full.forward.flops == doctest::Approx(2 * n * tokens + scores));
  CHECK(full.weight_gradient.flops == doctest::Approx(2 * n * tokens));
}

TEST_CASE(
    "plan: a frozen weight costs no weight gradient, and nothing below the lowest trainable "
    "parameter is computed") {
  const PlanOptions options{.batch = 4, .length = 16};
  const Plan full = make_plan(bert_json(64, 4, 4), "full", options),
             bitfit = make_plan(bert_json(64, 4, 4), "bitfit", options),
             frozen = make_plan(bert_json(64, 4, 4), "frozen", options),
             top = make_plan(bert_json(64, 4, 4), "top:layers=1", options);
  CHECK(bitfit.weight_gradient.calls == 1);  // the head
  CHECK(bitfit.forward.flops == full.forward.flops);
  CHECK(frozen.input_gradient.calls == 0);
  CHECK(frozen.saved_bytes < 4 * (64 + 16) * 4);
  CHECK(top.input_gradient.flops < 0.3 * full.input_gradient.flops);
  CHECK(full.optimizer_bytes() == 8 * full.trainable_parameters);
}

TEST_CASE("plan: tables, text and JSON") {
  const std::vector<Plan> plans =
      run::make_plans(bert_json(768, 12, 12), run::all_strategies(), {.batch = 8, .length = 32});
  REQUIRE(plans.size() == 12);
  for (const int width : {0, 80, 60}) {
    const std::string table = apps::plan_table(plans, width);
    CHECK(table.find("104,450") != std::string::npos);
    CHECK(table.find("109,483,778") != std::string::npos);
    for (size_t at = 0, end; width > 0 && (end = table.find('\n', at)) != std::string::npos;
         at = end + 1) {
      size_t points = 0;
      for (size_t i = at; i < end; ++i) points += (table[i] & 0xC0) != 0x80;
      CHECK(points <= 88);  // the narrowest that all columns of numbers fit
    }
  }
  const Json json = run::plans_json(plans);
  CHECK(json[2]["trainable_parameters"] == 104450);
  CHECK(json[2]["step"]["weight_gradient"]["calls"] == 1);
  CHECK(apps::plan_text(plans[2]).find("trains 104,450 of 109,483,778 parameters (0.0954%)") !=
        std::string::npos);

  const std::vector<Plan> some =
      run::make_plans(bert_json(64, 2, 4), {"top:layers=5", "bitfit"}, {.batch = 1, .length = 4});
  CHECK(some[0].error.find("the model has 2") != std::string::npos);
  CHECK(some[1].error.empty());
  CHECK(apps::plan_table(some).find("top:layers=5: ") != std::string::npos);
}

TEST_CASE("plan: what is wrong is said") {
  CHECK_THROWS_WITH_AS(make_plan(bert_json(64, 2, 4), "full", {.batch = 1, .length = 513}),
                       doctest::Contains("512 positions"), engine::Error);
  CHECK_THROWS_AS(make_plan(bert_json(64, 2, 4), "lorra", {}), engine::Error);
  CHECK_THROWS_AS(make_plan(bert_json(64, 2, 4), "full", {.batch = 0}), engine::Error);
  CHECK_THROWS_AS(make_plan(Json{{"model_type", "gpt9"}}, "full", {}), engine::Error);
  CHECK_THROWS_AS(run::make_plans(Json::object(), {"full"}, {}), engine::Error);
}

TEST_CASE("plan: language models are planned as they are run") {
  const PlanOptions options{.batch = 3, .length = 7};
  for (const char* family : {"type=llama,kv_heads=2", "type=mistral,kv_heads=1", "type=qwen2",
                             "type=qwen3,kv_heads=2", "type=gpt2"}) {
    const models::ModelConfig config = tiny(family);
    std::vector<std::string> specs = {
        "full",
        "top:layers=1",
        "frozen",
        "norm",
        "lora",
        "lora:roles=query+key+value+attention_output+ffn_in+ffn_out,dropout=0.1",
        "adapter:kind=houlsby,size=5",
        "adapter:kind=parallel,size=5",
        "prefix:length=3,flat=true",
        "prompt:length=4",
        "lora:r=2+adapter:kind=pfeiffer,size=4"};
    const std::string& type = config.facts.model_type;
    if (type != "gpt2") specs.push_back("ia3");
    if (type == "gpt2" || type == "qwen2") specs.push_back("bitfit");  // the others have no biases
    for (const std::string& spec : specs) {
      check_against_step(config.json, spec, options);
      check_against_step(config.json, spec, {.batch = 4, .length = 5, .piece_tokens = 10});
    }
    CHECK(run::planned_head(config, 0) == models::HeadKind::language_model);
    CHECK(run::planned_head(config, 2) == models::HeadKind::classification);
    // What says that it is a classifier is planned as one.
    check_against_step(config, "lora", options);
    CHECK(make_plan(config.to_json(), "lora", options).head_parameters > 0);
    CHECK(make_plan(config.json, "lora", options).head_parameters == 0);
  }
}
