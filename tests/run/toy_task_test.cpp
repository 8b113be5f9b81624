// A kind of task in one file, and nothing else: it trains, resumes, predicts, is opened again from
// its run and merged.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <sstream>

#include "apps/merge/merge.h"
#include "engine/ops/loss.h"
#include "engine/train/metrics.h"
#include "run/finetune.h"
#include "run/predictor.h"
#include "tests/support/paths.h"

namespace {

namespace fs = std::filesystem;

// One class against the rest: a yes or no for each of them, of which exactly one is right.
class OneVsRest final : public tasks::Task {
 public:
  using Task::Task;

  engine::Tensor loss(engine::Graph& g, const engine::Tensor& outputs,
                      const engine::TokenBatch& batch) const override {
    std::vector<double> targets(static_cast<size_t>(outputs.size()), 0);
    for (size_t i = 0; i < batch.labels.size(); ++i)
      targets[i * static_cast<size_t>(outputs.cols()) + static_cast<size_t>(batch.labels[i])] = 1;
    return engine::binary_cross_entropy(g, outputs, targets.data());
  }
  void predict(const engine::Tensor& outputs, const engine::TokenBatch& batch,
               tasks::Predictions& to) const override {
    for (int64_t i = 0; i < outputs.rows(); ++i) {
      const auto at = static_cast<size_t>(batch.examples[static_cast<size_t>(i)]);
      Eigen::Index best = 0;
      outputs.row_array(i).maxCoeff(&best);
      to.predicted[at] = static_cast<double>(best);
      for (int64_t c = 0; c < outputs.cols(); ++c)
        to.outputs[at * static_cast<size_t>(outputs.cols()) + static_cast<size_t>(c)] =
            1 / (1 + std::exp(-static_cast<double>(outputs.row(i)[c])));
    }
  }
  engine::Json score(const tasks::Predictions& p, const data::EncodedSplit& split) const override {
    const double right = engine::accuracy(p.predicted, split.labels());
    return {{"accuracy", right}, {"score", right}, {"loss", p.loss}, {"examples", split.size()}};
  }
  std::string answer(const tasks::Predictions& p, int64_t example) const override {
    return info_.label_name(static_cast<int64_t>(p.predicted[static_cast<size_t>(example)]));
  }
  std::string label(const data::EncodedSplit& split, int64_t example) const override {
    return info_.label_name(static_cast<int64_t>(split.labels()[static_cast<size_t>(example)]));
  }
  std::vector<std::string> output_names() const override { return info_.labels; }
};

class StopAfter final : public run::Watcher {
 public:
  explicit StopAfter(int asked) : left_(asked) {}
  bool stop() override { return left_ >= 0 && left_-- == 0; }

 private:
  int left_;
};

}  // namespace

TEST_CASE("a toy task of one file trains, resumes, predicts and merges") {
  tasks::add_kind({"one_vs_rest", [](const data::TaskInfo& info, const tasks::Options& options) {
                     return std::unique_ptr<tasks::Task>(
                         std::make_unique<OneVsRest>(info, options));
                   }});
  testing::TempDir temp;
  std::string csv = "text,label\n";
  for (int i = 0; i < 24; ++i)
    csv += i % 3 == 0   ? "warm soup,food\n"
           : i % 3 == 1 ? "a dull film,film\n"
                        : "kind people,other\n";
  testing::write_file(temp / "d.csv", csv);
  run::FinetuneSettings s;
  s.kind = "one_vs_rest";
  s.train = s.dev = (temp / "d.csv").string();
  s.model = "random:layers=1,hidden=64,heads=2,ffn=64,positions=32";
  s.tokenizer = (testing::source_dir() / "data/pretrained/peft-2x256").string();
  s.strategy = "lora:r=4";
  s.batch_size = 4;
  s.epochs = 20;
  s.lr = 1e-2;
  s.dropout = 0;
  s.threads = 2;
  s.out = (temp / "whole").string();
  StopAfter never(-1), early(5);
  const engine::Json record = run::finetune(s, never).record;
  CHECK(record.at("metrics").at("dev").at("accuracy").get<double>() == 1);

  run::FinetuneSettings part = s;
  part.out = (temp / "part").string();
  CHECK_FALSE(run::finetune(part, early).finished);
  part.resume = true;
  CHECK(run::finetune(part, never).finished);
  const auto adapter = [](const run::FinetuneSettings& settings) {
    return testing::read_file(fs::path(settings.out) / "adapter" / "adapter_model.safetensors");
  };
  CHECK(adapter(s) == adapter(part));

  std::ostringstream log;
  apps::merge_adapter({"", s.out, temp / "merged", "F32"}, log);
  for (const run::PredictRequest& request :
       {run::PredictRequest{{.run = s.out}},
        run::PredictRequest{{.model = (temp / "merged").string()}}}) {
    run::Predictor predictor(request);
    const std::vector<data::Example> texts = {{.a = "kind people"}, {.a = "warm soup"}};
    const auto p = predictor.predict(predictor.encode(texts));
    CHECK(predictor.task().answer(p, 0) == "other");
    CHECK(predictor.task().answer(p, 1) == "food");
  }
}
