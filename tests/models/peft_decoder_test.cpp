// Adapters on decoders as Hugging Face PEFT has them (tools/goldens/peft_decoders.py): its files
// give its values and its losses, and ours say the same to it.
#include "tests/models/decoders.h"
#include "tests/support/paths.h"

using namespace testing;
namespace fs = std::filesystem;

namespace {

fs::path case_folder(const std::string& name) {
  return fs::absolute(golden("peft_decoders/" + name));
}
Json case_golden(const std::string& name) {
  return engine::json_file(case_folder(name) / "golden.json");
}

const std::vector<std::string> kPeftCases = {
    "norm-gpt2",           "norm-qwen3",       "ia3-gpt2",        "ia3-llama",
    "ia3-qwen2",           "prompt-gpt2",      "prompt-llama",    "rslora-llama",
    "lora-words-llama",    "lora-words-gpt2",  "lora-head-llama", "lora-head-llama3",
    "lora-bias-gpt2",      "lora-bias-llama3", "lora-bias-qwen3", "lora-exclude-gpt2",
    "lora-layers-mistral", "dora-llama",       "dora-gpt2"};

// Names, shapes and values of a file.
std::map<std::string, std::vector<Scalar>> tensors_of(const fs::path& folder) {
  const auto file = engine::Safetensors::open(folder / "adapter_model.safetensors");
  std::map<std::string, std::vector<Scalar>> all;
  for (const auto& [name, tensor] : file.tensors()) {
    // The base's own weight, which PEFT saves beside an adapter on an embedding or its twin.
    if (name.ends_with(".base_layer.weight")) continue;
    std::vector<Scalar>& values = all[name + engine::dims_text(tensor.dims)];
    values.resize(static_cast<size_t>(tensor.count()));
    tensor.read(values.data());
  }
  return all;
}

}  // namespace

TEST_CASE("files of PEFT on decoders give its values, and train as there") {
  for (const auto& name : kPeftCases) {
    CAPTURE(name);
    const Json wanted = case_golden(name);
    const std::string base = wanted["base"];
    const Prompts prompts = prompts_of(golden_of(base));
    Decoder decoder(base, "", case_folder(name).string());
    check_values(decoder, wanted, prompts);
    check_losses(decoder, wanted["losses"], prompts);
  }
}

TEST_CASE("what PEFT wrote is written again as it was: names, shapes, values, what they touch") {
  for (const auto& name : kPeftCases) {
    CAPTURE(name);
    const std::string base = case_golden(name)["base"];
    Decoder decoder(base, "", case_folder(name).string());
    const TempDir dir;
    engine::Sites sites = decoder.model->sites();
    peft::save_adapter(dir.path(), *decoder.strategy, *decoder.store, {.task_type = "CAUSAL_LM"},
                       sites);
    CHECK(tensors_of(dir.path()) == tensors_of(case_folder(name)));
    const Json ours = engine::json_file(dir / "adapter_config.json"),
               theirs = engine::json_file(case_folder(name) / "adapter_config.json");
    for (const char* key : {"peft_type", "r", "lora_alpha", "use_rslora", "use_dora", "bias",
                            "rank_pattern", "alpha_pattern", "num_virtual_tokens", "token_dim",
                            "num_attention_heads", "num_layers", "fan_in_fan_out"})
      if (theirs.contains(key)) {
        CAPTURE(key);
        CHECK(ours[key] == theirs[key]);
      }
    CHECK(peft::load_adapter(dir.path()).spec == peft::load_adapter(case_folder(name)).spec);
  }
}

TEST_CASE("every strategy on a decoder: a start that changes nothing, merged, and there and back") {
  const double close = 2e-5;
  for (const std::string base : {"gpt2", "llama", "qwen3"})
    for (const std::string spec :
         {"full", "top:layers=1", "norm", "lora", "lora:roles=query+value",
          "lora:dora=true,roles=query+value+ffn_out", "lora:rslora=true,roles=query+value",
          "lora:roles=embedding", "lora:roles=lm_head+value", "lora:roles=embedding+lm_head", "ia3",
          "adapter:size=5", "prefix:length=3", "prompt:length=3", "lora+norm"}) {
      CAPTURE(base);
      CAPTURE(spec);
      const Prompts prompts = prompts_of(golden_of(base));
      const engine::Batch batch = packed({prompts[0], prompts[1]});
      Decoder plain(base, "frozen"), decoder(base, spec);
      if (spec[0] != 'p') CHECK(same_bits(plain.logits(batch), decoder.logits(batch)));
      for (engine::Parameter* p : decoder.store->trainable()) {
        engine::Random random(engine::name_key(p->name));
        for (int64_t i = 0; i < p->count(); ++i)
          p->value[i] += static_cast<Scalar>(0.05 * random.normal());
      }
      const Matrix after = decoder.logits(batch);
      CHECK(distance(plain.logits(batch), after) > 1e-3);
      const std::vector<double> nll = decoder.nll(batch);  // the loss sees what the logits see
      for (Eigen::Index i = 0; i < 4; ++i) {
        const double most = after.row(i).maxCoeff();
        const double sum = (after.row(i).array() - Scalar(most)).exp().sum();
        CHECK(std::abs(nll[static_cast<size_t>(i)] -
                       (most + std::log(sum) - after(i, batch.targets[static_cast<size_t>(i)]))) <
              1e-4);
      }

      const TempDir dir;
      engine::Sites sites = decoder.model->sites();
      peft::save_adapter(dir.path(), *decoder.strategy, *decoder.store, {}, sites);
      Decoder again(base, "", dir.path().string());
      CHECK(distance(again.logits(batch), after) < close);
      if (!decoder.strategy->why_not_mergeable().empty()) continue;
      decoder.strategy->merge(*decoder.store);
      CHECK(distance(decoder.logits(batch), after) < close);
    }
}

TEST_CASE("an adapter on one of two tied matrices changes that one, and merging unties them") {
  for (const std::string base : {"gpt2", "llama"})
    for (const std::string spec : {"lora:roles=embedding", "lora:roles=lm_head", "lora"}) {
      CAPTURE(base);
      CAPTURE(spec);
      const Prompts prompts = prompts_of(golden_of(base));
      const engine::Batch batch = packed({prompts[0], prompts[1]});
      Decoder plain(base, "frozen"), decoder(base, spec);
      for (engine::Parameter* p : decoder.store->trainable())
        for (int64_t i = 0; i < p->count(); ++i) p->value[i] += Scalar(0.02) * Scalar(i % 5 - 2);
      const auto values = [](const engine::Parameter& p) {
        return std::vector<Scalar>(p.value, p.value + p.count());
      };
      const auto before = values(plain.model->words().weight);
      const Matrix logits = decoder.logits(batch);
      CHECK(decoder.head.tied());
      decoder.strategy->merge(*decoder.store);
      CHECK(decoder.head.tied() == (spec == "lora"));
      CHECK((values(decoder.model->words().weight) == before) == (spec != "lora:roles=embedding"));
      CHECK((values(decoder.head.output_layer().kernel()) == before) ==
            (spec != "lora:roles=lm_head"));

      // Written without hooks, and read by config.json alone.
      engine::remove_merged_hooks(decoder.model->sites());
      const TempDir dir;
      const engine::ParameterStore merged(*decoder.model);
      engine::save_model(dir.path(), merged);
      Json config = decoder.model->to_json();
      config["tie_word_embeddings"] = decoder.head.tied();
      const auto model = models::make_model(config, "config.json");
      models::VocabularyHead head(*model, models::HeadKind::language_model);
      engine::ParameterStore store(*model);
      store.allocate();
      engine::load_checkpoint(dir.path(), store);
      engine::Graph g(decoder.workspace, {.record = false});
      CHECK(distance(Matrix(head.logits(g, model->encode(g, batch)).mat()), logits) < 2e-5);
    }
}

TEST_CASE("a model without biases is told so, and what it has instead") {
  const std::string message = message_of([] { Decoder decoder("llama", "bitfit"); });
  CHECK(contains(message, "this llama has no biases"));
  CHECK(contains(message, "norm trains its normalisations (672 weights)"));
  CHECK_NOTHROW(Decoder("qwen2", "bitfit"));
  CHECK_NOTHROW(Decoder("llama", "lora:bias=all"));  // as PEFT: there is nothing to train
}

TEST_CASE("default roles are PEFT's for the family") {
  const auto roles = [](const std::string& base, const std::string& strategy) {
    return Decoder(base, strategy).strategy->describe()["roles"];
  };
  CHECK(roles("gpt2", "lora") == Json({"query", "key", "value"}));
  CHECK(roles("llama", "lora") == Json({"query", "value"}));
  CHECK(roles("gpt2", "ia3") == Json({"query", "key", "value", "ffn_out"}));
  CHECK(roles("mistral", "ia3") == Json({"key", "value", "ffn_out"}));
  CHECK(roles("qwen2", "ia3") == Json({"query", "value", "ffn_out"}));
  CHECK(
      Decoder("gpt2", "lora:r=4").store->find("transformer.h.0.attn.c_attn.lora_B.weight")->dims ==
      std::vector<int64_t>{288, 4});
}

// PEFT_ADAPTERS=DIR build/release/bin/test_decoders -ns -tc="adapters for real PEFT"
// python tools/goldens/peft_decoders.py --check DIR
TEST_CASE("adapters for real PEFT" * doctest::skip()) {
  const char* where = std::getenv("PEFT_ADAPTERS");
  REQUIRE(where != nullptr);
  int number = 0;
  for (const std::string base : {"gpt2", "llama", "llama3", "mistral", "qwen2", "qwen3"})
    for (const std::string spec :
         {"norm", "lora", "lora:r=3,alpha=5,roles=query+value",
          "lora:r=2,rslora=true,roles=query+value+ffn_out", "lora:roles=embedding+query",
          "lora:roles=lm_head+value", "lora:dora=true,roles=query+value", "lora:dora=true,bias=all",
          "lora:targets=c_attn+q_proj+down_proj,rank_pattern={\"(q_proj|1.attn.c_attn)\":3}", "ia3",
          "prefix:length=3", "prefix:length=3,flat=true", "prompt:length=4"}) {
      Decoder decoder(base, spec);
      for (engine::Parameter* p : decoder.store->trainable()) {
        engine::Random random(engine::name_key(p->name));
        for (int64_t i = 0; i < p->count(); ++i)
          p->value[i] += static_cast<Scalar>(0.05 * random.normal());
      }
      const fs::path folder = fs::path(where) / (std::to_string(number++) + "-" + base);
      engine::Sites sites = decoder.model->sites();
      peft::save_adapter(folder, *decoder.strategy, *decoder.store, {.task_type = "CAUSAL_LM"},
                         sites);
      Json said = {{"base", base}, {"spec", spec}, {"last_logits", Json::array()}};
      for (const auto& ids : prompts_of(golden_of(base))) {
        const Matrix logits = decoder.logits(packed({ids}));
        const Eigen::Index last = logits.rows() - 1;
        said["last_logits"].push_back(
            std::vector<Scalar>(logits.row(last).data(), logits.row(last).data() + logits.cols()));
      }
      write_file(folder / "ours.json", said.dump());
    }
}
