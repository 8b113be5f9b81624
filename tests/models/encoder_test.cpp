// ModernBERT and DeBERTa against transformers and PEFT (tools/goldens/encoders.py): the last layer,
// the three heads, and ten steps of three strategies.
#include "models/classifier.h"
#include "models/config.h"
#include "tests/models/decoders.h"

using namespace testing;
using engine::Batch;
using engine::Graph;
using engine::Tensor;
using models::HeadKind;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> kEncoders = {"modernbert",    "modernbert-biased", "deberta-v3",
                                            "deberta-plain", "deberta-c2p",       "deberta-p2c"};
const std::vector<double> kLabels = {0, 2, 1, 0};

fs::path encoder_folder(const std::string& name) {
  return fs::absolute(golden("encoders/" + name));
}
Json encoder_golden(const std::string& name) {
  return engine::json_file(encoder_folder(name) / "golden.json");
}
models::ModelConfig encoder_config(const std::string& name) {
  return models::config_from_json(engine::json_file(encoder_folder(name) / "config.json"), name);
}

Batch labelled(const Prompts& prompts, const std::vector<int>& which) {
  Batch batch;
  for (const int i : which) {
    const auto& ids = prompts[static_cast<size_t>(i)];
    batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
    batch.segments.add(static_cast<int32_t>(ids.size()));
    batch.labels.push_back(kLabels[static_cast<size_t>(i)]);
    batch.examples.push_back(i);
  }
  batch.types.assign(batch.ids.size(), 0);
  return batch;
}
Batch all_of(const Prompts& prompts) { return labelled(prompts, {0, 1, 2, 3}); }

// The first and the last row of every sequence.
std::vector<int32_t> ends_of(const Batch& batch) {
  std::vector<int32_t> rows;
  for (int s = 0; s < batch.sequences(); ++s) {
    rows.push_back(batch.segments.begin(s));
    rows.push_back(batch.segments.begin(s) + batch.segments.length(s) - 1);
  }
  return rows;
}
Json flat(const Json& nested) {  // [[first, last], ...] -> rows
  Json rows = Json::array();
  for (const Json& pair : nested)
    for (const Json& row : pair) rows.push_back(row);
  return rows;
}

struct Encoder {
  explicit Encoder(const std::string& name, const std::string& spec = "full",
                   const std::string& adapter = "", HeadKind head = HeadKind::classification)
      : model([&] {
          auto config = encoder_config(name);
          config.head = head;
          return config;
        }()) {
    peft::AdapterFile file;
    if (!adapter.empty()) file = peft::load_adapter(adapter);
    strategy = peft::make_strategy(adapter.empty() ? spec : file.spec);
    sites = model.sites();
    peft::apply(*strategy, sites, model);
    store = std::make_unique<engine::ParameterStore>(model);
    store->allocate();
    engine::load_checkpoint(encoder_folder(name), *store);
    store->initialise(1);
    if (!adapter.empty()) peft::apply_adapter(file, *store, "");
    workspace.pool.set_poison(true);
  }
  Matrix logits(const Batch& batch) {
    Graph g(workspace, {.record = false});
    return model.logits(g, batch).mat();
  }
  engine::Trainer::Loss training_loss() {
    return [this](Graph& g, const Batch& batch) {
      return model.loss(g, model.logits(g, batch), batch);
    };
  }

  engine::Workspace workspace;
  models::SequenceClassifier model;
  engine::Sites sites;
  std::unique_ptr<peft::Strategy> strategy;
  std::unique_ptr<engine::ParameterStore> store;
};

}  // namespace

TEST_CASE("encoders: the last layer and every head are transformers'") {
  for (const auto& name : kEncoders) {
    CAPTURE(name);
    const Json golden = encoder_golden(name);
    const Batch batch = all_of(prompts_of(golden));
    const std::vector<int32_t> ends = ends_of(batch);
    Encoder classifier(name), tagger(name, "full", "", HeadKind::token_classification);
    CHECK(distance(classifier.logits(batch), golden["labels"]) < 1e-5);
    {
      Graph g(classifier.workspace, {.record = false});
      const Matrix hidden = classifier.model.encode_at(g, batch, ends).mat();
      CHECK(distance(hidden, flat(golden["hidden"])) < 1e-5);
      const Matrix whole = classifier.model.encode(g, batch).mat();
      for (size_t i = 0; i < ends.size(); ++i)
        CHECK(distance(Matrix(whole.row(ends[i])),
                       Matrix(hidden.row(static_cast<Eigen::Index>(i)))) < 1e-5);
    }
    {
      Graph g(tagger.workspace, {.record = false});
      CHECK(distance(Matrix(tagger.model.logits_at(g, batch, ends).mat()), flat(golden["tags"])) <
            1e-5);
    }
    const auto model = models::make_model(encoder_config(name).json, name);
    models::VocabularyHead head(*model, HeadKind::masked_lm);
    engine::ParameterStore store(*model);
    store.allocate();
    CHECK(engine::load_checkpoint(encoder_folder(name), store).missing.empty());
    engine::RowSelection last;
    last.choose_last(batch.segments);
    Graph g(classifier.workspace, {.record = false});
    CHECK(distance(Matrix(head.logits(g, model->encode(g, batch, {&last})).mat()),
                   golden["words"]) < 1e-5);
  }
}

TEST_CASE(
    "encoders: ten losses of full, bitfit, lora and prompt are torch's, and PEFT's files open") {
  for (const auto& name : kEncoders) {
    const Json golden = encoder_golden(name);
    const Prompts prompts = prompts_of(golden);
    const std::string lora = (encoder_folder(name) / "lora").string();
    const std::string prompt = (encoder_folder(name) / "prompt").string();
    CHECK(distance(Encoder(name, "", lora).logits(all_of(prompts)), golden["adapter"]) < 1e-5);
    // The classifier reads the prompt's first vector, or the mean of the prompt and the text.
    if (golden.contains("prompted"))
      CHECK(distance(Encoder(name, "", prompt).logits(all_of(prompts)), golden["prompted"]) < 1e-5);
    for (const auto& [strategy, losses] : golden["losses"].items()) {
      CAPTURE(name);
      const auto& this_strategy = strategy;
      CAPTURE(this_strategy);
      // transformers' bitfit of the golden trains the whole classifier as well, as ours does.
      Encoder encoder(name, strategy,
                      strategy == "lora"     ? lora
                      : strategy == "prompt" ? prompt
                                             : "");
      Training training(encoder, 1e-3);
      for (size_t step = 0; step < 10; ++step) {
        CAPTURE(step);
        const double loss =
            training
                .step(labelled(prompts, step % 2 ? std::vector<int>{2, 3} : std::vector<int>{0, 1}))
                .loss;
        CHECK(std::abs(loss - losses[step].get<double>()) < 1e-4);
      }
    }
  }
}

TEST_CASE("encoders: gradients are torch's") {
  for (const auto& name : kEncoders) {
    const Json golden = encoder_golden(name);
    Encoder encoder(name);
    Training training(encoder, 0);  // which leaves the gradients
    training.step(labelled(prompts_of(golden), {0, 1}));
    double largest = 0;
    for (const auto& [parameter, norm] : golden["gradients"].items())
      largest = std::max(largest, norm.get<double>());
    for (const auto& [parameter, norm] : golden["gradients"].items()) {
      CAPTURE(name);
      const auto& this_parameter = parameter;
      CAPTURE(this_parameter);
      const engine::Parameter* p = encoder.store->find(parameter);
      REQUIRE(p != nullptr);
      double sum = 0;
      for (int64_t i = 0; i < p->count(); ++i)
        sum += static_cast<double>(p->grad[i]) * static_cast<double>(p->grad[i]);
      CHECK(std::abs(std::sqrt(sum) - norm.get<double>()) <
            1e-5 * (norm.get<double>() + 0.01 * largest));
    }
  }
}

TEST_CASE("encoders: what shares the batch changes nothing") {
  for (const auto& name : kEncoders) {
    CAPTURE(name);
    const Prompts prompts = prompts_of(encoder_golden(name));
    Encoder encoder(name);
    const Matrix together = encoder.logits(all_of(prompts));
    for (const int i : {0, 1, 2, 3})
      CHECK(distance(encoder.logits(labelled(prompts, {i})), Matrix(together.row(i))) < 1e-5);
  }
}

TEST_CASE(
    "encoders: every strategy starts without a change, merges, and comes back from its file") {
  for (const std::string name : {"modernbert", "deberta-v3", "deberta-c2p"})
    for (const std::string spec :
         {"norm", "lora", "lora:roles=query+value+ffn_in", "lora:dora=true", "lora:roles=embedding",
          "ia3", "adapter:size=4", "prompt:length=3", "top:layers=1", "prefix:length=2"}) {
      CAPTURE(name);
      CAPTURE(spec);
      const Batch batch = all_of(prompts_of(encoder_golden(name)));
      if (spec.starts_with("prefix") && name.starts_with("deberta")) {
        CHECK(contains(message_of([&] { Encoder encoder(name, spec); }), "no place for a prefix"));
        continue;
      }
      Encoder plain(name, "frozen"), encoder(name, spec);
      if (spec[0] != 'p') CHECK(same_bits(plain.logits(batch), encoder.logits(batch)));
      for (engine::Parameter* p : encoder.store->trainable()) {
        engine::Random random(engine::name_key(p->name));
        for (int64_t i = 0; i < p->count(); ++i)
          p->value[i] += static_cast<Scalar>(0.05 * random.normal());
      }
      const Matrix after = encoder.logits(batch);
      CHECK(distance(plain.logits(batch), after) > 1e-3);
      const TempDir dir;
      peft::save_adapter(dir.path(), *encoder.strategy, *encoder.store, {}, encoder.sites);
      CHECK(distance(Encoder(name, "", dir.path().string()).logits(batch), after) < 2e-5);
      if (!encoder.strategy->why_not_mergeable().empty()) continue;
      encoder.strategy->merge(*encoder.store);
      CHECK(distance(encoder.logits(batch), after) < 2e-5);
    }
}

TEST_CASE("encoders: what cannot be computed is refused by its key") {
  const auto refused = [](const std::string& name, const char* key, const Json& value) {
    Json config = engine::json_file(encoder_folder(name) / "config.json");
    config[key] = value;
    return message_of([&] { models::make_model(config, "config.json"); });
  };
  CHECK(contains(refused("deberta-v3", "conv_kernel_size", 3), "conv_kernel_size"));
  CHECK(refused("deberta-v3", "conv_kernel_size", 0).empty());
  CHECK(contains(refused("deberta-v3", "pos_att_type", "p2p"), "pos_att_type"));
  CHECK(contains(refused("deberta-v3", "norm_rel_ebd", "batch_norm"), "norm_rel_ebd"));
  CHECK(contains(refused("deberta-v3", "attention_head_size", 4), "attention_head_size"));
  CHECK(contains(refused("deberta-v3", "talking_heads", true), "talking_heads"));
  CHECK(contains(refused("modernbert", "classifier_pooling", "max"), "classifier_pooling"));
  CHECK(contains(refused("modernbert", "layer_types", Json::array({"x", "x", "x", "x"})),
                 "layer_types"));
  CHECK(contains(refused("modernbert", "rope_parameters",
                         {{"full_attention", {{"rope_type", "longrope"}, {"rope_theta", 1e4}}}}),
                 "longrope"));
  CHECK(contains(refused("modernbert", "logit_scale", 2.0), "logit_scale"));

  // transformers 4 says the same in other words, and the published config.json has more of them.
  Json old = engine::json_file(encoder_folder("modernbert") / "config.json");
  old.erase("rope_parameters");
  old.erase("layer_types");
  old["global_rope_theta"] = 160000.0;
  old["local_rope_theta"] = 10000.0;
  old["global_attn_every_n_layers"] = 3;
  old["position_embedding_type"] = "absolute";
  old["layer_norm_eps"] = 1e-5;
  old["reference_compile"] = false;
  const Batch batch = all_of(prompts_of(encoder_golden("modernbert")));
  const auto model = models::make_model(old, "config.json");
  models::Classifier head(*model, HeadKind::classification, 3);
  engine::ParameterStore store(*model);
  store.allocate();
  engine::load_checkpoint(encoder_folder("modernbert"), store);
  engine::RowSelection first;
  first.choose_first(batch.segments);
  engine::Workspace workspace;
  Graph g(workspace, {.record = false});
  CHECK(distance(Matrix(head(g, model->encode(g, batch, {&first})).mat()),
                 encoder_golden("modernbert")["labels"]) < 1e-5);
}
