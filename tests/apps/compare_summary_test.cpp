// Which setting stands for a strategy, which differences are larger than their error, what costs.
#include <doctest/doctest.h>

#include "apps/compare/cost.h"
#include "apps/compare/published.h"
#include "apps/compare/report.h"
#include "apps/compare/summary.h"
#include "tests/apps/compare_runs.h"

using namespace apps;
using testing::run_record;
using testing::write_run;

namespace {

const Row& row(const Summary& summary, const std::string& spec) {
  for (const Row& r : summary.rows)
    if (r.spec == spec) return r;
  FAIL("no row ", spec);
  return summary.rows.front();
}

}  // namespace

TEST_CASE("summary: of several rates, the best over the seeds that all have is chosen") {
  testing::TempDir dir;
  // 1e-3 has the best single score, 2e-3 the best mean over seeds 1 and 2, 4e-3 only seed 1 and 2.
  const std::vector<std::pair<double, std::vector<double>>> rates = {
      {1e-3, {0.90, 0.80, 0.99}}, {2e-3, {0.88, 0.87}}, {4e-3, {0.70, 0.71}}};
  for (const auto& [lr, scores] : rates)
    for (size_t i = 0; i < scores.size(); ++i)
      write_run(dir / engine::concat(lr, "-", i),
                run_record("lora", 1000, static_cast<int>(i) + 1, scores[i], lr));
  write_run(dir / "full", run_record("full", 4386178, 1, 0.9));
  const Comparison c = compare_runs(find_runs(dir.path()));
  const Summary s = summarise(c);
  REQUIRE(s.rows.size() == 2);
  const Cell& cell = row(s, "lora").cells[0];
  CHECK(cell.settings == 3);
  CHECK(cell.group->first().learning_rate() == 2e-3);
  CHECK(cell.how == "lr=0.002, the best of 3 settings by the mean over seeds 1 2");
  CHECK(row(s, "full").cells[0].how.empty());
  CHECK(selections(s).size() == 1);
}

TEST_CASE("summary: best only where the paired difference is larger than its error") {
  testing::TempDir dir;
  const auto seeds = [&](const std::string& spec, int64_t trainable, std::vector<double> scores) {
    for (size_t i = 0; i < scores.size(); ++i)
      write_run(dir / engine::concat(spec, i),
                run_record(spec, trainable, static_cast<int>(i) + 1, scores[i]));
  };
  // The seeds differ by 10 points, the strategies always by 2 within 0.1: separated when paired.
  seeds("lora", 100, {0.72, 0.82, 0.92});
  seeds("bitfit", 50, {0.70, 0.801, 0.899});
  {
    const Comparison c = compare_runs(find_runs(dir.path()));
    const Summary s = summarise(c);
    CHECK(s.paired);
    CHECK(row(s, "lora").cells[0].mark == Mark::best);
    CHECK(row(s, "bitfit").cells[0].mark == Mark::none);
    CHECK(markdown_report(s).find("**82.00 ± 10.00**") != std::string::npos);
  }
  seeds("ia3", 20, {0.75, 0.80, 0.90});  // once above, twice below
  {
    const Comparison c = compare_runs(find_runs(dir.path()));
    const Summary s = summarise(c);
    CHECK(row(s, "lora").cells[0].mark == Mark::close);
    CHECK(row(s, "ia3").cells[0].mark == Mark::close);
    CHECK(row(s, "bitfit").cells[0].mark == Mark::none);
  }
  testing::TempDir one;
  write_run(one / "a", run_record("lora", 100, 1, 0.9));
  write_run(one / "b", run_record("bitfit", 50, 1, 0.1));
  const Comparison c = compare_runs(find_runs(one.path()));
  const Summary s = summarise(c);
  CHECK_FALSE(s.paired);
  CHECK(row(s, "lora").cells[0].mark == Mark::none);  // one seed has no error
}

TEST_CASE("summary: the average is over tasks, of rows that have all of them") {
  testing::TempDir dir;
  for (const int seed : {1, 2}) {
    write_run(dir / engine::concat("a", seed), run_record("lora", 100, seed, 0.8 + 0.02 * seed));
    write_run(dir / engine::concat("b", seed),
              run_record("lora", 100, seed, 0.6 + 0.04 * seed, 1e-3, "rte"));
  }
  write_run(dir / "c", run_record("full", 4386178, 1, 0.9));
  const Comparison c = compare_runs(find_runs(dir.path()));
  const Summary s = summarise(c);
  CHECK(s.tasks == std::vector<std::string>{"sst2", "rte"});
  const Row& lora = row(s, "lora");
  REQUIRE(lora.average);
  CHECK(lora.average->mean == doctest::Approx((0.83 + 0.66) / 2));
  CHECK(lora.by_seed[0] == doctest::Approx((0.82 + 0.64) / 2));
  CHECK(lora.average->count == 2);
  CHECK_FALSE(row(s, "full").average);
  CHECK(frontier(s, 0, "bert-tiny").size() == 2);
  CHECK(frontier(s, 1, "bert-tiny").size() == 1);
}

TEST_CASE("cost: beside full fine-tuning, by token, with the reason") {
  testing::TempDir dir;
  write_run(dir / "1", run_record("frozen", 10, 1, 0.6));
  auto twice =
      run_record("bitfit", 100, 1, 0.8);  // a run of twice the length costs no more a token
  for (const char* key : {"forward_flops", "input_gradient_flops", "weight_gradient_flops"})
    twice["counts"][key] = twice["counts"][key].get<double>() * 2;
  twice["counts"]["tokens"] = 2000000;
  write_run(dir / "2", twice);
  write_run(dir / "3", run_record("full", 4386178, 1, 0.9));
  const Comparison c = compare_runs(find_runs(dir.path()));
  const Summary s = summarise(c);
  const auto bitfit = cost_ratio(s, 0, row(s, "bitfit"));
  REQUIRE(bitfit);
  CHECK(bitfit->beside == "full");
  CHECK(bitfit->products == doctest::Approx(8.004 / 12));
  CHECK(bitfit->input_gradient == doctest::Approx(1));
  CHECK(*bitfit->saved == doctest::Approx(0.5));
  CHECK(why(s, 0, row(s, "bitfit")) ==
        "67 % of full's products: hardly any weight gradients (0.1 %), but all input gradients, "
        "since the gradient has to reach the first layer; saved for backward: 50 % of its bytes");
  CHECK(why(s, 0, row(s, "frozen")).find("33 % of full's products: forward only") == 0);
  CHECK(why(s, 0, row(s, "full")).find("the measure of the others") == 0);
  CHECK_FALSE(predict(*row(s, "full").cells[0].group));  // the record has no config
}

TEST_CASE("cost: a stranger's model is not planned when its sizes are nonsense") {
  testing::TempDir dir;
  auto json = run_record("full", 100, 1, 0.6);
  json["settings"]["batch_size"] = 32;
  json["model"]["config"] = {{"model_type", "bert"},           {"hidden_size", 32},
                             {"num_hidden_layers", 2},         {"num_attention_heads", 4},
                             {"intermediate_size", 64},        {"vocab_size", 100},
                             {"max_position_embeddings", 128}, {"type_vocab_size", 2}};
  write_run(dir / "a", json);
  const Comparison good = compare_runs(find_runs(dir.path()));
  const auto predicted = predict(good.groups[0]);
  REQUIRE(predicted);
  CHECK(predicted->backward_flops > 0);
  CHECK(predicted->saved_bytes > 0);
  json["model"]["config"]["num_hidden_layers"] = 1e12;
  write_run(dir / "a", json);
  const Comparison bad = compare_runs(find_runs(dir.path()));
  CHECK_FALSE(predict(bad.groups[0]));
}

TEST_CASE("published: every table has a source, and its scores are of its metrics' tasks") {
  REQUIRE(published_tables().size() >= 6);
  for (const PublishedTable& table : published_tables()) {
    CHECK(!table.paper.empty());
    CHECK(!table.model.empty());
    if (!table.checked) CHECK(table.note.find("not read again") != std::string::npos);
    for (const PublishedRow& r : table.rows)
      for (const auto& [task, score] : r.scores) {
        CHECK(table.metrics.contains(task));
        CHECK(score.mean >= 0);
        CHECK(score.mean <= 100);
      }
  }
  const auto mrpc = reference_lines("mrpc");
  CHECK(*reference_score(mrpc.at("majority"), {"accuracy", "f1"}) ==
        doctest::Approx((68.38 + 81.22) / 2));
  CHECK_FALSE(reference_score(mrpc.at("majority"), {"pearson"}));
  CHECK(reference_lines("my-own").empty());
}
