// A prefix that begins as words is a run with these words in the text: in front, or as an infix
// between prompt and completion.
#include "run/beginning.h"

#include <fstream>

#include "peft/prefix.h"
#include "run/finetune.h"
#include "run/predictor.h"
#include "tests/models/decoders.h"
#include "tests/run/stop_after.h"
#include "tests/support/errors.h"

using namespace testing;

namespace {

namespace fs = std::filesystem;
using Ids = std::vector<int32_t>;

const std::vector<std::string> kSome = {"gpt2", "llama", "mistral", "qwen3"};

Ids joined(std::initializer_list<Ids> parts) {
  Ids all;
  for (const Ids& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// A decoder with a flat table of `length` rows that has these values.
std::unique_ptr<Decoder> with_table(const std::string& name, const std::string& spec,
                                    const Matrix& table) {
  auto decoder = std::make_unique<Decoder>(name, spec);
  engine::Parameter* p = decoder->store->find("prompt_embeddings");
  REQUIRE(p != nullptr);
  REQUIRE(p->count() == table.size());
  std::copy_n(table.data(), table.size(), p->value);
  return decoder;
}

double far(const Matrix& a, const Matrix& b) { return (a - b).cwiseAbs().maxCoeff(); }

// The first loss of a run on these rows, before anything has learned.
double first_loss(const fs::path& folder, const std::string& rows, const std::string& strategy) {
  write_file(folder / "rows.jsonl", rows);
  run::FinetuneSettings s;
  s.task = "lm";
  s.train = (folder / "rows.jsonl").string();
  s.model = (source_dir() / "data/pretrained/peft-llama-4x128").string();
  s.strategy = strategy;
  s.dropout = 0;
  s.max_steps = 1;
  s.lr = 1e-5;
  s.threads = 1;
  s.shuffle = false;
  static int runs = 0;
  s.out = (folder / std::to_string(runs++)).string();
  run::Watcher watcher;
  run::finetune(s, watcher);
  std::ifstream in(fs::path(s.out) / "metrics.jsonl");
  std::string line;
  std::getline(in, line);
  return Json::parse(line).at("loss");
}

}  // namespace

TEST_CASE("a prefix of words' activations computes what these words in front compute") {
  const Ids words = {5, 17, 3, 60}, x = {8, 9, 44, 2, 31}, other = {7, 7, 12};
  const auto length = static_cast<int64_t>(words.size());
  for (const std::string& name : kSome) {
    CAPTURE(name);
    Decoder plain(name);
    const Matrix wanted = plain.logits(packed({joined({words, x}), joined({words, other})}));
    const auto decoder =
        with_table(name, "prefix:length=4,flat=true", run::key_values(*plain.model, words));
    const Matrix found = decoder->logits(packed({x, other}));
    CHECK(far(found.topRows(5), wanted.middleRows(length, 5)) < 2e-4);
    CHECK(far(found.bottomRows(3), wanted.bottomRows(3)) < 2e-4);
  }
}

TEST_CASE("an infix of words' activations computes what these words between x and y compute") {
  const Ids x = {8, 9, 44}, words = {5, 17, 3, 60}, y = {2, 31, 6, 11};
  for (const std::string& name : kSome) {
    CAPTURE(name);
    Decoder plain(name);
    const Ids all = joined({x, words, y});
    const Matrix wanted = plain.logits(packed({all}));
    const Matrix table = run::key_values(*plain.model, joined({x, words})).bottomRows(4);
    const auto decoder = with_table(name, "prefix:length=4,flat=true,placement=infix", table);

    engine::Batch batch = packed({joined({x, y}), joined({x, y})});
    for (const size_t row : {0u, 1u, 2u, 7u, 8u, 9u}) batch.targets[row] = -1;  // x is not learned
    const Matrix found = decoder->logits(batch);
    for (const int begin : {0, 7}) {
      CHECK(far(found.middleRows(begin, 3), wanted.topRows(3)) < 2e-4);
      CHECK(far(found.middleRows(begin + 3, 4), wanted.bottomRows(4)) < 2e-4);
    }

    // Written: without targets y begins with the prompt's last token, and the rest is read through
    // a cache.
    engine::KvCache cache(decoder->model->facts().layers, decoder->model->sites().kv.width(), 1);
    engine::Batch prompt = packed({joined({x, Ids{y[0]}})}), rest = packed({Ids{y[1], y[2]}}),
                  last = packed({Ids{y[3]}});
    for (engine::Batch* each : {&prompt, &rest, &last}) each->targets.clear();
    CHECK(far(decoder->logits(prompt, {.cache = &cache}).bottomRows(1), wanted.row(7)) < 2e-4);
    CHECK(cache.length(0) == 8);
    CHECK(far(decoder->logits(rest, {.cache = &cache}), wanted.middleRows(8, 2)) < 2e-4);
    CHECK(far(decoder->logits(last, {.cache = &cache}), wanted.row(10)) < 2e-4);
  }
}

TEST_CASE("training with a prefix of a text begins as a run with the text in front") {
  TempDir folder;
  const std::string rest = R"( is a pub near","completion":" the river ."})";
  const double in_front = first_loss(folder.path(), R"({"prompt":" The Eagle)" + rest, "lora:r=2");
  const auto tokens = data::load_tokenizer(source_dir() / "data/pretrained/peft-llama-4x128");
  Ids ids;
  tokens->tokenize(" The Eagle", ids);
  const std::string spec =
      engine::concat("prefix:flat=true,length=", ids.size(), ",text= The Eagle");
  const std::string row = R"({"prompt":")" + rest;
  CHECK(first_loss(folder.path(), row, spec) == doctest::Approx(in_front).epsilon(1e-5));
  CHECK(std::abs(first_loss(folder.path(), row, "lora:r=2") - in_front) > 1e-3);
  // Words of the vocabulary are drawn by the seed; a text is repeated to the length.
  CHECK(std::isfinite(first_loss(folder.path(), row, "prefix:flat=true,length=5,init=words")));
  CHECK(std::isfinite(first_loss(folder.path(), row, "prefix:flat=true,length=9,text= pub")));
}

TEST_CASE("a run with an infix is resumed bit for bit, and opened again") {
  TempDir folder;
  std::string rows;
  for (int i = 0; i < 12; ++i)
    rows += R"({"prompt":"name : t)" + std::to_string(i) + R"(","completion":" It is t)" +
            std::to_string(i) + " .\"}\n";
  write_file(folder / "rows.jsonl", rows);
  for (const std::string strategy :
       {"prefix:length=3,hidden=6,placement=infix", "prompt:length=3,hidden=6",
        "prefix:length=3,flat=true,placement=infix,text= a table"}) {
    CAPTURE(strategy);
    run::FinetuneSettings s;
    s.task = "lm";
    s.train = s.dev = (folder / "rows.jsonl").string();
    s.model = (source_dir() / "data/pretrained/peft-llama-4x128").string();
    s.strategy = strategy;
    s.max_steps = 6;
    s.batch_size = 3;
    s.threads = 1;
    const auto out = [&](const char* name) {
      return (folder / (name + std::to_string(strategy.size()))).string();
    };
    s.out = out("whole");
    StopAfter never(-1), early(3);
    const Json record = run::finetune(s, never).record;
    s.out = out("part");
    CHECK_FALSE(run::finetune(s, early).finished);
    s.resume = true;
    run::finetune(s, never);
    CHECK(read_file(fs::path(out("whole")) / "adapter/adapter_model.safetensors") ==
          read_file(fs::path(out("part")) / "adapter/adapter_model.safetensors"));
    // Dev's loss once more, from the saved adapter.
    run::FinetuneSettings again = s;
    again.resume = false;
    again.adapter = out("whole");
    again.strategy.clear();
    again.lr = 1e-12;
    again.max_steps = 1;
    again.out = out("again");
    const double loss = record.at("metrics").at("dev").at("loss");
    CHECK(run::finetune(again, never).record.at("metrics").at("dev").at("loss").get<double>() ==
          doctest::Approx(loss).epsilon(1e-5));
  }
}

TEST_CASE("infixes and activations of words are of causal models") {
  TempDir folder;
  write_file(folder / "t.tsv", "text\tlabel\ngood\tyes\nbad\tno\nfine\tyes\npoor\tno\n");
  run::FinetuneSettings s;
  s.train = (folder / "t.tsv").string();
  s.model = "random:layers=1,hidden=16,heads=2,ffn=16";
  s.tokenizer = (source_dir() / "data/pretrained/peft-2x256").string();
  s.out = (folder / "never").string();
  run::Watcher watcher;
  s.strategy = "prefix:placement=infix";
  CHECK(contains(message_of([&] { run::finetune(s, watcher); }), "placement=infix on model_type"));
  s.strategy = "prefix:flat=true,init=words";
  CHECK(contains(message_of([&] { run::finetune(s, watcher); }), "init=words on model_type"));
}
