// The page in a real browser: Chromium without a window, if there is one.
#include <doctest/doctest.h>

#include "apps/common/format.h"
#include "apps/compare/page.h"
#include "apps/compare/report.h"
#include "tests/apps/compare_runs.h"
#include "tests/support/browser.h"

using namespace apps;
using engine::Json;
using testing::run_record;
using testing::write_run;
namespace fs = std::filesystem;

namespace {

// Two tasks; three strategies with three seeds, one of them with two rates; curves and counts.
void write_example(const fs::path& dir) {
  for (const char* task : {"sst2", "mrpc"})
    for (const auto& [spec, trainable, base] : {std::tuple{"frozen", int64_t{770}, 0.65},
                                                {"lora:r=8", int64_t{74498}, 0.88},
                                                {"full", int64_t{22713986}, 0.885}})
      for (int seed = 1; seed <= 3; ++seed)
        for (const double lr : {1e-3, 2e-3}) {
          if (lr > 1e-3 && std::string(spec) != "lora:r=8") continue;
          std::string metrics;
          for (int i = 1; i <= 100; ++i)
            metrics += Json{{"step", i}, {"loss", 0.7 / i + 0.01 * seed}}.dump() + "\n";
          for (const int step : {50, 100})
            metrics += Json{{"step", step}, {"eval", {{"dev", {{"score", base}}}}}}.dump() + "\n";
          write_run(dir / engine::concat(task, "-", std::string(spec).substr(0, 4), lr, "-", seed),
                    run_record(spec, trainable, seed, base + 0.003 * seed - 2 * lr, lr, task),
                    metrics);
        }
}

}  // namespace

TEST_CASE("page: it needs nothing but itself") {
  testing::TempDir dir;
  write_example(dir.path());
  const Comparison c = compare_runs(find_runs(dir.path()));
  std::string page = html_report(summarise(c));
  CHECK(page.find(" src=") == std::string::npos);
  CHECK(page.find("@import") == std::string::npos);
  CHECK(page.find("url(") == std::string::npos);
  CHECK(page.find("default-src 'none'") != std::string::npos);
  CHECK(page.find("Chart.js v") != std::string::npos);
  // Every score is in a table without any script.
  CHECK(page.find("88.40 ± 0.30") != std::string::npos);
  CHECK(page.find("88.10 (1)  88.40 (2)  88.70 (3)") != std::string::npos);
  CHECK(page.find("naive Bayes on words 81.31") != std::string::npos);
  CHECK(page.find("RoBERTa-base") != std::string::npos);
}

TEST_CASE("page: colours go by strategy, shapes by its variants") {
  CHECK(colour_class("lora") == "s-lora");
  CHECK(colour_class("\"><script>") == "s-other");
  CHECK(short_model("/a/b/minilm/") == "minilm");
  CHECK(short_model("random:layers=2,hidden=128") == "random:layers=2,hidden=128");
}

TEST_CASE("page: a browser draws every chart without an error, from the numbers of the tables") {
  const auto browser = testing::chromium();
  if (!browser) return;
  testing::TempDir dir;
  write_example(dir / "runs");
  const Comparison c = compare_runs(find_runs(dir / "runs"));
  const Summary summary = summarise(c);
  const std::string page = html_report(summary);
  // Looks at the pixels after the last script.
  const std::string dom = testing::loaded(
      *browser, page,
      "document.documentElement.dataset.painted = [...document.querySelectorAll('canvas')]"
      ".filter(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
      ".some(v => v > 0)).length");
  const std::string root = testing::root_of(dom);
  CAPTURE(root);
  CHECK(root.find("data-error") == std::string::npos);
  size_t figures = 0;
  for (size_t at = 0; (at = page.find("<figure ", at)) != std::string::npos; ++at) ++figures;
  CHECK(figures == 1 + 2 * 7);
  CHECK(root.find(engine::concat("data-charts=\"", figures, "\"")) != std::string::npos);
  CHECK(root.find(engine::concat("data-painted=\"", figures, "\"")) != std::string::npos);
  // The numbers under a chart are read back from the chart.
  for (const Row& row : summary.rows) {
    const Group& group = *row.cells[0].group;
    const std::string cells = "<td>" + row.spec + "</td><td class=\"n\">" +
                              format_count(*group.first().trainable) + "</td><td class=\"n\">" +
                              format_number(100 * group.score.mean, 2) + "</td><td class=\"n\">" +
                              format_number(100 * half_interval(group.score), 2) + "</td>";
    CHECK_MESSAGE(dom.find(cells) != std::string::npos, cells);
  }
}
