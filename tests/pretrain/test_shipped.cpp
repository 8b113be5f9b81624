// The models that ship with the project, against PyTorch reading the same files
// (tools/goldens/pretrained.py).
#include <doctest/doctest.h>

#include <cmath>

#include "data/tokenizer.h"
#include "engine/io/json.h"
#include "models/masked_lm.h"
#include "models/pretrained.h"
#include "tests/support/paths.h"

namespace {

using engine::Json;
constexpr double kClose = 1e-4;

struct Shipped {
  explicit Shipped(const std::string& folder)
      : source(models::open_model((testing::source_dir() / folder).string())),
        model([&] {
          source.config.set_dropout(0);
          return source.config;
        }()),
        store(model) {
    store.allocate();
    const engine::LoadReport report = models::load_weights(source, store, 1, false);
    CHECK(report.missing.empty());
    CHECK(report.unexpected.empty());
  }
  models::ModelSource source;
  models::MaskedLm model;
  engine::ParameterStore store;
  engine::Workspace workspace;
};

}  // namespace

TEST_CASE("shipped models give the logits that PyTorch gets from the same files") {
  const auto golden = engine::json_file(testing::source_dir() / "tests/golden/pretrained.json");
  REQUIRE(!golden.at("models").empty());
  for (const Json& each : golden.at("models")) {
    Shipped shipped(each.at("folder"));
    const auto tokenizer = data::load_tokenizer(
        (testing::source_dir() / each.at("folder").get<std::string>()).string());
    CHECK(tokenizer->vocab_size() == shipped.source.config.facts.vocab);
    for (const Json& c : each.at("cases")) {
      CAPTURE(c.at("text").get<std::string>());
      engine::TokenBatch batch;
      batch.ids = c.at("input_ids").get<std::vector<int32_t>>();
      batch.types = c.at("token_type_ids").get<std::vector<int32_t>>();
      batch.segments.add(static_cast<int32_t>(batch.ids.size()));
      const auto rows = c.at("rows").get<std::vector<int32_t>>();
      engine::Graph g(shipped.workspace, {.record = false});
      const auto close = [&](double value, const Json& expected) {
        CHECK(std::abs(value - expected.get<double>()) < kClose);
      };

      const engine::Tensor first = shipped.model.encode_rows(g, batch, {0});
      for (int64_t i = 0; i < first.cols(); ++i)
        close(static_cast<double>(first.row(0)[i]), c.at("hidden_first")[static_cast<size_t>(i)]);

      const engine::Tensor logits = shipped.model.logits(g, batch, rows);
      for (size_t r = 0; r < rows.size(); ++r) {
        const auto row = logits.row_array(static_cast<int64_t>(r));
        for (int64_t i = 0; i < row.size(); i += 64)
          close(static_cast<double>(row[i]),
                c.at("logits_every_64th")[r][static_cast<size_t>(i / 64)]);
        Eigen::Index best = 0;
        const double most = static_cast<double>(row.maxCoeff(&best));
        CHECK(best == c.at("best")[r].get<int64_t>());
        close(most + std::log(static_cast<double>((row - row[best]).exp().sum())),
              c.at("log_sum_exp")[r]);
      }
    }
  }
}
