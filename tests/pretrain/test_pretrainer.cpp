#include <doctest/doctest.h>
#include <unistd.h>

#include <cstring>

#include "apps/common/main_guard.h"
#include "apps/pretrain/options.h"
#include "engine/base/error.h"
#include "engine/base/peak.h"
#include "models/pretrained.h"
#include "run/pretrain/pretrainer.h"
#include "tests/pretrain/toy.h"

namespace {

run::PretrainSettings options_of(const toy::Folder& f, const std::string& out) {
  run::PretrainSettings o;
  o.corpus = {(f.dir / "corpus.txt").string()};
  o.tokenizer = f.dir / "tokenizer";
  o.cache = f.dir / "cache";
  o.out = f.dir / out;
  o.model = "random:layers=2,hidden=32,heads=2,ffn=64,positions=64";
  o.steps = 30;
  o.max_length = 32;
  o.batch_tokens = 512;
  o.held_out = 10;
  o.eval_every = 10;
  o.log_every = 4;
  o.warmup_ratio = 0.1;
  o.lr = 3e-3;
  o.peak_gflops = 100;
  o.quiet = true;
  return o;
}

run::PretrainWatcher nobody;  // looks on

std::vector<float> values(const run::Pretrainer& p) {
  const auto& block = p.store().block();
  return {block.value, block.value + block.size};
}

// What two runs must have in common: everything but times.
std::vector<std::string> curve(const std::filesystem::path& out) {
  std::vector<std::string> lines;
  for (engine::Json line : engine::read_metrics(out / "metrics.jsonl")) {
    for (const char* key : {"seconds", "tokens_per_second", "part_of_peak"}) line.erase(key);
    lines.push_back(engine::json_text(line));
  }
  return lines;
}

}  // namespace

TEST_CASE("pretrain: the held-out loss falls and the model is exported") {
  toy::Folder f(200);
  auto o = options_of(f, "run");
  o.steps = 150;
  run::Pretrainer p(o, nobody);
  p.run();
  const auto lines = engine::read_metrics(o.out / "metrics.jsonl");
  double first = 0, last = 0;
  for (const auto& line : lines)
    if (line.contains("held_out_mlm_loss")) {
      if (first == 0) first = line["held_out_mlm_loss"];
      last = line["held_out_mlm_loss"];
    }
  CHECK(first == doctest::Approx(std::log(26)).epsilon(0.1));
  CHECK(last < 0.7 * first);
  const models::ModelSource source = models::open_model((o.out / "model").string());
  CHECK(source.config.facts.vocab == 26);
  CHECK(data::load_tokenizer(o.out / "model")->vocab_size() == 26);
  const auto record = engine::json_file(o.out / "run.json");
  CHECK(record["finished"] == true);
  CHECK(record["steps"] == 150);
}

TEST_CASE("pretrain: an interrupted run goes on with the same bits") {
  toy::Folder f(100);
  for (const std::string objective : {"mlm", "rtd"}) {
    auto o = options_of(f, "whole-" + objective);
    o.objective = objective;
    o.grad_accumulation = 2;
    o.batch_tokens = 256;
    o.dropout = 0.1;
    o.short_length = 16;
    o.short_part = 0.4;
    o.whole_word = true;
    run::Pretrainer whole(o, nobody);
    whole.run();

    o.out = f.dir / ("parts-" + objective);
    o.save_every = 1e-9;  // after every update
    {
      run::Pretrainer killed(o, nobody);
      killed.abandon_after(11);  // within the short sequences
      killed.run();
    }
    o.resume = true;
    {
      o.save_every = 1e9;
      run::Pretrainer killed(o, nobody);
      CHECK(killed.step() == 11);
      killed.abandon_after(17);  // nothing is saved: these updates are lost, and done again
      killed.run();
    }
    CHECK(curve(o.out) != curve(f.dir / ("whole-" + objective)));
    run::Pretrainer rest(o, nobody);
    CHECK(rest.step() == 11);
    rest.run();
    const auto a = values(whole), b = values(rest);
    REQUIRE(a.size() == b.size());
    CHECK(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
    CHECK(curve(o.out) == curve(f.dir / ("whole-" + objective)));
  }
}

TEST_CASE("pretrain: the number of workers does not show, and a lost worker is noticed") {
  toy::Folder f;
  std::vector<std::vector<float>> results;
  for (const int workers : {1, 2, 4}) {
    auto o = options_of(f, "workers" + std::to_string(workers));
    o.grad_accumulation = 4;
    o.steps = 6;
    o.threads = 1;
    o.workers = workers;
    o.dropout = 0.1;
    run::Pretrainer p(o, nobody);
    p.run();
    results.push_back(values(p));
  }
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);

  struct Toy : engine::Module {
    Toy() { declare(weight, "weight", {3}, engine::Role::head, 0); }
    engine::Parameter weight;
  } toy;
  engine::ParameterStore store(toy);
  toy.weight.trainable = true;
  store.allocate();
  store.initialise(1);
  const pid_t self = getpid();
  const auto group =
      engine::forked(2, 2, store.block(),
                     [&](engine::Group::Order order, int part, engine::Group::Result& result) {
                       int64_t step = 0;
                       std::memcpy(&step, order.data(), sizeof step);
                       if (step == 1 && part == 1) engine::fail("part", "cannot be computed");
                       if (step == 2 && getpid() != self) _exit(1);
                       for (int i = 0; i < 3; ++i)
                         toy.weight.grad[i] = static_cast<float>(part + 1) * toy.weight.value[i];
                       result.numbers[0] = part;
                     });
  toy.weight.value[0] = 5;  // the workers see what changes
  const auto parts = group->run(int64_t{0});
  CHECK(parts[1].numbers[0] == 1);
  CHECK(toy.weight.grad[0] == 15);
  CHECK_THROWS_WITH_AS(group->run(int64_t{1}), doctest::Contains("cannot be computed"),
                       engine::Error);
  CHECK_THROWS_WITH_AS(group->run(int64_t{2}), doctest::Contains("is gone"), engine::Error);
}

TEST_CASE("pretrain: a finished run is lengthened, other settings are refused") {
  toy::Folder f;
  auto o = options_of(f, "run");
  o.steps = 8;
  { run::Pretrainer(o, nobody).run(); }
  CHECK_THROWS_AS(run::Pretrainer(o, nobody), engine::Error);  // it is there already
  o.resume = true;
  const auto lines = curve(o.out);
  { run::Pretrainer(o, nobody).run(); }  // there is nothing to do, and nothing to write
  CHECK(curve(o.out) == lines);
  o.steps = 12;
  {
    run::Pretrainer longer(o, nobody);
    CHECK(longer.step() == 8);
    longer.run();
    CHECK(longer.step() == 12);
  }
  o.batch_tokens = 1024;
  CHECK_THROWS_WITH_AS(run::Pretrainer(o, nobody), doctest::Contains("batch_tokens"),
                       engine::Error);
}

TEST_CASE("pretrain: budgets by tokens, and going on from a model") {
  toy::Folder f;
  auto o = options_of(f, "first");
  o.steps = 0;
  o.tokens = 5000;
  { run::Pretrainer(o, nobody).run(); }
  const auto record = engine::json_file(o.out / "run.json");
  CHECK(record["tokens"].get<double>() >= 5000);
  CHECK(record["tokens"].get<double>() < 5000 + 512);
  auto second = options_of(f, "second");
  second.model = (o.out / "model").string();
  second.steps = 1;
  { run::Pretrainer(second, nobody).run(); }
  const auto before = engine::read_metrics(o.out / "metrics.jsonl"),
             after = engine::read_metrics(second.out / "metrics.jsonl");
  CHECK(after.front()["held_out_mlm_loss"].get<double>() ==
        doctest::Approx(before.back()["held_out_mlm_loss"].get<double>()).epsilon(1e-2));
}

TEST_CASE("pretrain: command lines") {
  const auto parse = [](std::vector<const char*> words) {
    words.insert(words.begin(), "pretrain");
    return apps::parse_pretrain_options(static_cast<int>(words.size()), words.data(), nullptr);
  };
  const auto o = parse({"--corpus", "a.txt", "--corpus", "b.txt", "--tokenizer", "t", "--out", "o",
                        "--minutes", "1.5", "--objective", "rtd", "--lr", "5e-4"});
  CHECK(o.corpus == std::vector<std::string>{"a.txt", "b.txt"});
  CHECK(o.minutes == 1.5);
  CHECK(o.lr == 5e-4);
  CHECK_THROWS_AS(parse({"--tokenizer", "t", "--out", "o", "--minutes", "1"}), apps::UsageError);
  CHECK_THROWS_AS(parse({"--corpus", "a", "--tokenizer", "t", "--out", "o"}), apps::UsageError);
  CHECK_THROWS_AS(parse({"--corpus", "a", "--tokenizer", "t", "--out", "o", "--steps", "1",
                         "--objective", "clm"}),
                  apps::UsageError);
  CHECK_THROWS_AS(parse({"--corpus", "a", "--tokenizer", "t", "--out", "o", "--steps", "1",
                         "--batch-tokens", "64"}),
                  apps::UsageError);
}

// How fast is for benchmarks to say.
TEST_CASE("peak: measured, and positive") { CHECK(engine::measure_peak_gflops(1, 0.05) > 0); }
