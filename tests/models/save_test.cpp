// A fine-tuned classifier written as a Hugging Face folder, and read again.
#include "tests/models/trainer.h"

using namespace testing;
namespace fs = std::filesystem;

namespace {
constexpr engine::DType kExact = kDouble ? engine::DType::F64 : engine::DType::F32;
}

TEST_CASE("save_classifier, then open_model: bit-equal logits") {
  for (const std::string model :
       {"bert", "roberta", "electra", "distilbert", "bert-regression", "bert-nohead"}) {
    CAPTURE(model);
    TempDir folder;
    Subject subject(model, "full");
    const auto batches = golden_batches(model);
    if (model != "bert-nohead") {
      auto run = golden_run(subject, golden_json("bert", "steps/full.json"));
      for (int t = 0; t < 3; ++t) run.step(batches[0]);
    }
    models::save_classifier(folder / "out", *subject.model, *subject.store, kExact);
    Subject again((folder / "out").string());
    CHECK(again.report.missing.empty());
    CHECK(again.report.unexpected.empty());
    for (const auto& batch : batches) CHECK(same_bits(again.logits(batch), subject.logits(batch)));
    CHECK(again.source.config.labels.size() ==
          static_cast<size_t>(subject.source.config.num_labels));
  }
}

TEST_CASE("saving twice gives the same bytes, over a folder that is there") {
  TempDir folder;
  Subject subject("roberta", "frozen");
  models::save_classifier(folder.path(), *subject.model, *subject.store);
  const std::string weights = read_file(folder / "model.safetensors"),
                    config = read_file(folder / "config.json");
  models::save_classifier(folder.path(), *subject.model, *subject.store);
  CHECK(read_file(folder / "model.safetensors") == weights);
  CHECK(read_file(folder / "config.json") == config);
  Subject again(folder.path().string(), "frozen");
  models::save_classifier(folder.path(), *again.model,
                          *again.store);  // over the file that its weights are mapped from
  CHECK(read_file(folder / "model.safetensors") == weights);
}

TEST_CASE("a file of the golden's has the golden's tensors: names, sizes and bytes") {
  // Untrained F32 values go through unchanged in both builds.
  for (const auto& model : kModels) {
    CAPTURE(model);
    TempDir folder;
    Subject subject(model);
    models::save_classifier(folder.path(), *subject.model, *subject.store);
    const auto mine = engine::Safetensors::open(folder / "model.safetensors"),
               golden = engine::Safetensors::open(model_folder(model) / "model.safetensors");
    CHECK(mine.tensors().size() == golden.tensors().size());
    for (const auto& [name, tensor] : golden.tensors()) {
      const engine::SafeTensor& own = mine.at(name);
      CHECK(own.dims == tensor.dims);
      CHECK(own.dtype == tensor.dtype);
      CHECK(std::equal(own.data, own.data + own.bytes, tensor.data));
    }
  }
}

TEST_CASE("16-bit files are half as large, and near") {
  for (const auto dtype : {engine::DType::F16, engine::DType::BF16}) {
    TempDir folder;
    Subject subject("bert");
    models::save_classifier(folder.path(), *subject.model, *subject.store, dtype);
    Subject again(folder.path().string());
    CHECK(fs::file_size(folder / "model.safetensors") <
          fs::file_size(model_folder("bert") / "model.safetensors") * 6 / 10);
    const auto batch = golden_batches("bert")[0];
    CHECK(distance(again.logits(batch), subject.logits(batch)) <
          (dtype == engine::DType::F16 ? 1e-2 : 1e-1));
    // The goldens' F16 and BF16 files are rounded by torch: the same values.
    Subject torch(dtype == engine::DType::F16 ? "bert-f16" : "bert-bf16");
    CHECK(again.values() == torch.values());
  }
}

TEST_CASE("RoBERTa's positions begin behind the padding id, also after saving") {
  const auto batch = golden_batches("roberta")[0];
  TempDir folder;
  Subject subject("roberta");
  models::save_classifier(folder.path(), *subject.model, *subject.store);
  CHECK(engine::json_file(folder / "config.json")["pad_token_id"] == 1);
  Subject again(folder.path().string());
  CHECK(again.source.config.json["pad_token_id"] == 1);
  CHECK(again.source.config.longest_sequence() == 40);
  const Matrix before = again.logits(batch);
  engine::Parameter& table = again.at("roberta.embeddings.position_embeddings.weight");
  std::fill_n(table.value, 2 * 32, Scalar(100));  // rows 0 and 1: never used
  CHECK(same_bits(again.logits(batch), before));
  std::fill_n(table.value + 2 * 32, 32, Scalar(100));  // row 2: every first token
  CHECK(!same_bits(again.logits(batch), before));
}

TEST_CASE("RoBERTa has one token type: what the batch says of types does not matter") {
  auto batch = golden_batches("roberta")[0];
  Subject subject("roberta");
  const Matrix before = subject.logits(batch);
  std::fill(batch.types.begin(), batch.types.end(), 1);
  CHECK(same_bits(subject.logits(batch), before));
  Subject distil("distilbert");  // has none
  auto other = golden_batches("distilbert")[0];
  const Matrix distil_before = distil.logits(other);
  std::fill(other.types.begin(), other.types.end(), 1);
  CHECK(same_bits(distil.logits(other), distil_before));
}
