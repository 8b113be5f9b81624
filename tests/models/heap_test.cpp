// A warm step takes nothing from the system: neither operator new nor the tensors' pool. An
// executable of its own, since it replaces operator new.
#include "tests/support/heap.h"

#include "tests/models/trainer.h"

using namespace testing;

TEST_CASE("the counter counts") {
  const int64_t before = allocations;
  std::vector<int> some(100);
  const int64_t after = allocations;
  CHECK(some.size() == 100);
  CHECK(after - before == 1);
}

TEST_CASE("a warm training step allocates nothing, with every strategy and dropout") {
  for (const auto& model : kModels) {
    // Big enough for the loops and BLAS to use both threads.
    const std::string source =
        "random:layers=1,hidden=64,heads=4,ffn=256,vocab=100,embedding=32,type=" + model;
    const auto batch = random_batch(16, 12, 100, 2);
    for (const auto& spec : model == "bert" ? kStrategies
                                            : std::vector<std::string>{
                                                  "full", "bitfit", "prefix:length=5,flat=true"}) {
      CAPTURE(model);
      CAPTURE(spec);
      Subject subject(source, spec, {.dropout = 0.1});
      subject.workspace.pool.set_poison(false);
      auto run = golden_run(subject, golden_json("bert", "steps/full.json"), {});
      for (int t = 0; t < 2; ++t) run.step(batch);
      const int64_t slabs = subject.workspace.pool.system_allocations();
      const int64_t before = allocations;
      for (int t = 0; t < 2; ++t) run.step(batch);
      const int64_t after = allocations;
      CHECK(after == before);
      CHECK(subject.workspace.pool.system_allocations() == slabs);
    }
  }
}

TEST_CASE("warm inference allocates nothing") {
  Subject subject("bert");
  const auto batch = golden_batches("bert")[0];
  int64_t warm = 0;
  for (int i = 0; i < 5; ++i) {
    if (i == 2) warm = allocations;
    engine::GraphOptions options;
    options.record = false;
    engine::Graph g(subject.workspace, options);
    subject.model->logits(g, batch);
  }
  const int64_t after = allocations;
  CHECK(after == warm);
}

TEST_CASE("batches of changing shapes settle: after each shape was seen, the pool takes no more") {
  Subject subject("random:layers=2,hidden=64,heads=4,vocab=100", "bitfit");
  auto run = golden_run(subject, golden_json("bert", "steps/full.json"));
  int64_t slabs = 0;
  for (int round = 0; round < 6; ++round) {
    for (int length = 4; length < 40; length += 7)
      run.step(random_batch(1 + (length * 5) % 9, length, 100, 2, static_cast<uint64_t>(length)));
    if (round == 1) slabs = subject.workspace.pool.system_allocations();
  }
  CHECK(subject.workspace.pool.system_allocations() == slabs);
}
