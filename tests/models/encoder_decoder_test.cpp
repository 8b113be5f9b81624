// BART, mBART and T5 beside transformers and PEFT (tools/goldens/encoder_decoders.py): likelihoods
// of every target token, ids that are written, ten losses.
#include "engine/io/safetensors.h"
#include "models/generate.h"
#include "tests/models/decoders.h"

using namespace testing;

namespace {

const std::vector<std::string> kEncoderDecoders = {"bart", "bart-scaled", "mbart", "t5",
                                                   "t5-gated"};

std::string named(const std::string& name) { return "encoder_decoders/" + name; }

struct Pairs {
  explicit Pairs(const std::string& name) : golden(golden_of(named(name))) {}
  // Packed: sources, what the decoder reads, what it predicts.
  engine::Batch batch(const std::vector<size_t>& which) const {
    engine::Batch batch;
    const auto add = [](engine::Tokens& to, const Json& ids) {
      for (const Json& id : ids) to.ids.push_back(id.get<int32_t>());
      to.segments.add(static_cast<int32_t>(ids.size()));
    };
    for (const size_t i : which) {
      add(batch, golden["sources"][i]);
      add(batch.output, golden["decoder_inputs"][i]);
      for (const Json& id : golden["targets"][i]) batch.targets.push_back(id.get<int32_t>());
    }
    return batch;
  }
  engine::Batch all() const { return batch({0, 1, 2, 3}); }

  Json golden;
};

// Values of ours beside `wanted`'s: every target token's loss, the logits of the last.
void check_pairs(Decoder& model, const Pairs& pairs, const Json& wanted) {
  const engine::Batch batch = pairs.all();
  const std::vector<double> nll = model.nll(batch);
  const Matrix logits = model.logits(batch);
  for (int p = 0; p < 4; ++p) {
    CAPTURE(p);
    const auto at = static_cast<size_t>(p);
    const int32_t begin = batch.output.segments.begin(p), length = batch.output.segments.length(p);
    for (int32_t i = 0; i < length; ++i)
      CHECK(std::abs(nll[static_cast<size_t>(begin + i)] -
                     wanted["nll"][at][static_cast<size_t>(i)].get<double>()) < 2e-5);
    const auto last = wanted["last_logits"][at].get<std::vector<double>>();
    double worst = 0;
    for (size_t c = 0; c < last.size(); ++c)
      worst = std::max(
          worst,
          std::abs(static_cast<double>(logits(begin + length - 1, static_cast<Eigen::Index>(c))) -
                   last[c]));
    CHECK(worst < 2e-5);
  }
}

void check_ten_losses(Decoder& model, const Pairs& pairs, const Json& wanted) {
  const engine::Batch first = pairs.batch({0, 1}), second = pairs.batch({2, 3});
  Training training(model, 1e-3);
  for (size_t step = 0; step < 10; ++step) {
    CAPTURE(step);
    const double loss = training.step(step % 2 == 0 ? first : second).loss;
    CHECK(std::abs(loss - wanted[step].get<double>()) < 1e-4);
  }
}

// transformers' names of settings.
models::GenerateOptions options_of(const Json& j) {
  models::GenerateOptions o;
  const auto ids = [&](const char* key) {
    if (!j.contains(key) || j[key].is_null()) return std::vector<int32_t>();
    return j[key].is_array() ? j[key].get<std::vector<int32_t>>()
                             : std::vector<int32_t>{j[key].get<int32_t>()};
  };
  o.max_new_tokens = j["max_new_tokens"];
  o.min_new_tokens = j.value("min_new_tokens", 0);
  o.min_length = j.value("min_length", 0);
  o.end = ids("eos_token_id");
  o.beams = j.value("num_beams", 1);
  o.length_penalty = j.value("length_penalty", 1.0);
  o.no_repeat_ngram = j.value("no_repeat_ngram_size", 0);
  o.early_stopping = j.value("early_stopping", false);
  o.suppressed = ids("suppress_tokens");
  if (const auto first = ids("forced_bos_token_id"); !first.empty()) o.forced_first = first[0];
  o.forced_last = ids("forced_eos_token_id");
  return o;
}

}  // namespace

TEST_CASE("encoder-decoders: every target token is as likely as transformers says") {
  for (const auto& name : kEncoderDecoders) {
    CAPTURE(name);
    const Pairs pairs(name);
    Decoder model(named(name), "frozen");
    check_pairs(model, pairs, pairs.golden);
  }
}

TEST_CASE("encoder-decoders: greedy search and beams write transformers' ids") {
  for (const auto& name : kEncoderDecoders) {
    CAPTURE(name);
    const Pairs pairs(name);
    Decoder model(named(name), "frozen");
    models::Generator generator(*model.model, model.head, model.workspace);
    for (const Json& way : pairs.golden["generate"]) {
      const std::string options = way["options"].dump();
      CAPTURE(options);
      const auto found =
          generator.run(pairs.golden["sources"].get<Prompts>(), options_of(way["options"]));
      for (size_t i = 0; i < found.size(); ++i) {
        CAPTURE(i);
        CHECK(found[i].ids == way["ids"][i].get<std::vector<int32_t>>());
        if (way.contains("scores"))
          CHECK(std::abs(found[i].score - way["scores"][i].get<double>()) < 1e-4);
      }
    }
  }
}

TEST_CASE("encoder-decoders: all weights learn as with transformers") {
  for (const auto& name : kEncoderDecoders) {
    CAPTURE(name);
    const Pairs pairs(name);
    Decoder model(named(name), "full");
    check_ten_losses(model, pairs, pairs.golden["losses"]["full"]);
  }
}

TEST_CASE("encoder-decoders: files of PEFT give its values, and train as there") {
  for (const auto& name : kEncoderDecoders)
    for (const std::string kind : {"lora", "ia3", "prefix"}) {
      CAPTURE(name);
      CAPTURE(kind);
      const Pairs pairs(name);
      if (!pairs.golden["losses"].contains(kind)) continue;
      Decoder model(named(name), "", kind);
      check_pairs(model, pairs, pairs.golden["adapters"][kind]);
      check_ten_losses(model, pairs, pairs.golden["losses"][kind]);
    }
}

TEST_CASE("encoder-decoders: the paper's prefix at three places") {
  for (const std::string name : {"bart", "bart-scaled", "mbart"})
    for (const std::string kind : {"three", "three_encoder"}) {
      CAPTURE(name);
      CAPTURE(kind);
      const Pairs pairs(name);
      Decoder model(named(name), kind == "three_encoder"
                                     ? "prefix:length=5,flat=true,stacks=encoder"
                                     : "prefix:length=5,flat=true");
      const auto file =
          engine::Safetensors::open(folder_of(named(name)) / "three_prefixes.safetensors");
      engine::Parameter* table = model.store->find("prompt_embeddings");
      REQUIRE(table != nullptr);
      Scalar* to = model.store->own(*table);
      int64_t slot = 0;
      const auto put = [&](const std::string& place, int64_t layer) {
        const engine::SafeTensor& from = file.tensors().at(place + ".table");
        Matrix values(from.dims[0], from.dims[1]);
        from.read(values.data());
        const int64_t width = 2 * model.model->facts().hidden;
        engine::MatrixMap(to, table->shape.rows, table->shape.cols)
            .middleCols(slot++ * width, width) = values.middleCols(layer * width, width);
      };
      for (int i = 0; i < model.model->facts().layers; ++i) put("encoder", i);
      for (int i = 0; kind != "three_encoder" && i < model.model->facts().decoder_layers; ++i) {
        put("decoder", i);
        put("cross", i);
      }
      check_pairs(model, pairs, pairs.golden["adapters"][kind]);
      check_ten_losses(model, pairs, pairs.golden["losses"][kind]);
    }
}

TEST_CASE("t5: versions of the config, and what it has not") {
  const Json config = engine::json_file(folder_of(named("t5-gated")) / "config.json");
  const auto tied = [&](const Json& changed) {
    Json all = config;
    all.update(changed);
    return models::make_model(all, "t5")->names(models::HeadKind::language_model).tied;
  };
  CHECK(!tied(Json::object()));
  CHECK(tied({{"tie_word_embeddings", true}}));
  CHECK(tied({{"tie_word_embeddings", true}, {"scale_decoder_outputs", false}}));
  CHECK(contains(message_of([&] { tied({{"feed_forward_proj", "gated-mish"}}); }), "mish"));
  CHECK(contains(message_of([&] {
                   tied({{"relative_attention_max_distance", 4}});
                 }),
                 "leave no bucket for far keys"));
  CHECK(
      contains(message_of([&] { Decoder(named("t5-gated"), "bitfit"); }), "this t5 has no biases"));
  CHECK(contains(
      message_of([&] { models::make_model(config, "t5")->names(models::HeadKind::masked_lm); }),
      "masked"));
}

TEST_CASE(
    "t5: of a config of transformers 5 the file says whether the head is the table of words") {
  TempDir temp;
  const auto from = folder_of(named("t5-gated"));
  Json config = engine::json_file(from / "config.json");
  config["tie_word_embeddings"] = true;
  config["scale_decoder_outputs"] = false;
  write_file(temp / "config.json", config.dump());
  std::filesystem::copy_file(from / "model.safetensors", temp / "model.safetensors");
  const auto tied = [&] {
    models::ModelSource source = models::open_model(temp.path().string());
    source.config.head = models::HeadKind::language_model;
    return models::SequenceClassifier(source.config).vocabulary().tied();
  };
  CHECK(!tied());
  std::filesystem::remove(temp / "model.safetensors");
  std::filesystem::copy_file(folder_of(named("t5")) / "model.safetensors",
                             temp / "model.safetensors");
  CHECK(tied());
}

TEST_CASE("bart: a classifier reads the sequence again, and its end") {
  for (const std::string name : {"bart", "bart-scaled", "mbart"}) {
    CAPTURE(name);
    const Json golden = golden_of(named(name))["classifier"];
    models::ModelSource source = models::open_model(folder_of(named(name)).string());
    models::set_labels(source.config, 3, {});
    models::SequenceClassifier model(source.config);
    engine::ParameterStore store(model);
    store.allocate();
    models::load_weights(source, store, 1, false);
    for (engine::Parameter* p : store.all()) {
      if (!p->name.starts_with("classification_head.")) continue;
      Scalar* values = store.own(*p);
      for (int64_t i = 0; i < p->count(); ++i)
        values[i] = static_cast<Scalar>(std::sin(static_cast<float>(i)) / 10);
    }
    engine::Batch batch;
    for (const Json& ids : golden["sequences"]) {
      for (const Json& id : ids) batch.ids.push_back(id.get<int32_t>());
      batch.segments.add(static_cast<int32_t>(ids.size()));
    }
    engine::Workspace workspace;
    engine::Graph g(workspace, {.record = false});
    CHECK(distance(model.logits(g, batch).mat(), golden["logits"]) < 1e-5);
  }
}
