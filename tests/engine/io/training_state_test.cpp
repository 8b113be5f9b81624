#include "engine/io/training_state.h"

#include "engine/base/error.h"
#include "engine/base/philox.h"
#include "engine/io/checkpoint.h"
#include "engine/io/hash.h"
#include "engine/io/safetensors.h"
#include "engine/optim/adamw.h"
#include "engine/optim/sgd.h"
#include "tests/engine/io/tiny_model.h"

using namespace engine;
using namespace testing;

namespace {

// A run without a model: the gradient of step s is a function of s and the values, as in training.
struct TinyRun {
  TinyBert bert;
  AdamW optimizer;
  TrainingState state;

  explicit TinyRun(int64_t classes = 2)
      : bert("bert.", classes), optimizer(bert.store->block(), {.weight_decay = 0.01}) {
    bert.store->initialise(5);
    state.optimizer = optimizer.name();
  }
  void step() {
    const auto& block = bert.store->block();
    Random random(11, static_cast<uint64_t>(state.step));
    for (int64_t i = 0; i < block.size; ++i)
      block.grad[i] = static_cast<Scalar>(random.normal()) + block.value[i];
    optimizer.step(0.01);
    ++state.step;
    state.optimizer_steps = optimizer.steps();
  }
  void save(const std::filesystem::path& path) {
    save_training_state(path, state, *bert.store, optimizer.state());
  }
  void load(const std::filesystem::path& path) {
    state = load_training_state(path, optimizer.name(), *bert.store, optimizer.state());
    optimizer.set_steps(state.optimizer_steps);
  }
  std::vector<Scalar> values() const {
    return {bert.store->block().value, bert.store->block().value + bert.store->block().size};
  }
};

}  // namespace

TEST_CASE("a resumed run has the same bits as one that was never interrupted") {
  const TempDir dir;
  TinyRun whole;
  for (int i = 0; i < 7; ++i) whole.step();
  for (const int at : {0, 1, 4}) {
    TinyRun first;
    for (int i = 0; i < at; ++i) first.step();
    first.save(dir / "state");
    TinyRun second;
    second.step();  // anything that loading must replace
    second.load(dir / "state");
    CHECK(second.state.step == at);
    for (int i = at; i < 7; ++i) second.step();
    CHECK(second.values() == whole.values());
  }
}

TEST_CASE("every counter comes back, and the same state gives the same bytes") {
  const TempDir dir;
  TinyRun run;
  run.state.step = 12;
  run.state.epoch = 3;
  run.state.batch = 45;
  run.state.optimizer_steps = 6;
  run.state.best_metric = 0.1 + 0.2;  // not a short decimal
  run.state.app = {{"seed", 18446744073709551615u}, {"note", "a \"b\" \xc3\xa9"}, {"list", {1, 2}}};
  run.save(dir / "a");
  run.save(dir / "b");
  CHECK(read_file(dir / "a") == read_file(dir / "b"));
  for (const TrainingState& back :
       {read_training_state(dir / "a"),
        load_training_state(dir / "a", "adamw", *run.bert.store, run.optimizer.state())}) {
    CHECK(back.step == 12);
    CHECK(back.epoch == 3);
    CHECK(back.batch == 45);
    CHECK(back.optimizer == "adamw");
    CHECK(back.optimizer_steps == 6);
    CHECK(back.best_metric == run.state.best_metric);
    CHECK(back.app == run.state.app);
  }
  run.state.best_metric.reset();
  run.save(dir / "a");
  CHECK_FALSE(read_training_state(dir / "a").best_metric.has_value());
}

TEST_CASE("it is a safetensors file that other programs can read") {
  const TempDir dir;
  TinyRun run;
  run.step();
  run.save(dir / "state");
  const Safetensors file = Safetensors::open(dir / "state");
  CHECK(file.at("values").count() == run.bert.store->block().size);
  CHECK(file.find("moment.exp_avg"));
  CHECK(file.find("moment.exp_avg_sq"));
}

TEST_CASE("the trainable parameters must be the same ones") {
  const TempDir dir;
  TinyRun run;
  run.step();
  run.save(dir / "state");
  TinyRun other(3);
  const auto before = other.values();
  CHECK_THROWS_WITH_AS(other.load(dir / "state"),
                       doctest::Contains("state: its trainable parameter 0 is classifier.weight "
                                         "[2, 4], and the model's is classifier.weight [3, 4]"),
                       Error);
  CHECK(other.values() == before);

  TinyBert all("bert.", 2, true);
  AdamW adamw(all.store->block());
  CHECK_THROWS_WITH_AS(load_training_state(dir / "state", "adamw", *all.store, adamw.state()),
                       doctest::Contains("state: has 3 trainable parameters, and the model trains "
                                         "7\nhint: the strategy or the model is another"),
                       Error);

  TinyModel decayed;  // the same list, but a parameter that was a bias and is none now
  for (const auto& [name, dims] : {std::pair{"classifier.weight", std::vector<int64_t>{2, 4}},
                                   {"bert.encoder.layer.0.attention.self.query.bias", {4}},
                                   {"classifier.bias", {2}}}) {
    Parameter& p = decayed.add(name, dims);
    p.bias = false;
    p.trainable = true;
  }
  ParameterStore store(decayed);
  store.allocate();
  AdamW moments(store.block());
  CHECK_THROWS_WITH_AS(load_training_state(dir / "state", "adamw", store, moments.state()),
                       doctest::Contains("weight decay touched 8 values, and now touches 14"),
                       Error);
}

TEST_CASE("the optimizer must be the same one") {
  const TempDir dir;
  TinyRun run;
  run.save(dir / "state");
  const auto load = [&](const std::string& name, const StateBlocks& moments) {
    load_training_state(dir / "state", name, *run.bert.store, moments);
  };
  Sgd sgd(run.bert.store->block(), {.momentum = 0.9});
  CHECK_THROWS_WITH_AS(
      load("sgd", sgd.state()),
      doctest::Contains("was saved with the optimizer 'adamw', and this run has 'sgd'"), Error);
  CHECK_THROWS_WITH_AS(
      load("adamw", sgd.state()),
      doctest::Contains(
          "has no block 'moment.momentum_buffer'\nhint: the optimizer has other settings"),
      Error);
  CHECK_THROWS_WITH_AS(load("adamw", {}),
                       doctest::Contains("holds 2 moments of the optimizer, and this run has 0"),
                       Error);
  std::vector<Scalar> wrong(3);
  CHECK_THROWS_WITH_AS(load("adamw", {{"exp_avg", wrong}}),
                       doctest::Contains("block 'moment.exp_avg' has 14 values, and 3 are needed"),
                       Error);
  CHECK_THROWS_WITH_AS(save_training_state(dir / "x", run.state, *run.bert.store, {{"m", wrong}}),
                       doctest::Contains("moment 'm' has 3 values, and the trainable block 14"),
                       Error);
}

// A file that is right in everything but what the test changes: `metadata`, and the blocks' type.
void write_state(const std::filesystem::path& path, DType dtype, const Metadata& metadata) {
  std::vector<TensorInfo> infos{{"xxh3_128", DType::U8, {32}}};
  for (const char* name : {"values", "moment.exp_avg", "moment.exp_avg_sq"})
    infos.push_back({name, dtype, {14}});
  std::string bytes = safetensors_header(infos, metadata, "test");
  bytes.append(static_cast<size_t>(3 * 14 * dtype_bytes(dtype)), '\0');
  write_file(path, bytes + hash_bytes(bytes.data(), bytes.size()));
}

TEST_CASE("a state of the other scalar type or of another version is refused") {
  const TempDir dir;
  TinyRun run;
  run.save(dir / "state");
  const Metadata metadata = Safetensors::open(dir / "state").metadata();
  write_state(dir / "same", sizeof(Scalar) == 4 ? DType::F32 : DType::F64, metadata);
  CHECK_NOTHROW(run.load(dir / "same"));
  write_state(dir / "other", sizeof(Scalar) == 4 ? DType::F64 : DType::F32, metadata);
  CHECK_THROWS_WITH_AS(
      run.load(dir / "other"),
      doctest::Contains(sizeof(Scalar) == 4 ? "was saved as F64, and this program computes in F32"
                                            : "was saved as F32, and this program computes in F64"),
      Error);
  Metadata newer = metadata;
  newer["state"].replace(newer["state"].find("\"version\":1"), 11, "\"version\":2");
  write_state(dir / "newer", DType::F32, newer);
  CHECK_THROWS_WITH_AS(run.load(dir / "newer"),
                       doctest::Contains("has version 2 of the format, and this program reads 1"),
                       Error);
  Metadata less = metadata;
  less["state"] = "{\"version\":1}";
  write_state(dir / "less", DType::F32, less);
  CHECK_THROWS_WITH_AS(run.load(dir / "less"), doctest::Contains("less: \"step\" is missing"),
                       Error);
}

TEST_CASE("other files are told apart") {
  const TempDir dir;
  TinyRun run;
  save_model(dir.path(), *run.bert.store);
  CHECK_THROWS_WITH_AS(run.load(dir / "model.safetensors"),
                       doctest::Contains("model.safetensors: is not a training state"), Error);
  CHECK_THROWS_WITH_AS(run.load(dir / "none"), doctest::Contains("none: cannot be opened"), Error);
}

TEST_CASE("no flipped bit and no cut goes unnoticed, and nothing is changed by a damaged file") {
  const TempDir dir;
  TinyRun run;
  run.step();
  run.save(dir / "state");
  const std::string good = read_file(dir / "state");
  const auto values = run.values();
  const auto damaged = [&](const std::string& bytes) {
    write_file(dir / "bad", bytes);
    CHECK_THROWS_AS(run.load(dir / "bad"), Error);
    CHECK_THROWS_AS(read_training_state(dir / "bad"), Error);
  };
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    damaged(bytes);
  }
  for (size_t length = 0; length < good.size(); length += 13) damaged(good.substr(0, length));
  damaged(good + "x");
  CHECK(run.values() == values);
  std::string bytes = good;
  bytes[good.size() - 40] ^= 1;  // a value
  write_file(dir / "bad", bytes);
  CHECK_THROWS_WITH_AS(run.load(dir / "bad"),
                       doctest::Contains("bad: is damaged: its checksum should be "), Error);
}

TEST_CASE("a run without trainable values can be saved as well") {
  const TempDir dir;
  TinyModel model;
  model.add("w", {2, 2});
  ParameterStore store(model);
  store.allocate();
  AdamW adamw(store.block());
  TrainingState state;
  state.optimizer = "adamw";
  state.step = 3;
  save_training_state(dir / "state", state, store, adamw.state());
  CHECK(load_training_state(dir / "state", "adamw", store, adamw.state()).step == 3);
}
