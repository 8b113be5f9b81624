// What users of other tools report of language models again and again, and cannot happen here.
#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "apps/merge/merge.h"
#include "data/language/rows.h"
#include "engine/io/checkpoint.h"
#include "run/finetune.h"
#include "run/predictor.h"
#include "tests/run/stop_after.h"
#include "tests/support/errors.h"
#include "tests/support/paths.h"

namespace {

namespace fs = std::filesystem;
using engine::Json;

struct Traps {
  testing::TempDir temp;
  Json golden = engine::json_file(testing::golden("language_model/golden.json"));
  int runs = 0;

  fs::path write(const std::string& kind) {
    std::string text;
    for (const Json& row : golden["rows"][kind]) text += row.dump() + "\n";
    testing::write_file(temp / (kind + ".jsonl"), text);
    return temp / (kind + ".jsonl");
  }
  run::FinetuneSettings settings(const std::string& kind, const std::string& strategy) {
    run::FinetuneSettings s;
    s.task = "lm";
    s.train = write(kind).string();
    s.model = testing::golden("decoders/llama").string();
    s.tokenizer = testing::golden("language_model").string();
    s.strategy = strategy;
    s.max_steps = 3;
    s.shuffle = false;
    s.batch_size = 4;
    s.lr = 1e-3;
    s.log_every = 1;
    s.threads = 1;
    s.out = (temp / ("run" + std::to_string(runs++))).string();
    return s;
  }
  Json train(const run::FinetuneSettings& s) {
    run::Watcher watcher;
    return run::finetune(s, watcher).record;
  }
  Json evaluate(const run::PredictRequest& request, const fs::path& file) {
    run::Predictor predictor(request);
    const auto encoded = predictor.encode(data::read_language_file("data", file).examples);
    return predictor.task().score(predictor.predict(encoded), encoded);
  }
  run::PredictRequest base(const std::string& model) {
    run::PredictRequest request;
    request.model = testing::golden("decoders/" + model).string();
    request.tokenizer = testing::golden("language_model").string();
    request.task = "lm";
    return request;
  }
};

bool tells(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("language models: rows are scored by themselves, as transformers scores them") {
  Traps t;
  for (const std::string model : {"gpt2", "llama"})
    for (const std::string kind : {"text", "completion", "chat"}) {
      CAPTURE(model);
      CAPTURE(kind);
      const Json wanted = t.golden["evaluate"][model][kind];
      const Json mine = t.evaluate(t.base(model), t.write(kind));
      CHECK(mine["tokens"] == wanted["tokens"]);
      CHECK(std::abs(mine["loss"].get<double>() - wanted["loss"].get<double>()) < 2e-5);
      CHECK(std::abs(std::log(mine["perplexity"].get<double>()) - mine["loss"].get<double>()) <
            1e-12);
    }
  const Json text = t.evaluate(t.base("llama"), t.write("text"));
  size_t bytes = 0;
  for (const Json& row : t.golden["rows"]["text"]) bytes += row["text"].get<std::string>().size();
  CHECK(text["bytes"] == bytes);
  CHECK(std::abs(text["bits_per_byte"].get<double>() -
                 text["loss"].get<double>() * text["tokens"].get<double>() / std::log(2.0) /
                     static_cast<double>(bytes)) < 1e-12);
}

TEST_CASE("language models: the loss is a mean over terms, however a batch is cut") {
  Traps t;
  auto s = t.settings("completion", "lora:r=4");
  s.dropout = 0;
  s.max_steps = 2;
  const auto losses = [&](const run::FinetuneSettings& settings) {
    t.train(settings);
    std::istringstream in(testing::read_file(fs::path(settings.out) / "metrics.jsonl"));
    std::vector<double> values;
    for (std::string line; std::getline(in, line);)
      if (const Json json = Json::parse(line); json.contains("loss"))
        values.push_back(json["loss"]);
    return values;
  };
  s.batch_size = 4;
  s.piece_tokens = 0;
  const auto whole = losses(s);
  s.piece_tokens = 20;
  s.out += "-pieces";
  const auto pieces = losses(s);
  s.batch_size = 1;
  s.grad_accumulation = 4;
  s.out += "-accumulated";
  const auto accumulated = losses(s);
  REQUIRE(whole.size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    CHECK(std::abs(pieces[i] - whole[i]) < 1e-5);
    if (i == 0) CHECK(std::abs(accumulated[i] - whole[i]) < 1e-5);
  }
}

TEST_CASE("language models: nothing is held out, a dev file is scored as evaluate scores it") {
  Traps t;
  auto s = t.settings("text", "lora:r=4");
  Json record = t.train(s);
  CHECK(record["data"]["train_examples"] == t.golden["rows"]["text"].size());
  CHECK(record["metrics"].empty());
  s = t.settings("text", "lora:r=4");
  s.dev = t.write("completion").string();
  record = t.train(s);
  run::PredictRequest request;
  request.run = s.out;
  const Json mine = t.evaluate(request, s.dev);
  CHECK(mine["loss"] == record["metrics"]["dev"]["loss"]);
  const Json config = engine::json_file(fs::path(s.out) / "adapter" / "adapter_config.json");
  CHECK(config["task_type"] == "CAUSAL_LM");
}

TEST_CASE(
    "language models: a merged model answers as its adapter did, and says how far off it is") {
  Traps t;
  auto s = t.settings("text", "lora:r=4");
  s.lr = 1e-2;
  s.max_steps = 10;
  t.train(s);
  run::PredictRequest request;
  request.run = s.out;
  const fs::path data = t.write("chat");
  const double loss = t.evaluate(request, data)["loss"];
  for (const std::string dtype : {"F32", "BF16"}) {
    std::ostringstream log;
    apps::merge_adapter({.adapter = s.out, .out = t.temp / dtype, .dtype = dtype}, log);
    CHECK(tells(log.str(), "the largest change of a logit on a probe is "));
    run::PredictRequest merged;
    merged.model = (t.temp / dtype).string();
    const double again = t.evaluate(merged, data)["loss"];
    CHECK(std::abs(again - loss) < (dtype == "F32" ? 1e-5 : 0.1));
    if (dtype == "F32") {
      // An ordinary folder of a causal model, its words still tied.
      const Json config = engine::json_file(t.temp / dtype / "config.json");
      CHECK(config["architectures"][0] == "LlamaForCausalLM");
      CHECK_FALSE(config.contains("id2label"));
      const engine::Checkpoint weights(t.temp / dtype);
      CHECK(weights.find("lm_head.weight") == nullptr);
      CHECK(weights.find("model.embed_tokens.weight") != nullptr);
    }
  }
}

TEST_CASE(
    "language models: an adapter on one of two tied matrices survives merging, which unties") {
  Traps t;
  const fs::path data = t.write("text");
  const engine::Checkpoint base(testing::golden("decoders/llama"));
  const auto bytes = [](const engine::Checkpoint& weights, const std::string& name) {
    const auto* tensor = weights.find(name);
    REQUIRE(tensor != nullptr);
    std::vector<float> values(static_cast<size_t>(tensor->count()));
    tensor->read(values.data());
    return values;
  };
  const std::string words = "model.embed_tokens.weight", head = "lm_head.weight";
  for (const std::string role : {"embedding", "lm_head"}) {
    CAPTURE(role);
    auto s = t.settings("text", "lora:r=4,roles=" + role);
    s.lr = 1e-2;
    s.max_steps = 10;
    t.train(s);
    run::PredictRequest request;
    request.run = s.out;
    const double loss = t.evaluate(request, data)["loss"];
    std::ostringstream log;
    apps::merge_adapter({.adapter = s.out, .out = t.temp / role, .dtype = "F32"}, log);
    CHECK(engine::json_file(t.temp / role / "config.json")["tie_word_embeddings"] == false);
    const engine::Checkpoint merged(t.temp / role);
    CHECK((bytes(merged, words) == bytes(base, words)) == (role == "lm_head"));
    CHECK((bytes(merged, head) == bytes(base, words)) == (role == "embedding"));
    run::PredictRequest again;
    again.model = (t.temp / role).string();
    CHECK(std::abs(t.evaluate(again, data)["loss"].get<double>() - loss) < 1e-5);
  }
}

TEST_CASE("language models: a run that was stopped goes on bit for bit") {
  Traps t;
  auto s = t.settings("completion", "lora:r=4");
  s.shuffle = true;
  s.max_steps = 8;
  t.train(s);
  testing::StopAfter early(3);
  auto part = s;
  part.out += "-part";
  CHECK_FALSE(run::finetune(part, early).finished);
  part.resume = true;
  t.train(part);
  const auto adapter = [](const run::FinetuneSettings& settings) {
    return testing::read_file(fs::path(settings.out) / "adapter" / "adapter_model.safetensors");
  };
  CHECK(adapter(s) == adapter(part));
}

TEST_CASE("language models: what cannot be is said") {
  Traps t;
  const auto refused = [&](run::FinetuneSettings s, const std::string& part) {
    const std::string said = testing::message_of([&] { t.train(s); });
    CHECK_MESSAGE(tells(said, part), said);
  };
  auto s = t.settings("text", "lora:r=4");
  s.max_length = 65;
  refused(s, "64 positions");
  s = t.settings("text", "prefix:length=5");  // a prefix takes positions
  s.max_length = 60;
  refused(s, "59 or less");
  s = t.settings("text", "full");
  s.chat_format = "vicuna";
  refused(s, "there is no 'vicuna'");
  s = t.settings("text", "full");
  s.loss = "some";
  refused(s, "completion or all");
  s = t.settings("text", "full");
  s.task.clear();
  s.loss = "all";
  refused(s, "--task lm");
  s = t.settings("text", "full");
  s.train.clear();
  refused(s, "nothing to train on");
  s = t.settings("text", "full");
  s.model = "random:type=bert,layers=1,hidden=32,heads=2,vocab=101";
  refused(s, "no language model");
  // A tokenizer with more words than the model's table has rows.
  s = t.settings("text", "full");
  s.tokenizer = (testing::source_dir() / "data/pretrained/peft-2x256").string();
  refused(s, "the model's table 101");
  // A form of chats that is not known.
  const fs::path folder = t.temp / "tokenizer";
  fs::copy(testing::golden("language_model"), folder);
  testing::write_file(folder / "chat_template.jinja", "{{ messages[0].content }}");
  s = t.settings("chat", "full");
  s.tokenizer = folder.string();
  refused(s, "--chat-format");
  s.chat_format = "zephyr";
  CHECK_NOTHROW(t.train(s));
  run::PredictRequest request = t.base("llama");
  request.max_length = 65;
  CHECK(tells(testing::message_of([&] { run::Predictor p(request); }), "64 positions"));
  request = t.base("llama");
  request.adapter = testing::golden("decoders/gpt2/lora").string();
  CHECK_FALSE(testing::message_of([&] { run::Predictor p(request); }).empty());
}

TEST_CASE("language models: tables with their texts are learned as completions") {
  Traps t;
  auto s = t.settings("text", "lora:r=4");
  const fs::path folder = t.temp / "e2e";
  fs::create_directory(folder);
  testing::write_file(
      folder / "trainset.csv",
      "mr,ref\n\"name[a], near[sea]\",a is near the sea.\n\"name[boat]\",a boat.\n");
  fs::copy(folder / "trainset.csv", folder / "devset.csv");
  s.task = "e2e";
  s.train.clear();
  s.data = folder.string();
  s.batch_size = 1;
  const Json record = t.train(s);
  CHECK(record["task"] == "e2e");
  CHECK(record["task_info"]["text"]["separator"] == true);
  run::PredictRequest request;
  request.run = s.out;
  run::Predictor predictor(request);
  // name : a | near : sea </s> a is near the sea. </s>, what the end token stands behind is
  // learned.
  const data::EncodedSplit split = predictor.encode(
      std::vector<data::Example>{{.a = "name : a | near : sea", .b = " a is near the sea."}});
  const auto ids = split.ids(0);
  const auto separator = std::find(ids.begin(), ids.end(), 2);
  REQUIRE(separator != ids.end());
  CHECK(split.terms() == ids.end() - separator - 1);
  CHECK(ids.back() == 2);
  s.linearization = "both";
  CHECK(tells(testing::message_of([&] { t.train(s); }), "prefix-tuning"));
}
