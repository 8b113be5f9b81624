// Whole runs of peft finetune's library on small data: every strategy, resuming, refusing, merging.
#include "run/finetune.h"

#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <sstream>

#include "apps/finetune/command.h"
#include "apps/finetune/terminal.h"
#include "apps/merge/merge.h"
#include "engine/io/run_folder.h"
#include "engine/io/safetensors.h"
#include "tests/apps/finetune_runs.h"

using namespace testing;

TEST_CASE("every strategy runs, records itself and saves only what it trained") {
  testing::TempDir temp;
  write_task(temp.path());
  for (const std::string spec :
       {"full", "frozen", "top:layers=1", "bitfit", "bitfit:terms=query+ffn_in", "lora:r=2",
        "adapter:size=4", "adapter:kind=pfeiffer,size=4", "adapter:kind=parallel,size=4",
        "prefix:length=2,hidden=8", "prefix:length=2,flat=true", "ia3", "lora:r=2+bitfit"}) {
    CAPTURE(spec);
    FinetuneSettings s = tiny(temp.path(), temp / ("run-" + spec));
    s.strategy = spec;
    const run::RunResult result = train(s);
    CHECK(result.finished);
    CHECK(result.record.at("status") == "finished");
    CHECK(result.record.at("steps") == 8);
    CHECK(result.record.at("metrics").at("dev").contains("accuracy"));
    CHECK(result.record.at("inference").at("milliseconds").get<double>() > 0);
    const bool merges = spec.starts_with("lora") || spec == "ia3";
    CHECK(result.record.at("inference").contains("merged_milliseconds") == merges);
    const int64_t trained = result.record.at("trainable_parameters");
    CHECK(trained > 0);
    CHECK(trained <= result.record.at("total_parameters").get<int64_t>());
    // header and names are a few kilobytes; values four bytes each
    CHECK(fs::file_size(fs::path(s.out) / "adapter" / "adapter_model.safetensors") <
          static_cast<size_t>(4 * trained + 8192));
    const auto lines = engine::read_metrics(fs::path(s.out) / "metrics.jsonl");
    CHECK(lines.size() == 8 + 2);
    CHECK(lines.front().at("step") == 1);
    CHECK(lines.front().contains("loss"));
    CHECK(fs::exists(fs::path(s.out) / "submission" / "SST-2.tsv"));
    const std::string predictions = testing::read_file(fs::path(s.out) / "predictions.tsv");
    CHECK(std::count(predictions.begin(), predictions.end(), '\n') == 1 + 8 + 3);
  }
}

TEST_CASE("a run that was stopped after any update and resumed gives the same bits") {
  testing::TempDir temp;
  write_task(temp.path());
  for (const std::string spec : {"full", "lora:r=2,dropout=0.1"}) {
    FinetuneSettings whole = tiny(temp.path(), temp / ("whole-" + spec));
    whole.strategy = spec;
    if (spec == "full")
      whole.piece_tokens = 12;  // a batch of four reviews is then computed in several pieces
    train(whole);
    for (const int stop : {0, 1, 3, 4, 7}) {  // 4: between two epochs
      CAPTURE(spec);
      CAPTURE(stop);
      FinetuneSettings s = whole;
      s.out = (temp / engine::concat("part-", spec, "-", stop)).string();
      CHECK_FALSE(train(s, stop).finished);
      s.resume = true;
      s.threads = 1;  // may change
      const run::RunResult result = train(s);
      CHECK(result.finished);
      CHECK(same_bytes(fs::path(whole.out) / "adapter" / "adapter_model.safetensors",
                       fs::path(s.out) / "adapter" / "adapter_model.safetensors"));
      CHECK(
          same_bytes(fs::path(whole.out) / "predictions.tsv", fs::path(s.out) / "predictions.tsv"));
      const auto a = engine::read_metrics(fs::path(whole.out) / "metrics.jsonl"),
                 b = engine::read_metrics(fs::path(s.out) / "metrics.jsonl");
      REQUIRE(a.size() == b.size());
      for (size_t i = 0; i < a.size(); ++i) {
        CHECK(a[i].at("step") == b[i].at("step"));
        CHECK(a[i].value("loss", 0.0) == b[i].value("loss", 0.0));
      }
    }
  }
}

TEST_CASE(
    "kept features train the head that the encoder in evaluation mode would, with its forward pass "
    "run once") {
  testing::TempDir temp;
  write_task(temp.path());
  FinetuneSettings plain = tiny(temp.path(), temp / "plain");
  plain.strategy = "frozen";
  plain.dropout = 0;
  FinetuneSettings cached = plain;
  cached.out = (temp / "cached").string();
  cached.cache_features = true;
  const auto a = train(plain).record, b = train(cached).record;
  CHECK(b.at("features").at("bytes") ==
        (16 + 8 + 3) * 16 * static_cast<int>(sizeof(engine::Scalar)));
  const auto losses = [](const FinetuneSettings& s) {
    std::vector<double> all;
    for (const auto& line : engine::read_metrics(fs::path(s.out) / "metrics.jsonl"))
      if (line.contains("loss")) all.push_back(line.at("loss"));
    return all;
  };
  const auto x = losses(plain), y = losses(cached);
  REQUIRE(x.size() == y.size());
  for (size_t i = 0; i < x.size(); ++i) CHECK(x[i] == doctest::Approx(y[i]).epsilon(1e-5));
  CHECK(a.at("metrics").at("dev").at("loss").get<double>() ==
        doctest::Approx(b.at("metrics").at("dev").at("loss").get<double>()).epsilon(1e-5));

  SUBCASE("counted: two more epochs cost heads only") {
    FinetuneSettings longer = cached;
    longer.out = (temp / "longer").string();
    longer.epochs = 4;
    const double two = b.at("counts").at("forward_flops"),
                 four = train(longer).record.at("counts").at("forward_flops");
    const double head = 2 * 16 * (16 + 2);  // pooler and classifier, FLOPs an example
    CHECK(four - two == doctest::Approx(2 * (16 + 8) * head));  // training and evaluation
  }
  SUBCASE("stopped and resumed") {
    FinetuneSettings s = cached;
    s.out = (temp / "part").string();
    CHECK_FALSE(train(s, 9).finished);  // asked for every batch of features, too
    s.resume = true;
    CHECK(train(s).finished);
    CHECK(same_bytes(fs::path(cached.out) / "adapter" / "adapter_model.safetensors",
                     fs::path(s.out) / "adapter" / "adapter_model.safetensors"));
  }
  SUBCASE("refused where the encoder changes") {
    cached.strategy = "lora";
    CHECK(failure(cached).find("trains bert.encoder.layer.0") != std::string::npos);
  }
}

TEST_CASE(
    "the profile has every op, forward and backward, the optimizer and the batches, and a trace "
    "that tools can open") {
  testing::TempDir temp;
  write_task(temp.path());
  FinetuneSettings s = tiny(temp.path(), temp / "run");
  s.strategy = "lora:r=2";
  s.profile = true;
  std::ostringstream out;
  apps::TerminalWatcher watcher(out, {}, 0);
  run::finetune(s, watcher);
  for (const char* what : {"linear", "low_rank_add", "attention", "add_layer_norm", "cross_entropy",
                           "optimizer", "batch", "saved for backward"})
    CHECK_MESSAGE(out.str().find(what) != std::string::npos, what);
  const engine::Json trace = engine::json_file(fs::path(s.out) / "trace.json");
  int forward = 0, backward = 0;
  double end = 0;
  for (const auto& event : trace.at("traceEvents")) {
    CHECK(event.at("ph") == "X");
    CHECK(event.at("ts").get<double>() >= end - 1);  // one after the other, in microseconds
    end = event.at("ts").get<double>() + event.at("dur").get<double>();
    (event.at("cat") == "forward" ? forward : backward) += event.at("name") == "attention";
  }
  CHECK(forward == 2 * 8);  // layers x updates
  CHECK(backward == 2 * 8);
}

TEST_CASE("patience keeps the best evaluation, and resuming does not forget it") {
  testing::TempDir temp;
  write_task(temp.path());
  FinetuneSettings s = tiny(temp.path(), temp / "patient");
  s.epochs = 30;
  s.patience = 2;
  const run::RunResult result = train(s);
  CHECK(result.record.at("selection").at("kind") == "best dev score");
  const int64_t best = result.record.at("selection").at("step"), last = result.record.at("steps");
  CHECK(best <= last);
  double best_score = -1;
  for (const auto& line : engine::read_metrics(fs::path(s.out) / "metrics.jsonl"))
    if (line.contains("eval"))
      best_score = std::max(best_score, line["eval"]["dev"]["score"].get<double>());
  CHECK(result.record.at("metrics").at("dev").at("score").get<double>() ==
        doctest::Approx(best_score));
}

TEST_CASE(
    "own data: CSV with quotes, held-out dev, discovered labels; and a regression in JSON lines") {
  testing::TempDir temp;
  std::string csv = "id,text,label\n", jsonl;
  for (int i = 0; i < 30; ++i) {
    csv += engine::concat(i, ",\"good, ", i,
                          i % 3 == 0   ? "\",yes\n"
                          : i % 3 == 1 ? "\",no\n"
                                       : "\",maybe\n");
    jsonl +=
        engine::concat("{\"sentence1\":\"a ", i, "\",\"sentence2\":\"b\",\"score\":", i % 5, "}\n");
  }
  testing::write_file(temp / "own.csv", csv);
  testing::write_file(temp / "own.jsonl", jsonl);
  FinetuneSettings s = tiny("", temp / "csv");
  s.task.clear();
  s.train = (temp / "own.csv").string();
  const run::RunResult classes = train(s);
  CHECK(classes.record.at("task_info").at("labels") == engine::Json({"yes", "no", "maybe"}));
  CHECK(classes.record.at("metrics").contains("dev"));
  s.train = (temp / "own.jsonl").string();
  s.out = (temp / "jsonl").string();
  s.regression = true;
  const run::RunResult scores = train(s);
  CHECK(scores.record.at("metrics").at("dev").contains("pearson"));
}

TEST_CASE("a saved adapter is the start of the next run, and fits only its base model") {
  testing::TempDir temp;
  write_task(temp.path());
  FinetuneSettings first = tiny(temp.path(), temp / "first");
  first.strategy = "lora:r=2";
  const run::RunResult before = train(first);
  FinetuneSettings second = tiny(temp.path(), temp / "second");
  second.adapter = (fs::path(first.out) / "adapter").string();
  second.lr = 1e-12;  // nothing moves: the scores are those that the adapter brought
  const run::RunResult after = train(second);
  CHECK(after.record.at("strategy_spec").get<std::string>().find("lora") == 0);
  CHECK(after.record.at("metrics").at("dev").at("loss").get<double>() ==
        doctest::Approx(before.record.at("metrics").at("dev").at("loss").get<double>())
            .epsilon(1e-5));
  second.seed = 43;  // another random base model
  second.out = (temp / "third").string();
  CHECK(failure(second).find("base model") != std::string::npos);
}

TEST_CASE("merge writes an ordinary folder whose outputs are the adapter's") {
  testing::TempDir temp;
  write_task(temp.path());
  for (const std::string spec : {"lora:r=2", "ia3", "bitfit"}) {
    CAPTURE(spec);
    FinetuneSettings s = tiny(temp.path(), temp / ("run-" + spec));
    s.strategy = spec;
    const run::RunResult trained = train(s);
    apps::MergeOptions merge{s.model, s.out, temp / ("merged-" + spec), "F32", 42};
    // The random base model has this tokenizer's vocabulary: merge finds the one that ships.
    std::ostringstream log;
    setenv("PEFT_DATA", (testing::source_dir() / "data").c_str(), 1);
    apps::merge_adapter(merge, log);
    FinetuneSettings again = tiny(temp.path(), temp / ("again-" + spec));
    again.model = merge.out.string();
    again.tokenizer.clear();
    again.strategy = "frozen";
    again.lr = 1e-12;
    const run::RunResult loaded = train(again);
    CHECK(loaded.record.at("metrics").at("dev").at("loss").get<double>() ==
          doctest::Approx(trained.record.at("metrics").at("dev").at("loss").get<double>())
              .epsilon(1e-5));
    CHECK_THROWS_AS(apps::merge_adapter(merge, log), engine::Error);  // the folder is not empty now
  }
  FinetuneSettings s = tiny(temp.path(), temp / "run-prefix");
  s.strategy = "prefix:length=2,flat=true";
  train(s);
  std::ostringstream log;
  CHECK_THROWS_AS(apps::merge_adapter({s.model, s.out, temp / "merged-prefix", "F32", 42}, log),
                  engine::Error);
}

TEST_CASE("an update weighs by terms, and the last of an epoch takes what is left") {
  testing::TempDir temp;
  write_task(temp.path());
  // 16 examples: batches of 5, 5, 5 and 1. However they are cut, one update an epoch learns from
  // the mean over all 16.
  const auto norm = [&](int batch, int accumulation) {
    FinetuneSettings s = tiny(temp.path(), temp / engine::concat(batch, "-", accumulation));
    s.batch_size = batch;
    s.grad_accumulation = accumulation;
    s.epochs = 1;
    s.dropout = 0;
    s.schedule = "constant";
    s.warmup_ratio = 0;
    s.max_grad_norm = 0;
    const auto record = train(s).record;
    CHECK(record.at("epochs").get<double>() == 1);
    CHECK(record.at("steps") == (16 + batch * accumulation - 1) / (batch * accumulation));
    return engine::read_metrics(fs::path(s.out) / "metrics.jsonl")
        .front()
        .at("grad_norm")
        .get<double>();
  };
  const double whole = norm(16, 1);
  CHECK(norm(5, 4) == doctest::Approx(whole).epsilon(1e-5));
  CHECK(norm(4, 4) == doctest::Approx(whole).epsilon(1e-5));
  CHECK(norm(3, 8) == doctest::Approx(whole).epsilon(1e-5));
  norm(4, 3);
}

TEST_CASE("balanced class weights make rare classes count as much") {
  testing::TempDir temp;
  std::string csv = "text,label\n";
  for (int i = 0; i < 24; ++i) csv += i % 6 == 0 ? "awful food,rare\n" : "great food,often\n";
  testing::write_file(temp / "d.csv", csv);
  FinetuneSettings s = tiny("", temp / "plain");
  s.task.clear();
  s.train = s.dev = (temp / "d.csv").string();
  const auto losses = [](const FinetuneSettings& settings) {
    std::vector<double> all;
    for (const auto& line : engine::read_metrics(fs::path(settings.out) / "metrics.jsonl"))
      if (line.contains("loss")) all.push_back(line.at("loss"));
    return all;
  };
  s.dropout = 0;
  train(s);
  FinetuneSettings balanced = s;
  balanced.out = (temp / "balanced").string();
  balanced.class_weights = "balanced";
  const auto record = train(balanced).record;
  const auto weights = record.at("fitted").at("class_weights").get<std::vector<double>>();
  CHECK(weights[0] == doctest::Approx(24.0 / (2 * 4)));  // in the file's order: rare first
  CHECK(weights[1] == doctest::Approx(24.0 / (2 * 20)));
  CHECK(losses(s) != losses(balanced));
  FinetuneSettings f1 = s;
  f1.out = (temp / "f1").string();
  f1.patience = 3;
  f1.metric = "macro_f1";
  CHECK(train(f1).record.at("selection").at("metric") == "macro_f1");
  f1.metric = "nonsense";
  f1.out = (temp / "nonsense").string();
  CHECK(failure(f1).find("known are accuracy") != std::string::npos);
}

TEST_CASE("every strategy runs on slices of the real tasks") {
  const auto shared = testing::shared_dir("data");
  if (!shared) return;
  testing::TempDir temp;
  const std::pair<const char*, fs::path> tasks[] = {
      {"cola", *shared / "glue/CoLA"}, {"sst2", *shared / "glue/SST-2"},
      {"mrpc", *shared / "glue/MRPC"}, {"stsb", *shared / "glue/STS-B"},
      {"rte", *shared / "glue/RTE"},   {"wnli", *shared / "glue/WNLI"},
      {"qnli", *shared / "glue/QNLI"}};
  for (const auto& [task, folder] : tasks) {
    // The first rows of the real files; QNLI's training set is not there, its dev set serves.
    const fs::path slice = temp / task;
    fs::create_directories(slice);
    for (const char* split : {"train", "dev", "test"}) {
      const fs::path file = folder / (std::string(split) + ".tsv");
      const fs::path source = fs::exists(file) ? file : folder / "dev.tsv";
      std::istringstream all(testing::read_file(source));
      std::string text, line;
      for (int i = 0; i < 25 && std::getline(all, line); ++i) text += line + "\n";
      testing::write_file(slice / (std::string(split) + ".tsv"), text);
    }
    for (const std::string spec : {"full", "frozen", "bitfit", "lora", "adapter:size=4",
                                   "prefix:length=2,hidden=8", "ia3"}) {
      CAPTURE(task);
      CAPTURE(spec);
      FinetuneSettings s = tiny(slice, temp / (std::string(task) + "-" + spec));
      s.task = task;
      s.strategy = spec;
      s.max_steps = 2;
      s.max_length = 32;
      CHECK(train(s).finished);
    }
  }
}
