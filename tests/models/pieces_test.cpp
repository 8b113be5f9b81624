// A batch in pieces trains as the whole batch does.
#include "engine/optim/adamw.h"
#include "engine/optim/schedule.h"
#include "engine/train/trainer.h"
#include "tests/models/subject.h"

using namespace testing;

namespace {

engine::TokenBatch of_lengths(const std::vector<int>& lengths) {
  engine::TokenBatch batch;
  for (const int length : lengths) {
    for (int i = 0; i < length; ++i) {
      batch.ids.push_back(static_cast<int32_t>(batch.ids.size() * 7 % 50));
      batch.types.push_back(i % 2);
    }
    batch.segments.add(length);
    batch.labels.push_back(batch.segments.count() % 3);
    batch.examples.push_back(batch.segments.count());
  }
  return batch;
}

struct Trained {
  std::vector<engine::Update> updates;
  std::vector<std::vector<Scalar>> values;
  engine::Counters counters;
};

Trained train_in_pieces(const std::string& model, const std::string& spec,
                        const std::vector<engine::TokenBatch>& batches, int64_t piece_tokens,
                        double dropout = 0) {
  Subject subject(model, spec, {.dropout = dropout});
  engine::AdamW optimizer(subject.store->block(), engine::AdamWOptions{.weight_decay = 0.01});
  const engine::Schedule schedule("constant", 100, 0);
  engine::TrainerOptions options;
  options.lr = 1e-3;
  options.dropout = dropout > 0;
  options.piece_tokens = piece_tokens;
  engine::Trainer trainer(subject.workspace, *subject.store, optimizer, schedule, options,
                          [&](engine::Graph& g, const engine::TokenBatch& batch) {
                            return subject.model->loss(g, subject.model->logits(g, batch), batch);
                          });
  Trained result;
  engine::counters() = {};
  size_t next = 0;
  for (int i = 0; i < 4; ++i)
    result.updates.push_back(trainer.update([&](engine::TokenBatch& batch) {
      batch = batches[next++ % batches.size()];
      return true;
    }));
  result.counters = engine::counters();
  result.values = subject.values();
  return result;
}

}  // namespace

TEST_CASE("pieces are whole sequences, in order, alike, and no longer than they may be") {
  const std::vector<std::vector<int>> lengths = {
      {5}, {3, 4, 5}, {8, 8, 8, 8, 8, 8, 8}, {1, 1, 1, 30, 1, 1}, {16, 1, 1, 1, 1, 1, 1, 1, 16}};
  for (const auto& each : lengths)
    for (const int64_t most : {0, 1, 7, 8, 16, 17, 1000}) {
      CAPTURE(most);
      const engine::TokenBatch batch = of_lengths(each);
      engine::Pieces pieces;
      pieces.cut(batch, most);
      engine::TokenBatch joined;
      double share = 0;
      int64_t longest = 0;
      for (int i = 0; i < pieces.count(); ++i) {
        const engine::TokenBatch& piece = pieces.get(i);
        REQUIRE(piece.sequences() > 0);
        REQUIRE(piece.segments.rows() == piece.tokens());
        REQUIRE(piece.labels.size() == static_cast<size_t>(piece.sequences()));
        CHECK((most == 0 || piece.tokens() <= most || piece.sequences() == 1));
        joined.ids.insert(joined.ids.end(), piece.ids.begin(), piece.ids.end());
        joined.types.insert(joined.types.end(), piece.types.begin(), piece.types.end());
        joined.labels.insert(joined.labels.end(), piece.labels.begin(), piece.labels.end());
        joined.examples.insert(joined.examples.end(), piece.examples.begin(), piece.examples.end());
        for (int s = 0; s < piece.sequences(); ++s) joined.segments.add(piece.segments.length(s));
        share += pieces.share(i);
        longest = std::max(longest, piece.tokens());
      }
      CHECK(joined.ids == batch.ids);
      CHECK(joined.types == batch.types);
      CHECK(joined.labels == batch.labels);
      CHECK(joined.examples == batch.examples);
      CHECK(joined.segments.starts == batch.segments.starts);
      CHECK(share == doctest::Approx(1));
      if (most == 0 || batch.tokens() <= most) CHECK(pieces.count() == 1);
    }
  const engine::TokenBatch even = of_lengths(std::vector<int>(12, 4));
  engine::Pieces pieces;
  pieces.cut(even, 20);  // 48 tokens: three pieces of 16, not two of 20 and one of 8
  CHECK(pieces.count() == 3);
  for (int i = 0; i < pieces.count(); ++i) CHECK(pieces.get(i).tokens() == 16);
}

TEST_CASE("updates by pieces are those of the whole batch, for every model and strategy") {
  for (const auto& model : kModels)
    for (const auto& spec : kStrategies) {
      CAPTURE(model);
      CAPTURE(spec);
      const auto batches = golden_batches(model);
      const Trained whole = train_in_pieces(model, spec, batches, 0),
                    pieces = train_in_pieces(model, spec, batches, 1);
      Worst worst("pieces " + model + " " + spec);
      for (size_t i = 0; i < whole.updates.size(); ++i) {
        worst.take(distance(pieces.updates[i].loss, whole.updates[i].loss));
        worst.take(distance(pieces.updates[i].grad_norm, whole.updates[i].grad_norm));
        CHECK(pieces.updates[i].tokens == whole.updates[i].tokens);
        CHECK(pieces.updates[i].sequences == whole.updates[i].sequences);
      }
      CHECK(worst.value <
            (kDouble ? 1e-9
                     : 2e-4));  // in float AdamW turns a gradient of rounding errors into a step
      const int64_t sequences = batches[0].sequences();
      CHECK(sequences > 1);
      CHECK(pieces.counters.steps > whole.counters.steps);
      CHECK(pieces.updates[0].saved_bytes < whole.updates[0].saved_bytes);
      CHECK(pieces.counters.weight_gradient.flops >=
            doctest::Approx(whole.counters.weight_gradient.flops));
    }
}

TEST_CASE("the pieces of a batch drop differently, and the same way again") {
  const engine::TokenBatch twice = of_lengths({6, 6});
  engine::TokenBatch same = twice;
  std::copy_n(same.ids.begin(), 6, same.ids.begin() + 6);
  same.labels.assign(2, 1.0);
  const auto losses = [&](int64_t piece_tokens) {
    std::vector<double> all;
    for (const auto& u : train_in_pieces("bert", "full", {same}, piece_tokens, 0.3).updates)
      all.push_back(u.loss);
    return all;
  };
  CHECK(losses(6) == losses(6));
  CHECK(losses(6) != losses(0));
  // The mean of two equal pieces would be the loss of one.
  engine::TokenBatch one = of_lengths({6});
  one.labels.assign(1, 1.0);
  CHECK(train_in_pieces("bert", "full", {one}, 0, 0.3).updates[0].loss != losses(6)[0]);
  CHECK(train_in_pieces("bert", "full", {one}, 0).updates[0].loss ==
        doctest::Approx(train_in_pieces("bert", "full", {same}, 6).updates[0].loss));
}
