// What the models compute, against an independent implementation (tools/goldens).
#include "tests/models/subject.h"

using namespace testing;

namespace {

struct Variant {
  const char* name;
  bool head;  // the golden has logits: the file has a head
};
const Variant kVariants[] = {
    {"bert", true},         {"roberta", true},        {"electra", true},  {"distilbert", true},
    {"bert-legacy", false}, {"bert-nohead", false},   {"bert-f16", true}, {"bert-bf16", true},
    {"bert-sharded", true}, {"bert-regression", true}};

// tanh(W h + b) of each sequence's first row, in this test's own arithmetic: the pooler's result
// has no accessor.
Matrix pooled(const Subject& s, const Matrix& hidden, const engine::Segments& segments) {
  const engine::Parameter &w = s.at("bert.pooler.dense.weight"),
                          &b = s.at("bert.pooler.dense.bias");
  Matrix out(segments.count(), w.shape.rows);
  for (int i = 0; i < segments.count(); ++i)
    for (int64_t j = 0; j < w.shape.rows; ++j) {
      double sum = b.value[j];
      for (int64_t k = 0; k < w.shape.cols; ++k)
        sum += double(w.value[j * w.shape.cols + k]) * hidden(segments.begin(i), k);
      out(i, j) = static_cast<Scalar>(std::tanh(sum));
    }
  return out;
}

}  // namespace

TEST_CASE("hidden states, logits and losses are the goldens'") {
  for (const Variant& variant : kVariants) {
    CAPTURE(variant.name);
    Worst worst(std::string("logits ") + variant.name);
    Subject subject(variant.name);
    const Json golden = golden_json(variant.name, "logits.json")["batches"];
    const auto batches = golden_batches(variant.name);
    REQUIRE(golden.size() == batches.size());
    for (size_t b = 0; b < batches.size(); ++b) {
      const Json& wanted = golden[b];
      const Matrix hidden = subject.hidden(batches[b]);
      worst.take(distance(hidden, wanted["hidden"]));
      if (wanted.contains("pooled"))
        worst.take(distance(pooled(subject, hidden, batches[b].segments), wanted["pooled"]));
      REQUIRE(wanted.contains("logits") == variant.head);
      if (!variant.head) continue;
      worst.take(distance(subject.logits(batches[b]), wanted["logits"]));
      worst.take(distance(subject.loss(batches[b]), wanted["loss"].get<double>()));
    }
    CHECK(worst.value < kClose);
  }
}

TEST_CASE("the loss is the same whether or not it is recorded") {
  for (const auto& name : kModels) {
    CAPTURE(name);
    Subject subject(name);
    for (const auto& batch : golden_batches(name))
      CHECK(subject.backward(batch) == subject.loss(batch));
  }
}

TEST_CASE("a fused head with the pooler reaches the goldens' logits from the pooled state") {
  Subject subject("bert");
  const auto batch = golden_batches("bert")[0];
  const Matrix p = pooled(subject, subject.hidden(batch), batch.segments),
               logits = subject.logits(batch);
  const engine::Parameter &w = subject.at("classifier.weight"), &b = subject.at("classifier.bias");
  const Matrix own =
      (p * engine::ConstMatrixMap(w.value, w.shape.rows, w.shape.cols).transpose()).rowwise() +
      engine::ConstMatrixMap(b.value, 1, b.count()).row(0);
  CHECK(distance(logits, own) < kClose);
}
