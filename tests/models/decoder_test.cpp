// Decoders against transformers and PEFT (tools/goldens/decoders.py): every token's loss, the last
// logits, a classifier's logits, and ten steps of four strategies.
#include "engine/optim/adamw.h"
#include "tests/models/decoders.h"

using namespace testing;
using engine::Batch;
using engine::Graph;
using engine::KvCache;
using engine::Tensor;
using models::HeadKind;

TEST_CASE("decoders: the loss of every token and the last logits are transformers'") {
  for (const auto& name : kDecoders) {
    CAPTURE(name);
    const Json golden = golden_of(name);
    Decoder decoder(name);
    check_values(decoder, golden, prompts_of(golden));
  }
}

TEST_CASE("decoders: adapters that PEFT wrote give PEFT's values") {
  for (const auto& name : kDecoders)
    for (const std::string adapter : {"lora", "prefix"}) {
      CAPTURE(name);
      CAPTURE(adapter);
      const Json golden = golden_of(name);
      Decoder decoder(name, "", adapter);
      check_values(decoder, golden["adapters"][adapter], prompts_of(golden));
    }
}

TEST_CASE("decoders: ten losses of full, bitfit, lora and prefix are torch's") {
  for (const auto& name : kDecoders) {
    const Json golden = golden_of(name);
    const Prompts prompts = prompts_of(golden);
    for (const auto& [strategy, losses] : golden["losses"].items()) {
      CAPTURE(name);
      const auto& this_strategy = strategy;
      CAPTURE(this_strategy);
      const bool from_file = strategy == "lora" || strategy == "prefix";
      Decoder decoder(name, strategy, from_file ? strategy : "");
      check_losses(decoder, losses, prompts);
    }
  }
}

TEST_CASE("decoders: a classifier reads the last token") {
  for (const auto& name : kDecoders) {
    CAPTURE(name);
    const Json golden = golden_of(name);
    const auto model = models::make_model(engine::json_file(folder_of(name) / "config.json"), name);
    models::Classifier head(*model, HeadKind::classification, 3);
    engine::ParameterStore store(*model);
    store.allocate();
    engine::load_checkpoint(folder_of(name), store);
    store.initialise(1);
    engine::Parameter& score = *store.find("score.weight");
    Scalar* values = store.own(score);
    for (int64_t i = 0; i < score.count(); ++i)
      values[i] = static_cast<Scalar>(std::sin(static_cast<float>(i)) / 10);
    const Batch batch = packed(prompts_of(golden));
    engine::RowSelection last;
    last.choose_last(batch.segments);
    engine::Workspace workspace;
    Graph g(workspace, {.record = false});
    const Matrix mine = head(g, model->encode(g, batch, {&last})).mat();
    CHECK(distance(mine, golden["score_logits"]) < 1e-5);
  }
}

TEST_CASE("decoders: a classifier passes over padding at the end, and not without a pad id") {
  for (const std::string name : {"gpt2", "llama"}) {
    CAPTURE(name);
    Json json = engine::json_file(folder_of(name) / "config.json");
    const auto logits = [&](const Prompts& prompts) {
      models::SequenceClassifier model(models::config_from_json(json, name));
      engine::ParameterStore store(model);
      store.allocate();
      engine::load_checkpoint(folder_of(name), store);
      store.initialise(1);
      engine::Workspace workspace;
      Graph g(workspace, {.record = false});
      return model.logits(g, packed(prompts)).mat().eval();
    };
    const Matrix padded = logits({{7, 8, 9, 0, 0}, {0, 0}, {5, 0, 6}});
    const Matrix plain = logits({{7, 8, 9}, {0}, {5, 0, 6}});
    CHECK(distance(padded, plain) < 1e-5);
    json["pad_token_id"] = nullptr;
    CHECK(distance(Matrix(logits({{7, 8, 9, 0, 0}})), Matrix(padded.topRows(1))) > 1e-3);
  }
}

TEST_CASE("decoders: reading piece by piece through a cache gives the values of reading at once") {
  for (const auto& name : kDecoders)
    for (const std::string adapter : {"", "lora", "prefix"}) {
      CAPTURE(name);
      CAPTURE(adapter);
      Decoder decoder(name, "full", adapter);
      const Prompts prompts = prompts_of(golden_of(name));
      const Batch whole = packed({prompts[0], prompts[2]});
      const Matrix wanted = decoder.logits(whole);
      const int32_t second = whole.segments.begin(1);
      KvCache cache(decoder.model->facts().layers, decoder.model->sites().kv.width(), 2);
      // Unequal steps, so that pages of the two sequences fill at different times.
      std::vector<std::pair<int32_t, int32_t>> steps = {{4, 9}, {1, 1}, {3, 8}, {1, 1}, {4, 10}};
      int32_t a = 0, b = 0;
      for (const auto& [more_a, more_b] : steps) {
        Batch piece = packed({{prompts[0].begin() + a, prompts[0].begin() + a + more_a},
                              {prompts[2].begin() + b, prompts[2].begin() + b + more_b}});
        const Matrix logits = decoder.logits(piece, {nullptr, &cache});
        CHECK(distance(Matrix(logits.topRows(more_a)), Matrix(wanted.middleRows(a, more_a))) <
              2e-5);
        CHECK(distance(Matrix(logits.bottomRows(more_b)),
                       Matrix(wanted.middleRows(second + b, more_b))) < 2e-5);
        a += more_a, b += more_b;
      }
      CHECK(cache.length(0) == a + (adapter == std::string("prefix") ? 5 : 0));
    }
}

TEST_CASE("a cache shares pages between sequences until one writes") {
  Decoder decoder("llama");
  const Prompts prompts = prompts_of(golden_of("llama"));
  const Batch prompt = packed({prompts[2]});
  KvCache cache(3, decoder.model->sites().kv.width(), 1);
  engine::RowSelection last;
  last.choose_last(prompt.segments);
  decoder.logits(prompt, {&last, &cache});
  const int64_t alone = cache.bytes();
  cache.reorder({0, 0, 0});
  CHECK(cache.bytes() == alone);
  const Batch next = packed({{7}, {8}, {7}});
  const Matrix split = decoder.logits(next, {nullptr, &cache});
  CHECK(cache.bytes() < 3 * alone);  // only the last page is copied
  CHECK(same_bits(Matrix(split.row(0)), Matrix(split.row(2))));
  std::vector<int32_t> longer = prompts[2];
  longer.push_back(8);
  const Matrix whole = decoder.logits(packed({longer}));
  CHECK(distance(Matrix(split.row(1)), Matrix(whole.bottomRows(1))) < 2e-5);
  // The one in the middle goes on alone.
  cache.reorder({1});
  longer.push_back(9);
  CHECK(distance(decoder.logits(packed({{9}}), {nullptr, &cache}),
                 Matrix(decoder.logits(packed({longer})).bottomRows(1))) < 2e-5);
}

TEST_CASE("decoders: what cannot be computed is refused by its key") {
  const auto refused = [](const std::string& name, const char* key, const Json& value) {
    Json config = engine::json_file(folder_of(name) / "config.json");
    config[key] = value;
    return message_of([&] { models::make_model(config, "config.json"); });
  };
  CHECK(contains(refused("llama", "rope_parameters", {{"rope_type", "longrope"}}), "longrope"));
  CHECK(contains(refused("llama", "rope_parameters", {{"rope_type", "linear"}}), "factor"));
  CHECK(contains(refused("llama3", "rope_parameters",
                         {{"rope_type", "default"}, {"rope_theta", 1e4}, {"turns", 3}}),
                 "turns"));
  CHECK(contains(refused("llama", "num_key_value_heads", 4), "num_key_value_heads"));
  CHECK(contains(refused("llama", "rope_interleaved", true), "rope_interleaved"));
  CHECK(contains(refused("llama", "logit_scale", 2.0), "logit_scale"));
  CHECK(contains(refused("qwen2", "layer_types", Json::array({"full_attention", "x", "y"})),
                 "layer_types"));
  CHECK(contains(refused("gpt2", "add_cross_attention", true), "add_cross_attention"));
  CHECK(contains(refused("gpt2", "n_head", 7), "n_head"));
  // transformers 4 says the same in other words.
  Json old = engine::json_file(folder_of("llama3") / "config.json");
  Json scaling = old["rope_parameters"];
  old["rope_theta"] = scaling["rope_theta"];
  scaling.erase("rope_theta");
  old["rope_scaling"] = scaling;
  old.erase("rope_parameters");
  old["torch_dtype"] = "bfloat16";
  CHECK_NOTHROW(models::make_model(old, "config.json"));
}

TEST_CASE("decoders: a sequence that does not fit is refused, a prefix counted") {
  for (const std::string name : {"gpt2", "llama"}) {
    Decoder plain(name), prefixed(name, "", "prefix");
    const Batch fits = packed({std::vector<int32_t>(64, 5)});
    CHECK_NOTHROW(plain.logits(fits));
    CHECK(contains(message_of([&] { prefixed.logits(fits); }), "59 or less"));
  }
  // Scaled positions end where the config says, too.
  for (const std::string name : {"llama3", "llama-yarn"}) {
    CAPTURE(name);
    Decoder decoder(name);
    const auto longest = static_cast<size_t>(decoder.model->facts().longest);
    CHECK_NOTHROW(decoder.logits(packed({std::vector<int32_t>(longest, 5)})));
    const Batch longer = packed({std::vector<int32_t>(longest + 1, 5)});
    CHECK(contains(message_of([&] { decoder.logits(longer); }),
                   "does not fit the " + std::to_string(longest) + " positions"));
  }
}
