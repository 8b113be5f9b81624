#include <doctest/doctest.h>
#include <unistd.h>

#include <cstring>

#include "apps/common/main_guard.h"
#include "apps/pretrain/options.h"
#include "engine/base/error.h"
#include "engine/base/peak.h"
#include "models/classifier.h"
#include "models/pretrained.h"
#include "tests/pretrain/runs.h"

using namespace toy;

namespace {

// The causal objective, on a model of this type.
run::PretrainSettings causal_options(const toy::Folder& f, const std::string& out,
                                     const std::string& type) {
  run::PretrainSettings o = options_of(f, out);
  o.objective = "causal";
  o.model += ",type=" + type;
  o.cache = f.dir / "causal-cache";
  return o;
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

TEST_CASE("pretrain causal: the held-out loss nears the text's entropy, and the model writes") {
  toy::Folder f(200);
  for (const std::string type : {"gpt2", "llama"}) {
    CAPTURE(type);
    auto o = causal_options(f, type, type);
    o.steps = 200;
    { run::Pretrainer(o, nobody).run(); }
    std::vector<double> held_out;
    for (const auto& line : engine::read_metrics(o.out / "metrics.jsonl"))
      if (line.contains("held_out_causal_loss")) held_out.push_back(line["held_out_causal_loss"]);
    CHECK(held_out.front() == doctest::Approx(std::log(26)).epsilon(0.1));
    // A sentence has eight tokens and draws a colour of three and a place of two; then the text
    // goes on or ends with a chance of about one in eight.
    CHECK(held_out.back() > (std::log(3) + std::log(2)) / 8);
    CHECK(held_out.back() < 1.5 * (std::log(3) + std::log(2) + 0.4) / 8);

    const auto json = engine::json_file(o.out / "model" / "config.json");
    CHECK(json["architectures"][0] == (type == "gpt2" ? "GPT2LMHeadModel" : "LlamaForCausalLM"));
    CHECK(json["bos_token_id"] == 2);  // [CLS]
    CHECK(json["eos_token_id"] == 3);  // [SEP]
    CHECK(json["tie_word_embeddings"] == true);
    CHECK_FALSE(json.contains("id2label"));
    if (type == "gpt2") CHECK(json["resid_pdrop"] == 0.1);  // fine-tuning's, not this run's
    models::ModelSource source = models::open_model((o.out / "model").string());
    source.config.head = models::HeadKind::language_model;
    models::SequenceClassifier model(source.config);
    engine::ParameterStore store(model);
    store.allocate();
    const engine::LoadReport report = models::load_weights(source, store, 1, false);
    CHECK(report.missing.empty());
    CHECK(report.unexpected.empty());
    // [CLS] the red -> cat -> sleeps: the rule of the text.
    engine::Workspace workspace;
    engine::TokenBatch batch;
    batch.ids = {2, 16, 7, 10};
    batch.segments.add(4);
    engine::Graph g(workspace, {.record = false});
    const engine::Tensor logits = model.vocabulary().logits(g, model.encode(g, batch));
    const auto likeliest = [&](int64_t row) {
      Eigen::Index best = 0;
      logits.row_array(row).maxCoeff(&best);
      return static_cast<int>(best);
    };
    CHECK(likeliest(2) == 10);
    CHECK(likeliest(3) == 14);
  }
}

TEST_CASE("pretrain causal: an update's gradient is that of the mean over all its targets") {
  toy::Folder f;
  auto o = causal_options(f, "run", "llama");
  o.grad_accumulation = 3;
  o.batch_tokens = 360;
  o.max_length = 24;
  run::Pretrainer p(o, nobody);
  p.abandon_after(1);
  p.run();

  run::Streams streams =
      run::open_streams(o, *f.tokenizer, {}, [](const data::CorpusProgress&, double) {});
  engine::TokenBatch part, all;
  std::vector<int64_t> terms;
  for (int i = 0; i < o.grad_accumulation; ++i) {
    streams.whole.batches->next(part, o.batch_tokens / o.grad_accumulation);
    terms.push_back(part.terms());
    all.ids.insert(all.ids.end(), part.ids.begin(), part.ids.end());
    all.targets.insert(all.targets.end(), part.targets.begin(), part.targets.end());
    for (int s = 0; s < part.sequences(); ++s) all.segments.add(part.segments.length(s));
  }
  CHECK((terms[0] != terms[1] || terms[1] != terms[2]));  // else a mean of means would do
  models::ModelSource source = models::open_model(o.model, f.tokenizer->vocab_size());
  source.config.head = models::HeadKind::language_model;
  models::SequenceClassifier model(source.config);
  engine::ParameterStore store(model);
  for (engine::Parameter* each : store.all()) each->trainable = true;
  store.allocate();
  models::load_weights(source, store, o.seed, true);
  store.clear_gradients();
  engine::Workspace workspace;
  engine::Graph g(workspace);
  g.backward(model.vocabulary().loss(g, model.encode(g, all), all.targets));
  store.settle_gradients();
  const auto& mine = store.block();
  const auto& theirs = p.store().block();
  REQUIRE(mine.size == theirs.size);
  float largest = 0, difference = 0;
  for (int64_t i = 0; i < mine.size; ++i) {
    largest = std::max(largest, std::abs(mine.grad[i]));
    difference = std::max(difference, std::abs(mine.grad[i] - theirs.grad[i]));
  }
  CHECK(difference < 1e-5f * largest);
}

TEST_CASE("pretrain causal: what cannot be is said") {
  toy::Folder f;
  auto o = causal_options(f, "bert", "bert");
  CHECK_THROWS_WITH_AS(run::Pretrainer(o, nobody), doctest::Contains("no head for language"),
                       engine::Error);
  // A cache that runs paragraphs together is another corpus.
  auto mlm = options_of(f, "mlm");
  mlm.steps = 1;
  { run::Pretrainer(mlm, nobody).run(); }
  o = causal_options(f, "mixed", "gpt2");
  o.cache = mlm.cache;
  CHECK_THROWS_WITH_AS(run::Pretrainer(o, nobody), doctest::Contains("another --cache"),
                       engine::Error);
}

TEST_CASE("pretrain: an interrupted run goes on with the same bits") {
  toy::Folder f(100);
  for (const std::string objective : {"mlm", "rtd", "gpt2", "llama"}) {
    CAPTURE(objective);
    const bool masked = objective == "mlm" || objective == "rtd";
    auto o = masked ? options_of(f, "whole-" + objective)
                    : causal_options(f, "whole-" + objective, objective);
    if (masked) o.objective = objective;
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
  for (const bool causal : {false, true}) {
    std::vector<std::vector<float>> results;
    for (const int workers : {1, 2, 4}) {
      const std::string name = (causal ? "causal" : "mlm") + std::to_string(workers);
      auto o = causal ? causal_options(f, name, "gpt2") : options_of(f, name);
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
  }

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
