// What an encoder-decoder writes: the same ids with a cache as without, and whatever else is
// written beside them; and its output layer.
#include "models/generate.h"
#include "tests/models/writer.h"

using namespace testing;
using engine::Batch;

namespace {

// The likeliest id after `output`, from nothing but the whole sequence.
int32_t next_of(Writer& writer, const std::vector<int32_t>& source,
                const std::vector<int32_t>& output) {
  const Matrix all = writer.logits(batch_of({{source, output}}));
  Eigen::Index best = 0;
  all.row(all.rows() - 1).maxCoeff(&best);
  return static_cast<int32_t>(best);
}

}  // namespace

TEST_CASE("encoder-decoder: writing with a cache gives the ids that the whole sequence gives") {
  for (const std::string type : kEncoderDecoderTypes)
    for (const std::string spec :
         {"frozen", "prefix:length=3,flat=true", "prefix:length=2,flat=false,hidden=5",
          "prompt:length=2", "lora:r=2"}) {
      CAPTURE(type);
      CAPTURE(spec);
      Writer writer(type, spec);
      writer.leave_neutral();
      std::vector<std::vector<int32_t>> sources;
      for (const Pair& pair : kPairs) sources.push_back(pair.source);
      models::Generator generator(writer.model->model(), writer.model->vocabulary(),
                                  writer.workspace);
      // Batches of three: one source ends early, and a batch has one source alone.
      const auto all = generator.run(sources, {.max_new_tokens = 6, .end = {4}, .batch = 3});
      for (size_t s = 0; s < sources.size(); ++s) {
        CAPTURE(s);
        std::vector<int32_t> output = {2};
        for (const int32_t id : all[s].ids) {
          CHECK(next_of(writer, sources[s], output) == id);
          output.push_back(id);
        }
      }
    }
}

TEST_CASE("encoder-decoder: beams of one source are written as if it were alone") {
  Writer writer("bart");
  std::vector<std::vector<int32_t>> sources;
  for (const Pair& pair : kPairs) sources.push_back(pair.source);
  models::Generator generator(writer.model->model(), writer.model->vocabulary(), writer.workspace);
  const models::GenerateOptions options{
      .max_new_tokens = 7, .end = {4}, .beams = 3, .early_stopping = true};
  const auto together = generator.run(sources, options);
  for (size_t s = 0; s < sources.size(); ++s) {
    const auto alone = generator.run({sources[s]}, options);
    CHECK(alone[0].ids == together[s].ids);
    CHECK(std::abs(alone[0].score - together[s].score) < 1e-4);
  }
}

TEST_CASE("encoder-decoder: forced first and last ids") {
  Writer writer("bart");
  models::Generator generator(writer.model->model(), writer.model->vocabulary(), writer.workspace);
  for (const int beams : {1, 3}) {
    models::GenerateOptions options{.max_new_tokens = 5, .end = {4}, .beams = beams};
    options.min_new_tokens = 5;
    options.forced_first = 31;
    options.forced_last = {4};
    const auto written = generator.run({kPairs[0].source}, options)[0];
    REQUIRE(written.ids.size() == 5);
    CHECK(written.ids.front() == 31);
    CHECK(written.ids.back() == 4);
    CHECK(written.ended);
  }
}

TEST_CASE("encoder-decoder: an output layer that is no longer the words keeps the constant bias") {
  Writer writer("bart", "lora:r=2,roles=lm_head");
  writer.leave_neutral();
  engine::Parameter& constant = *writer.store->find("final_logits_bias");
  Scalar* values = writer.store->own(constant);
  for (int64_t i = 0; i < constant.count(); ++i) values[i] = static_cast<Scalar>(i % 7) / 3;
  const Batch batch = batch_of(kPairs);
  const Matrix before = writer.logits(batch);
  writer.strategy->merge(*writer.store);
  CHECK(distance(writer.logits(batch), before) < (kDouble ? 1e-12 : 1e-5));
  CHECK(writer.model->untied());
  engine::remove_merged_hooks(writer.model->sites());
  const engine::ParameterStore merged(*writer.model);
  std::vector<std::string> names;
  for (const engine::Parameter* p : merged.all())
    if (p->name.starts_with("lm_head") || p->name.starts_with("final")) names.push_back(p->name);
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"final_logits_bias", "lm_head.weight"});
  // A file of such a model has both, too.
  Json config = config_of("bart");
  config["tie_word_embeddings"] = false;
  models::ModelConfig untied = models::config_from_json(config, "bart");
  untied.head = models::HeadKind::language_model;
  models::SequenceClassifier model(untied);
  const engine::ParameterStore store(model);
  CHECK(store.find("final_logits_bias") != nullptr);
  CHECK(store.find("lm_head.weight") != nullptr);
  CHECK(store.find("lm_head.bias") == nullptr);
}
