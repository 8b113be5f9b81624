// Sequences to sequences: rows of a source and a target, from the file to what is written.
#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "apps/merge/merge.h"
#include "data/language/encode_language.h"
#include "data/language/rows.h"
#include "peft/adapter_file.h"
#include "run/finetune.h"
#include "run/generation.h"
#include "run/predictor.h"
#include "tests/run/stop_after.h"
#include "tests/support/errors.h"
#include "tests/support/paths.h"

using namespace testing;

namespace {

namespace fs = std::filesystem;
using engine::Json;

// The target is the first two words of the source.
std::string rows(int count, int from = 0) {
  const std::vector<std::string> words = {"sea", "ship", "north", "wind", "gull", "rope", "salt"};
  std::string text;
  for (int i = from; i < from + count; ++i) {
    std::vector<std::string> row;
    for (int w = 0; w < 3 + i % 4; ++w)
      row.push_back(words[static_cast<size_t>(i * (w + 2) + w * w) % words.size()]);
    std::string all;
    for (const std::string& word : row) all += (all.empty() ? "" : " ") + word;
    text += Json{{"document", all}, {"summary", row[0] + " " + row[1]}, {"id", i}}.dump() + "\n";
  }
  return text;
}

struct Folder {
  Folder() {
    write_file(temp / "train.jsonl", rows(64));
    write_file(temp / "dev.jsonl", rows(12, 100));
  }
  run::FinetuneSettings settings(const std::string& out, const std::string& type = "bart") const {
    run::FinetuneSettings s;
    s.task = "seq2seq";
    s.train = (temp / "train.jsonl").string();
    s.dev = (temp / "dev.jsonl").string();
    s.model = "random:type=" + type + ",layers=2,hidden=32,heads=2,ffn=48,positions=48";
    s.tokenizer = (source_dir() / "data/pretrained/peft-2x256").string();
    s.strategy = "lora:r=4";
    s.epochs = 2;
    s.batch_size = 16;
    s.lr = 5e-3;
    s.threads = 1;
    s.max_target_length = 8;
    s.generation = {{"max_new_tokens", 6}};
    s.out = (temp / out).string();
    return s;
  }
  Json train(const run::FinetuneSettings& s) const {
    run::Watcher watcher;
    return run::finetune(s, watcher).record;
  }
  TempDir temp;
};

data::EncodedSplit encoded(const data::Tokenizer& tokenizer, const data::Example& example, int most,
                           const data::TextRules& rules) {
  return data::encode_sources(tokenizer, std::span(&example, 1), most, rules);
}

std::vector<int32_t> list(std::span<const int32_t> ids) { return {ids.begin(), ids.end()}; }

}  // namespace

TEST_CASE("seq2seq: the decoder reads the target one place later, behind the start id") {
  const auto tokenizer = data::load_tokenizer(source_dir() / "data/pretrained/peft-2x256");
  const data::Example example{.a = "the north wind", .b = " a ship  "};
  data::TextRules rules{.end = 3, .encoder = true, .start = 1};
  const auto split = encoded(*tokenizer, example, 0, rules);
  const std::vector<int32_t> target = tokenizer->encode("a ship").ids;
  CHECK(list(split.ids(0)) == tokenizer->encode("the north wind").ids);
  CHECK(list(split.targets(0)) == target);
  std::vector<int32_t> output = {1};
  output.insert(output.end(), target.begin(), target.end() - 1);
  CHECK(list(split.output(0)) == output);
  CHECK(split.terms() == static_cast<int64_t>(target.size()));
  CHECK(split.tokens() == split.length(0) + static_cast<int64_t>(target.size()));

  // An end token that stands in the target already, as before mBART's language, is not put again.
  rules.end = target.front();
  CHECK(list(encoded(*tokenizer, example, 0, rules).targets(0)) == target);
  rules.end = 3;
  CHECK(contains(message_of([&] { encoded(*tokenizer, {.a = "a", .b = "  "}, 0, rules); }),
                 "target is blank"));

  // mBART: the target's last id (a language there) comes first, and no end is added.
  rules.start = -1;
  CHECK(encoded(*tokenizer, example, 0, rules).output(0)[0] == target.back());

  // Each side is cut to its own length; what closes a target stays.
  rules.start = 1;
  rules.max_target_length = 3;
  const auto cut = encoded(*tokenizer, example, 4, rules);
  CHECK(cut.length(0) == 4);
  CHECK(cut.truncated() == 1);
  CHECK(cut.outputs_cut() == (target.size() > 3 ? 1 : 0));
  CHECK(cut.targets(0).size() == std::min<size_t>(3, target.size()));
  CHECK(cut.targets(0).back() == target.back());

  rules.source_prefix = "say: ";
  CHECK(list(encoded(*tokenizer, example, 0, rules).ids(0)) ==
        tokenizer->encode("say: the north wind").ids);
}

TEST_CASE("seq2seq: columns are named or guessed, and what is missing is said with its line") {
  Folder f;
  const auto read = [&](const std::string& text, const data::PairColumns& columns) {
    write_file(f.temp / "x.jsonl", text);
    return data::read_language_file("x", f.temp / "x.jsonl", "", columns).examples;
  };
  const std::string cnn = R"({"article": "a b", "highlights": "b", "id": "1"})";
  CHECK(read(cnn, {.pairs = true}).at(0).a == "a b");
  CHECK(read(cnn, {.pairs = true}).at(0).b == "b");
  CHECK(read(R"({"x": "1 2", "y": "2"})", {true, "x", "y"}).at(0).b == "2");
  CHECK(read(R"({"document": "1 2", "y": "2"})", {true, "", "y"}).at(0).a == "1 2");
  const auto says = [&](const std::string& text, const data::PairColumns& columns) {
    return message_of([&] { read(text, columns); });
  };
  CHECK(contains(says(cnn + "\n" + R"({"article": "a"})", {.pairs = true}), "x.jsonl:2"));
  CHECK(contains(says(cnn, {true, "text", ""}), "--source and --target"));
  CHECK(contains(says(R"({"source": "", "target": "b"})", {.pairs = true}), "source') is empty"));
  CHECK(contains(says(R"({"source": "a", "target": ""})", {.pairs = true}), "target') is empty"));
  CHECK(contains(says(R"({"source": "a", "target": 3})", {.pairs = true}), "text is expected"));
  write_file(f.temp / "x.txt", "words\n");
  CHECK(contains(
      message_of([&] { data::read_language_file("x", f.temp / "x.txt", "", {.pairs = true}); }),
      "plain text"));
}

TEST_CASE("seq2seq: a run learns, is scored by ROUGE, and its files say all that is needed") {
  Folder f;
  for (const std::string type : {"bart", "mbart"}) {
    CAPTURE(type);
    run::FinetuneSettings s = f.settings("run-" + type, type);
    s.strategy = "full";
    s.epochs = 40;
    const Json record = f.train(s);
    const Json& scores = record.at("text_scores");
    CHECK(scores.at("sources") == 12);
    CHECK(scores.at("sets").at("all").at("scores").at("ROUGE-1").at("value").get<double>() > 0.5);
    const double loss = record.at("metrics").at("dev").at("loss");
    CHECK(loss < 1);
    CHECK(fs::exists(fs::path(s.out) / "dev_texts.txt"));

    run::PredictRequest request;
    request.run = s.out;
    run::Predictor predictor(request);
    CHECK(predictor.info().key == "seq2seq");
    const auto split = predictor.encode(
        data::read_language_file("d", s.dev, "", data::pair_columns(predictor.info())).examples);
    CHECK(std::abs(predictor.predict(split).loss - loss) < 1e-5);

    run::LanguageModel lm(run::ModelRequest{.run = s.out}, "generate");
    const auto ids = run::prompt_ids(lm, "north wind salt gull");
    const auto written =
        run::write(lm, {ids}, run::writing(lm, {{"max_new_tokens", 6}, {"num_beams", 2}}));
    CHECK(written.at(0).ended);
    CHECK(!written.at(0).text.empty());
  }
}

TEST_CASE("seq2seq: a run that was stopped goes on bit for bit") {
  Folder f;
  for (const std::string spec : {"lora:r=4,dropout=0.1", "prefix:length=3", "full"}) {
    CAPTURE(spec);
    run::FinetuneSettings whole = f.settings("whole");
    whole.strategy = spec;
    run::FinetuneSettings parts = whole;
    parts.out = (f.temp / "parts").string();
    f.train(whole);
    StopAfter stop(3);
    CHECK(!run::finetune(parts, stop).finished);
    parts.resume = true;
    f.train(parts);
    CHECK(read_file(fs::path(whole.out) / "adapter/adapter_model.safetensors") ==
          read_file(fs::path(parts.out) / "adapter/adapter_model.safetensors"));
    CHECK(read_file(fs::path(whole.out) / "dev_texts.txt") ==
          read_file(fs::path(parts.out) / "dev_texts.txt"));
    fs::remove_all(whole.out);
    fs::remove_all(parts.out);
  }
}

TEST_CASE("seq2seq: a merged model writes what the adapter wrote") {
  Folder f;
  const run::FinetuneSettings s = f.settings("lora");
  f.train(s);
  CHECK(engine::json_file(fs::path(s.out) / "adapter/adapter_config.json").at("task_type") ==
        "SEQ_2_SEQ_LM");
  std::ostringstream log;
  apps::MergeOptions merge;
  merge.adapter = s.out;
  merge.model = s.model;
  merge.tokenizer = s.tokenizer;
  merge.out = f.temp / "merged";
  apps::merge_adapter(merge, log);
  const Json config = engine::json_file(f.temp / "merged/config.json");
  CHECK(config.at("architectures").at(0) == "BartForConditionalGeneration");
  const auto texts = [&](const run::ModelRequest& request) {
    run::LanguageModel lm(request, "generate");
    std::vector<std::vector<int32_t>> prompts;
    for (const char* text : {"north wind salt gull", "rope"})
      prompts.push_back(run::prompt_ids(lm, text));
    std::vector<std::vector<int32_t>> ids;
    for (const run::Written& w : run::write(lm, prompts, run::writing(lm, {{"max_new_tokens", 5}})))
      ids.push_back(w.ids);
    return ids;
  };
  CHECK(texts({.run = s.out}) == texts({.model = merge.out.string()}));
}

TEST_CASE("seq2seq: adapters come back, a prefix at three places and PEFT's among them") {
  Folder f;
  for (const std::string spec :
       {"prefix:length=3", "prefix:length=3,flat=true", "prefix:length=3,flat=true,form=peft",
        "prefix:length=2,flat=true,stacks=cross", "prompt:length=3", "ia3", "bitfit",
        "adapter:kind=houlsby,size=4,stacks=decoder+cross", "lora:stacks=encoder"}) {
    CAPTURE(spec);
    run::FinetuneSettings s = f.settings("run");
    s.strategy = spec;
    s.epochs = 1;
    const double loss = f.train(s).at("metrics").at("dev").at("loss");
    run::PredictRequest request;
    request.adapter = (fs::path(s.out) / "adapter").string();
    request.model = s.model;
    request.tokenizer = s.tokenizer;
    run::Predictor predictor(request);
    const auto split =
        predictor.encode(data::read_language_file("d", s.dev, "", {.pairs = true}).examples);
    CHECK(std::abs(predictor.predict(split).loss - loss) < 1e-5);
    const Json config = engine::json_file(fs::path(s.out) / "adapter/adapter_config.json");
    CHECK(config.contains("peft_type") ==
          (spec != "bitfit" && spec.find("adapter") != 0 &&
           (spec.find("prefix") != 0 || spec.find("form=peft") != std::string::npos)));
    fs::remove_all(s.out);
  }
}

TEST_CASE("seq2seq: what does not fit is said before anything is trained") {
  Folder f;
  const auto says = [&](const run::FinetuneSettings& s) { return message_of([&] { f.train(s); }); };
  run::FinetuneSettings s = f.settings("x");
  s.task = "lm";
  write_file(f.temp / "train.jsonl", "{\"text\": \"words\"}\n");
  write_file(f.temp / "dev.jsonl", "{\"text\": \"words\"}\n");
  CHECK(contains(says(s), "--task seq2seq"));
  s = f.settings("x");
  CHECK(contains(says(s), "no source and target"));
  write_file(f.temp / "train.jsonl", rows(8));
  write_file(f.temp / "dev.jsonl", rows(8));
  s.max_target_length = 49;
  CHECK(contains(says(s), "48 positions of the decoder"));
  s = f.settings("x");
  s.max_length = 49;
  CHECK(contains(says(s), "48 positions"));
  s = f.settings("x", "bert");
  s.max_target_length = 0;
  CHECK(contains(says(s), "reads both ways"));
  s = f.settings("x", "gpt2");
  CHECK(contains(says(s), "has none"));
  s.max_target_length = 0;
  s.max_steps = 1;
  CHECK(f.train(s).at("status") == "finished");  // a causal model reads the source as a prompt
}
