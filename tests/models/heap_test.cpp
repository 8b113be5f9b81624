// A warm step takes nothing from the system: neither operator new nor the tensors' pool. An
// executable of its own, since it replaces operator new; counted only between marks.
#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/models/trainer.h"

namespace {
std::atomic<int64_t> allocations{0};

// oneDNN takes and frees small objects of its own in every product; what is counted here is the
// engine's.
[[maybe_unused]] const int by_openblas = setenv("PEFT_GEMM", "openblas", 1);
std::atomic<bool> counting{false};

void* take(size_t bytes, size_t alignment = 0) {
  if (counting) ++allocations;
  if (bytes == 0) bytes = 1;
  void* p = alignment
                ? std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment)
                : std::malloc(bytes);
  if (!p) throw std::bad_alloc();
  return p;
}
}  // namespace

void* operator new(size_t bytes) { return take(bytes); }
void* operator new[](size_t bytes) { return take(bytes); }
void* operator new(size_t bytes, std::align_val_t a) { return take(bytes, static_cast<size_t>(a)); }
void* operator new[](size_t bytes, std::align_val_t a) {
  return take(bytes, static_cast<size_t>(a));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
void operator delete[](void* p, size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, size_t, std::align_val_t) noexcept { std::free(p); }

using namespace testing;

TEST_CASE("the counter counts") {
  allocations = 0;
  counting = true;
  std::vector<int> some(100);
  counting = false;
  CHECK(some.size() == 100);
  CHECK(allocations == 1);
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
      GoldenRun run(subject, golden_json("bert", "steps/full.json"));
      engine::GraphOptions graph;
      graph.dropout = true;
      for (graph.step = 0; graph.step < 2; ++graph.step) run.step(batch, graph);
      const int64_t slabs = subject.workspace.pool.system_allocations();
      allocations = 0;
      counting = true;
      for (; graph.step < 4; ++graph.step) run.step(batch, graph);
      counting = false;
      CHECK(allocations == 0);
      CHECK(subject.workspace.pool.system_allocations() == slabs);
    }
  }
}

TEST_CASE("warm inference allocates nothing") {
  Subject subject("bert");
  const auto batch = golden_batches("bert")[0];
  for (int i = 0; i < 5; ++i) {
    if (i == 2) {
      allocations = 0;
      counting = true;
    }
    engine::GraphOptions options;
    options.record = false;
    engine::Graph g(subject.workspace, options);
    subject.model->logits(g, batch);
  }
  counting = false;
  CHECK(allocations == 0);
}

TEST_CASE("batches of changing shapes settle: after each shape was seen, the pool takes no more") {
  Subject subject("random:layers=2,hidden=64,heads=4,vocab=100", "bitfit");
  GoldenRun run(subject, golden_json("bert", "steps/full.json"));
  int64_t slabs = 0;
  for (int round = 0; round < 6; ++round) {
    for (int length = 4; length < 40; length += 7)
      run.step(random_batch(1 + (length * 5) % 9, length, 100, 2, static_cast<uint64_t>(length)));
    if (round == 1) slabs = subject.workspace.pool.system_allocations();
  }
  CHECK(subject.workspace.pool.system_allocations() == slabs);
}
