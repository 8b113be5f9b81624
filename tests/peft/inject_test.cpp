// Injection does not change what a model computes; merging does not either; and what each costs.
#include "engine/base/counters.h"
#include "peft/count.h"
#include "tests/peft/support.h"

using namespace testing;

TEST_CASE("injection is a no-op, bit for bit, for every model and strategy but prefixes") {
  for (const auto& type : kTypes) {
    const Matrix before = Subject(type, "frozen").logits();
    for (const auto& spec : golden_specs()) {
      CAPTURE(type);
      CAPTURE(spec);
      Subject s(type, spec);
      const Matrix after = s.logits();
      if (spec.starts_with("prefix"))
        CHECK(difference(before, after) > 1e-6);
      else
        CHECK(same_bits(before, after));
    }
    CHECK(same_bits(before, Subject(type, "lora:dropout=0.1+ia3+bitfit").logits()));
    CHECK(same_bits(before, Subject(type, "lora:dora=true,roles=query+ffn_in+ffn_out").logits()));
    CHECK(same_bits(before, Subject(type, "lora:roles=embedding+value+norm").logits()));
    CHECK(same_bits(
        before, Subject(type, "lora:roles=ffn_in+ffn_out,layers=1+adapter+ia3:roles=ffn_in+query")
                    .logits()));
  }
}

// Why a prefix is the exception: with keys and values of zero every softmax still has more terms to
// share among.
TEST_CASE("a prefix of zeros changes the outputs") {
  Subject s("bert", "prefix:length=3,flat=true,std=0");
  CHECK(s.store->find("prompt_embeddings")->value[0] == 0);
  CHECK(difference(Subject("bert", "frozen").logits(), s.logits()) > 1e-3);
}

TEST_CASE("merged equals unmerged, and the injected modules are neutral afterwards") {
  const double tolerance = kDouble ? 1e-12 : 1e-5;
  for (const auto& type : kTypes)
    for (const std::string spec :
         {"lora",
          "lora:r=3,alpha=5,rslora=true,roles=query+key+value+attention_output+ffn_in+ffn_out",
          "lora:layers=1", "ia3", "ia3:roles=query+key+value+attention_output+ffn_in+ffn_out",
          "lora+bitfit", "ia3+bitfit", "lora:roles=query+ffn_out+ia3",
          "ia3+lora:roles=query+value+ffn_out", "lora+ia3:roles=value+attention_output",
          "lora:dora=true,roles=query+ffn_out", "lora:dora=true,r=3,alpha=5,rslora=true,bias=all",
          "lora:roles=embedding", "lora:targets=word_embeddings+position_embeddings+query+q_lin",
          "lora:rank_pattern={\"(value|v_lin)\":3},alpha_pattern={\"query\":2}"}) {
      CAPTURE(type);
      CAPTURE(spec);
      Subject s(type, spec);
      s.shake();
      const Matrix before = s.logits();
      CHECK(difference(Subject(type, "frozen").logits(), before) > 1e-3);
      s.strategy->merge(*s.store);
      const Matrix merged = s.logits();
      CHECK(difference(before, merged) < tolerance);

      // The base parameters alone compute the same bits.
      Subject plain(type, "full");
      for (Parameter* p : plain.store->all())
        std::copy_n(s.store->find(p->name)->value, p->count(), p->value);
      CHECK(same_bits(merged, plain.logits()));

      s.strategy->merge(*s.store);  // nothing is folded twice
      CHECK(same_bits(merged, s.logits()));
    }
}

TEST_CASE("merging a strategy that injects nothing changes nothing") {
  for (const std::string spec : {"full", "frozen", "bitfit", "norm", "top"}) {
    Subject s("bert", spec);
    const Matrix before = s.logits();
    s.strategy->merge(*s.store);
    CHECK(same_bits(before, s.logits()));
  }
}

TEST_CASE("what cannot be merged says why, and nothing is changed") {
  for (const std::string spec :
       {"adapter", "prefix:length=3", "lora+adapter", "lora+prefix", "prompt"}) {
    CAPTURE(spec);
    Subject s("bert", spec);
    s.shake();
    const Matrix before = s.logits();
    const std::string message = message_of([&] { s.strategy->merge(*s.store); });
    CHECK(contains(message,
                   spec.ends_with("adapter") ? "activation between" : "belong to no weight"));
    CHECK(contains(message, "adapter file"));
    CHECK(same_bits(before, s.logits()));
  }
}

TEST_CASE("a merge writes to copies: the base model's file is read-only") {
  const auto path = golden("models/bert/model.safetensors");
  const std::string before = read_file(path);
  Subject s("bert", "lora");
  s.shake();
  s.strategy->merge(*s.store);
  CHECK(read_file(path) == before);
}

TEST_CASE("a frozen weight costs no weight gradient") {
  const auto weight_gradients = [](const std::string& spec) {
    Subject s("bert", spec);
    s.shake();
    engine::counters() = {};
    s.backward();
    return engine::counters().weight_gradient.calls;
  };
  CHECK(weight_gradients("full") == 2 * 6 + 2);  // six linear layers a layer, pooler, classifier
  CHECK(weight_gradients("frozen") == 1);        // classifier
  CHECK(weight_gradients("bitfit") == 1);        // biases are column sums
  CHECK(weight_gradients("ia3") == 1);           // so are factors
  CHECK(weight_gradients("top:layers=1") == 6 + 2);
  CHECK(weight_gradients("lora") == 2 * 2 * 2 + 1);  // A and B at query and value
  CHECK(weight_gradients("adapter:size=4") == 2 * 2 * 2 + 1);
  CHECK(weight_gradients("prefix:length=3,flat=true") == 1);
  CHECK(weight_gradients("prefix:length=3,hidden=8") == 2 + 1);  // the MLP's, once a step
}

TEST_CASE("a frozen model costs one product in backward, and LoRA fewer than full") {
  const auto input_gradients = [](const std::string& spec) {
    Subject s("bert", spec);
    engine::counters() = {};
    s.backward();
    return engine::counters().input_gradient.calls;
  };
  CHECK(input_gradients("frozen") == 0);
  CHECK(input_gradients("lora:layers=1") < input_gradients("lora"));
  CHECK(input_gradients("bitfit:terms=ffn_norm") < input_gradients("bitfit"));
}

TEST_CASE("the prefix's MLP runs once a step, not once a layer") {
  const auto products = [](const std::string& spec) {
    Subject s("bert", spec);
    s.logits();
    engine::counters() = {};
    s.logits();
    return engine::counters().forward.calls;
  };
  CHECK(products("prefix:length=3,hidden=8") == products("prefix:length=3,flat=true") + 2);
}

TEST_CASE("the prefix's table is made anew in every graph, and outlives none") {
  Subject s("bert", "prefix:length=3,hidden=8");
  const Matrix before = s.logits();
  CHECK(same_bits(before, s.logits()));
  s.store->find("prefix_encoder.transform.2.bias")->value[5] += 1;
  CHECK_FALSE(same_bits(before, s.logits()));
  const int64_t live = s.workspace.pool.live_bytes();
  CHECK(live == 0);
  s.backward();
  s.store->find("prefix_encoder.transform.2.bias")->value[5] -= 1;
  CHECK(difference(before, s.logits()) < 1e-5);
}

TEST_CASE("a pass that stopped half-way leaves no table behind for the next") {
  Subject s("bert", "prefix:length=3,hidden=8"), fresh("bert", "prefix:length=3,hidden=8");
  {
    engine::Graph g(s.workspace);
    s.sites.kv.hook()->prefix(g, 0);  // and no further
  }
  for (Subject* each : {&s, &fresh})
    each->store->find("prefix_encoder.transform.2.bias")->value[5] += 1;
  CHECK(same_bits(s.logits(), fresh.logits()));
}

TEST_CASE("dropout of LoRA is on only when the graph drops") {
  Subject s("bert", "lora:dropout=0.5");
  s.shake();
  const auto logits = [&](bool drop) {
    engine::GraphOptions options;
    options.record = false;
    options.dropout = drop;
    engine::Graph g(s.workspace, options);
    return Matrix(s.model.logits(g, s.batch).mat());
  };
  CHECK(same_bits(logits(false), s.logits()));
  CHECK_FALSE(same_bits(logits(true), s.logits()));
}

TEST_CASE("first values are a function of the name: they do not depend on what else is there") {
  Subject alone("bert", "lora"), together("bert", "ia3+lora+bitfit");
  const std::string name = "bert.encoder.layer.1.attention.self.value.lora_A.weight";
  const Parameter *a = alone.store->find(name), *b = together.store->find(name);
  CHECK(std::equal(a->value, a->value + a->count(), b->value));
  const double bound = 1 / std::sqrt(32.0);  // torch.nn.Linear's
  double largest = 0;
  for (int64_t i = 0; i < a->count(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a->value[i])));
  CHECK(largest <= bound);
  CHECK(largest > 0.9 * bound);
}
