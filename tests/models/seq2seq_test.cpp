// What must hold of any encoder-decoder: the same values whatever is computed beside them, right
// gradients with every strategy, dry runs that count what steps do. Values against transformers are
// in encoder_decoder_test.cpp.
#include "engine/autograd/gradcheck.h"
#include "engine/base/counters.h"
#include "engine/train/step_cost.h"
#include "models/generate.h"
#include "tests/models/writer.h"

using namespace testing;
using engine::Batch;
using engine::Graph;
using engine::Tensor;

namespace {

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

}  // namespace

TEST_CASE("encoder-decoder: what is beside a pair in a batch does not change it") {
  for (const std::string type : kEncoderDecoderTypes) {
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
  for (const std::string type : kEncoderDecoderTypes) {
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

TEST_CASE("encoder-decoder: the directional derivative is <gradient, direction>" *
          doctest::skip(!kDouble)) {
  const Batch batch = batch_of(kPairs);
  for (const std::string type : kEncoderDecoderTypes)
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
  for (const std::string type : kEncoderDecoderTypes) {
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
  for (const std::string type : kEncoderDecoderTypes)
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
