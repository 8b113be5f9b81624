// What analyses say of runs: against numpy, and against what was trained.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include "run/analyze/ablation.h"
#include "run/analyze/bias_change.h"
#include "run/analyze/subspace.h"
#include "run/finetune.h"
#include "tests/support/paths.h"

namespace {

namespace fs = std::filesystem;

Eigen::MatrixXd matrix(const engine::Json& rows) {
  Eigen::MatrixXd m(static_cast<Eigen::Index>(rows.size()),
                    static_cast<Eigen::Index>(rows[0].size()));
  for (Eigen::Index i = 0; i < m.rows(); ++i)
    for (Eigen::Index j = 0; j < m.cols(); ++j)
      m(i, j) = rows[static_cast<size_t>(i)][static_cast<size_t>(j)].get<double>();
  return m;
}

// A run of a random model of two layers on 24 rows, finished.
fs::path trained(const testing::TempDir& temp, const std::string& name, const std::string& strategy,
                 uint64_t seed = 7) {
  std::string csv = "text,label\n";
  for (int i = 0; i < 24; ++i)
    csv += i % 2 ? "a lovely warm film with kind people,good\n"
                 : "a dull cold film of rude people,bad\n";
  testing::write_file(temp / "d.csv", csv);
  run::FinetuneSettings s;
  s.train = s.dev = (temp / "d.csv").string();
  s.model = "random:layers=2,hidden=64,heads=2,ffn=64,positions=32";
  s.tokenizer = (testing::source_dir() / "data/pretrained/peft-2x256").string();
  s.strategy = strategy;
  s.out = (temp / name).string();
  s.batch_size = 8;
  s.epochs = 12;
  s.dropout = 0;
  s.lr = 1e-2;
  s.seed = seed;
  s.threads = 1;
  run::Watcher watcher;
  CHECK(run::finetune(s, watcher).finished);
  return temp / name;
}

}  // namespace

TEST_CASE("subspace similarity and amplification are numpy's") {
  for (const engine::Json& c : engine::json_file(testing::golden("subspace.json"))) {
    const run::LowRankUpdate update{.path = "x",
                                    .a = matrix(c["a"]),
                                    .b = matrix(c["b"]),
                                    .weight = matrix(c["weight"]),
                                    .scale = c["scale"]};
    const Eigen::MatrixXd found = run::similarity(update.a, matrix(c["other"]));
    const Eigen::MatrixXd wanted = matrix(c["similarity"]);
    REQUIRE(found.rows() == wanted.rows());
    REQUIRE(found.cols() == wanted.cols());
    CHECK((found - wanted).cwiseAbs().maxCoeff() < 1e-9);
    const run::Grid grid = run::amplification_grid({update});
    for (size_t k = 0; k < 6; ++k)
      CHECK(grid.at(0, k) == doctest::Approx(c["amplification"][k].get<double>()).epsilon(1e-9));
  }
  CHECK_THROWS_AS(run::similarity(Eigen::MatrixXd::Ones(1, 3), Eigen::MatrixXd::Ones(1, 4)),
                  engine::Error);
  const Eigen::MatrixXd no_number = Eigen::MatrixXd::Constant(2, 5, std::nan(""));
  CHECK_THROWS_AS(run::similarity(no_number, no_number), engine::Error);
}

TEST_CASE("change of biases: all that learned, and a key's hardly does") {
  testing::TempDir temp;
  run::TrainedRun run(trained(temp, "b", "bitfit").string());
  const run::Grid grid = run::bias_change(run);
  CHECK(grid.columns == std::vector<std::string>{"0", "1", "mean"});
  std::map<std::string, size_t> rows;
  for (size_t r = 0; r < grid.rows.size(); ++r) rows[grid.rows[r]] = r;
  const size_t key = rows.at("attention.self.key.bias");
  const size_t query = rows.at("attention.self.query.bias");
  const size_t ffn = rows.at("intermediate.dense.bias");
  CHECK(grid.at(key, 2) < 0.3 * grid.at(query, 2));
  CHECK(grid.at(ffn, 2) > 1e-3);
  CHECK(grid.at(ffn, 2) == doctest::Approx((grid.at(ffn, 0) + grid.at(ffn, 1)) / 2));
  // By hand, from the adapter's file: a fresh bias is zero.
  const auto file = peft::load_adapter(temp / "b" / "adapter");
  double sum = 0;
  int64_t count = 0;
  for (const auto& [name, tensor] : file.tensors)
    if (name.ends_with("layer.1.intermediate.dense.bias")) count = tensor.dims[0];
  REQUIRE(count == 64);
  const engine::Parameter* p =
      run.after.model().store->find("bert.encoder.layer.1.intermediate.dense.bias");
  for (int64_t i = 0; i < count; ++i) sum += std::abs(static_cast<double>(p->value[i]));
  CHECK(grid.at(ffn, 1) == doctest::Approx(sum / static_cast<double>(count)));

  run::TrainedRun none(trained(temp, "f", "frozen").string());
  CHECK_THROWS_AS(run::bias_change(none), engine::Error);
}

TEST_CASE("overlap of a run's updates with themselves is whole") {
  testing::TempDir temp;
  run::TrainedRun one(trained(temp, "l", "lora:r=3").string());
  const auto updates = run::low_rank_updates(one);
  CHECK(updates.size() == 4);
  const run::Grid same = run::subspace_grid(updates, updates);
  for (size_t i = 0; i < 3; ++i) CHECK(same.at(i, i) == doctest::Approx(1));
  run::TrainedRun other(trained(temp, "m", "lora:r=5", 8).string());
  const run::Grid grid = run::subspace_grid(updates, run::low_rank_updates(other));
  CHECK(grid.rows.size() == 3);
  CHECK(grid.columns.size() == 5);
  for (const double value : grid.values) CHECK((value >= 0 && value <= 1 + 1e-9));
  CHECK_THROWS_AS(run::subspace_grid(updates, updates, "no.such.layer"), engine::Error);
  const run::Grid sizes = run::amplification_grid(updates);
  CHECK(sizes.rows.size() == 4);
  for (size_t r = 0; r < 4; ++r) CHECK(sizes.at(r, 1) > 0);
}

TEST_CASE("taking a layer's change out and putting it back") {
  testing::TempDir temp;
  run::TrainedRun run(trained(temp, "a", "lora:r=2,layers=0").string());
  double whole = 0;
  const run::Grid grid = run::layer_ablation(run, whole);
  CHECK(whole > 0.9);
  CHECK(grid.at(1, 1) == 0);  // nothing learned there
  CHECK(grid.at(0, 0) == grid.at(0, 1));
  CHECK(std::isnan(grid.at(1, 0)));
  double again = 0;
  run::layer_ablation(run, again);
  CHECK(again == whole);
  int calls = 0;
  run::layer_ablation(run, again, 5, [&](int, int all) {
    CHECK(all == 3);
    return ++calls < 2;
  });
  CHECK(calls == 2);
  run::TrainedRun prefix(trained(temp, "p", "prefix:length=2").string());
  CHECK_THROWS_AS(run::layer_ablation(prefix, again), engine::Error);
}
