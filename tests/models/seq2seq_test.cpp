// What must hold of any encoder-decoder: the same values whatever is computed beside them, the same
// ids with a cache as without, right gradients with every strategy, dry runs that count what steps
// do. Values against transformers are in encoder_decoder_test.cpp.
#include "engine/autograd/gradcheck.h"
#include "engine/base/counters.h"
#include "engine/train/step_cost.h"
#include "models/generate.h"
#include "tests/models/subject.h"

using namespace testing;
using engine::Batch;
using engine::Graph;
using engine::Tensor;

namespace {

constexpr const char* kTypes[] = {"bart", "mbart", "t5"};

const std::vector<std::string> kTrained = {"full",
                                           "top:layers=1",
                                           "bitfit",
                                           "norm",
                                           "ia3",
                                           "lora:r=2,alpha=4",
                                           "lora:r=2,roles=query+value,stacks=decoder+cross",
                                           "adapter:kind=houlsby,size=4",
                                           "adapter:kind=parallel,size=4,activation=gelu",
                                           "prefix:length=3,flat=true",
                                           "prefix:length=3,flat=false,hidden=6",
                                           "prefix:length=3,flat=true,stacks=cross",
                                           "prompt:length=2"};

// T5 has no biases.
std::vector<std::string> trained(const std::string& type) {
  std::vector<std::string> specs = kTrained;
  if (type == "t5") std::erase(specs, "bitfit");
  return specs;
}

// Odd sizes, and stacks that differ.
Json config_of(const std::string& type) {
  if (type == "t5")
    return {{"model_type", type},
            {"vocab_size", 41},
            {"d_model", 12},
            {"d_kv", 5},
            {"d_ff", 20},
            {"num_layers", 2},
            {"num_decoder_layers", 3},
            {"num_heads", 2},
            {"relative_attention_num_buckets", 6},
            {"relative_attention_max_distance", 5},
            {"dropout_rate", 0.0},
            {"feed_forward_proj", "gated-gelu"},
            {"decoder_start_token_id", 2}};
  return {{"model_type", type},
          {"vocab_size", 41},
          {"max_position_embeddings", 24},
          {"d_model", 12},
          {"encoder_layers", 2},
          {"decoder_layers", 3},
          {"encoder_attention_heads", 3},
          {"decoder_attention_heads", 2},
          {"encoder_ffn_dim", 20},
          {"decoder_ffn_dim", 14},
          {"activation_function", "gelu"},
          {"dropout", 0.0},
          {"attention_dropout", 0.0},
          {"init_std", 0.3},
          {"scale_embedding", type == "mbart"},
          {"decoder_start_token_id", 2}};
}

struct Pair {
  std::vector<int32_t> source, output;
};
const std::vector<Pair> kPairs = {{{5, 9, 33, 7}, {2, 17, 4}},
                                  {{8}, {2, 6, 11, 29, 3}},
                                  {{12, 13, 40, 1, 0, 22, 9}, {2}},
                                  {{3, 3, 3}, {2, 38}}};

Batch batch_of(const std::vector<Pair>& pairs) {
  Batch batch;
  for (const Pair& pair : pairs) {
    batch.ids.insert(batch.ids.end(), pair.source.begin(), pair.source.end());
    batch.segments.add(static_cast<int32_t>(pair.source.size()));
    batch.output.ids.insert(batch.output.ids.end(), pair.output.begin(), pair.output.end());
    batch.output.segments.add(static_cast<int32_t>(pair.output.size()));
    for (size_t i = 0; i < pair.output.size(); ++i)
      batch.targets.push_back(i + 1 < pair.output.size() ? pair.output[i + 1] : 4);
  }
  return batch;
}

struct Writer {
  explicit Writer(const std::string& type, const std::string& spec = "frozen", bool values = true) {
    models::ModelConfig config = models::config_from_json(config_of(type), type);
    config.head = models::HeadKind::language_model;
    model = std::make_unique<models::SequenceClassifier>(config);
    strategy = peft::make_strategy(spec);
    auto sites = model->sites();
    peft::apply(*strategy, sites, *model);
    if (!values) return;
    store = std::make_unique<engine::ParameterStore>(*model);
    store->allocate();
    store->initialise(3);
    workspace.pool.set_poison(true);
  }
  // Away from the neutral start, where half the gradients are zero.
  void leave_neutral() {
    engine::Random random(7);
    for (engine::Parameter* p : store->all())
      if (p->role == engine::Role::injected)
        for (int64_t i = 0; i < p->count(); ++i)
          store->own(*p)[i] += static_cast<Scalar>(0.2 * random.normal());
  }
  Tensor loss(Graph& g, const Batch& batch) {
    return model->vocabulary().loss(g, model->encode(g, batch), batch.targets);
  }
  Matrix logits(const Batch& batch) {
    Graph g(workspace, {.record = false});
    return model->vocabulary().logits(g, model->encode(g, batch)).mat();
  }

  engine::Workspace workspace;
  std::unique_ptr<models::SequenceClassifier> model;
  std::unique_ptr<peft::Strategy> strategy;
  std::unique_ptr<engine::ParameterStore> store;
};

// The likeliest id after `output`, from nothing but the whole sequence.
int32_t next_of(Writer& writer, const std::vector<int32_t>& source,
                const std::vector<int32_t>& output) {
  const Matrix all = writer.logits(batch_of({{source, output}}));
  Eigen::Index best = 0;
  all.row(all.rows() - 1).maxCoeff(&best);
  return static_cast<int32_t>(best);
}

}  // namespace

TEST_CASE("encoder-decoder: what is beside a pair in a batch does not change it") {
  for (const std::string type : kTypes) {
    CAPTURE(type);
    Writer writer(type);
    const Matrix together = writer.logits(batch_of(kPairs));
    int64_t row = 0;
    for (const Pair& pair : kPairs) {
      const Matrix alone = writer.logits(batch_of({pair}));
      CHECK(distance(Matrix(together.middleRows(row, alone.rows())), alone) <
            (kDouble ? 1e-12 : 1e-5));
      row += alone.rows();
    }
  }
}

TEST_CASE("encoder-decoder: some rows alone are the same values, for less work") {
  for (const std::string type : kTypes) {
    CAPTURE(type);
    Writer writer(type, "prefix:length=2,flat=true");
    const Batch batch = batch_of(kPairs);
    const std::vector<int32_t> rows = {0, 2, 3, 7, 10};
    Graph g(writer.workspace, {.record = false});
    const Matrix all = writer.model->encode(g, batch).mat();
    const Matrix some = writer.model->encode_at(g, batch, rows).mat();
    REQUIRE(some.rows() == 5);
    for (size_t i = 0; i < rows.size(); ++i)
      CHECK(distance(Matrix(some.row(static_cast<int64_t>(i))), Matrix(all.row(rows[i]))) <
            (kDouble ? 1e-12 : 1e-5));
  }
}

TEST_CASE("encoder-decoder: an output sees its own source alone, and not what comes after it") {
  Writer writer("bart");
  std::vector<Pair> pairs = kPairs;
  const Matrix before = writer.logits(batch_of(pairs));
  pairs[1].source[0] = 30;
  pairs[3].output[1] = 20;
  const Matrix after = writer.logits(batch_of(pairs));
  const auto same = [&](int64_t begin, int64_t rows) {
    return distance(Matrix(before.middleRows(begin, rows)), Matrix(after.middleRows(begin, rows))) <
           1e-6;
  };
  CHECK(same(0, 3));
  for (int64_t row = 3; row < 8; ++row) CHECK(!same(row, 1));
  CHECK(same(8, 2));
  CHECK(!same(10, 1));
}

TEST_CASE("encoder-decoder: writing with a cache gives the ids that the whole sequence gives") {
  for (const std::string type : kTypes)
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

TEST_CASE("encoder-decoder: the directional derivative is <gradient, direction>" *
          doctest::skip(!kDouble)) {
  const Batch batch = batch_of(kPairs);
  for (const std::string type : kTypes)
    for (const std::string& spec : trained(type)) {
      CAPTURE(type);
      CAPTURE(spec);
      Writer writer(type, spec);
      writer.leave_neutral();
      const std::vector<engine::Leaf*> leaves(writer.store->trainable().begin(),
                                              writer.store->trainable().end());
      const auto error = engine::directional_check(
          writer.workspace, leaves, [&](Graph& g) { return writer.loss(g, batch); }, {.seed = 4});
      CAPTURE(error.text());
      CHECK(error.relative < 1e-7);
    }
}

TEST_CASE("encoder-decoder: injecting changes no bit, but a prefix") {
  const Batch batch = batch_of(kPairs);
  for (const std::string type : kTypes) {
    Writer plain(type);
    const Matrix before = plain.logits(batch);
    for (const std::string& spec : trained(type)) {
      CAPTURE(type);
      CAPTURE(spec);
      Writer writer(type, spec);
      const bool front = spec.starts_with("prefix") || spec.starts_with("prompt");
      CHECK(same_bits(writer.logits(batch), before) == !front);
    }
  }
}

TEST_CASE("encoder-decoder: a dry run counts what a step does") {
  const Batch batch = batch_of(kPairs);
  for (const std::string type : kTypes)
    for (const std::string& spec : trained(type))
      for (const int64_t pieces : {0, 12}) {
        CAPTURE(type);
        CAPTURE(spec);
        CAPTURE(pieces);
        Writer writer(type, spec);
        engine::Pieces cut;
        cut.cut(batch, pieces);
        const engine::Counters before = engine::counters();
        for (int i = 0; i < cut.count(); ++i) {
          Graph g(writer.workspace);
          g.backward(writer.loss(g, cut.get(i)));
        }
        const engine::Counters done = engine::counters();
        Writer dry(type, spec, false);
        const engine::StepCost cost =
            engine::cost_of_step(*dry.model, batch, pieces, false,
                                 [&](Graph& g, const Batch& piece) { return dry.loss(g, piece); });
        CHECK(cost.pieces == cut.count());
        CHECK((pieces == 0) == (cut.count() == 1));
        CHECK(cost.forward.calls == done.forward.calls - before.forward.calls);
        CHECK(cost.forward.flops == done.forward.flops - before.forward.flops);
        CHECK(cost.input_gradient.flops == done.input_gradient.flops - before.input_gradient.flops);
        CHECK(cost.weight_gradient.flops ==
              done.weight_gradient.flops - before.weight_gradient.flops);
        CHECK(cost.tokens == done.tokens - before.tokens);
      }
}

TEST_CASE("encoder-decoder: a batch in pieces has the gradient of the batch") {
  const Batch batch = batch_of(kPairs);
  Writer whole("bart", "full"), parts("bart", "full");
  engine::Pieces cut;
  cut.cut(batch, 10);
  REQUIRE(cut.count() > 1);
  {
    Graph g(whole.workspace);
    g.backward(whole.loss(g, batch));
  }
  whole.store->settle_gradients();
  for (int i = 0; i < cut.count(); ++i) {
    const Batch piece = cut.get(i);
    Graph g(parts.workspace);
    g.backward(parts.loss(g, piece),
               static_cast<Scalar>(piece.terms()) / static_cast<Scalar>(batch.terms()));
  }
  parts.store->settle_gradients();
  const auto a = whole.store->block(), b = parts.store->block();
  REQUIRE(a.size == b.size);
  double worst = 0;
  for (int64_t i = 0; i < a.size; ++i)
    worst = std::max(worst, std::abs(double(a.grad[i]) - double(b.grad[i])));
  CHECK(worst < (kDouble ? 1e-12 : 1e-5));
}

TEST_CASE("encoder-decoder: strategies know the stacks") {
  const auto learning = [](const std::string& spec) {
    Writer writer("bart", spec);
    std::vector<std::string> names;
    for (const engine::Parameter* p : writer.store->trainable()) names.push_back(p->name);
    return names;
  };
  const auto all = [](const std::vector<std::string>& names, const std::string& part) {
    return !names.empty() && std::all_of(names.begin(), names.end(), [&](const std::string& name) {
      return contains(name, part);
    });
  };
  CHECK(all(learning("lora:stacks=encoder"), "model.encoder."));
  CHECK(all(learning("lora:stacks=cross"), ".encoder_attn."));
  CHECK(all(learning("top:layers=1"), "model.decoder.layers.2."));
  CHECK(learning("lora:roles=query,stacks=encoder+decoder+cross").size() == 2 * (2 + 3 + 3));
  CHECK(learning("adapter:kind=houlsby,size=2").size() == 4 * (2 * 2 + 3 * 3));
  CHECK(learning("adapter:kind=houlsby,size=2,stacks=cross").size() == 4 * 3);
  const auto full = learning("full");
  CHECK(std::none_of(full.begin(), full.end(),
                     [](const std::string& name) { return name == "final_logits_bias"; }));
  CHECK(contains(message_of([] { Subject("bert", "lora:stacks=decoder"); }), "one stack"));
}

TEST_CASE("encoder-decoder: what does not fit is said") {
  Writer writer("bart");
  Batch batch = batch_of(kPairs);
  CHECK(contains(message_of([&] {
                   Batch alone = batch;
                   alone.output = {};
                   writer.logits(alone);
                 }),
                 "the batch has none"));
  CHECK(contains(message_of([&] {
                   Batch fewer = batch_of({kPairs[0]});
                   fewer.output = batch.output;
                   writer.logits(fewer);
                 }),
                 "1 inputs and 4 outputs"));
  CHECK(contains(message_of([&] {
                   writer.logits(batch_of({{std::vector<int32_t>(25, 5), {2}}}));
                 }),
                 "24 positions"));
  CHECK(contains(message_of([&] {
                   writer.logits(batch_of({{{5}, std::vector<int32_t>(25, 5)}}));
                 }),
                 "24 positions"));
  CHECK(contains(message_of([&] {
                   models::Generator(writer.model->model(), writer.model->vocabulary(),
                                     writer.workspace)
                       .run({{5}}, {.max_new_tokens = 24});
                 }),
                 "give --max-new-tokens 23"));
  CHECK(contains(
      message_of([] { Writer("bart", "prefix:placement=infix").logits(batch_of(kPairs)); }),
      "no place for an infix"));
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
