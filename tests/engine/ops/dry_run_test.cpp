// Every op of the catalogue, run dry: the same products, saved bytes and pool as when executed.
#include "engine/base/dry_run.h"

#include <doctest/doctest.h>

#include "engine/tensor/parallel.h"
#include "tests/engine/ops/catalogue.h"

using namespace engine;
using namespace catalogue;

namespace {

struct Found {
  Counters counters;
  int64_t held = 0, peak = 0, system = 0;  // of the pool: after forward, at most; from the system
  bool operator==(const Found&) const = default;
};

// The op `uses` times on the same inputs, the results added up, and its backward.
Found step(const OpCase& c, Mask mask, int uses) {
  Workspace ws;
  std::vector<Tensor> inputs;
  for (const Shape shape : c.shapes)  // no values: counts do not depend on them
    inputs.emplace_back(shape,
                        BlockRef(ws.pool.take(static_cast<size_t>(shape.size()) * sizeof(Scalar))));
  counters() = {};
  Found found;
  {
    Graph g(ws, c.options);
    for (size_t i = 0; i < inputs.size(); ++i)
      if (mask >> i & 1) inputs[i] = g.input(inputs[i]);
    std::vector<Tensor> results;
    for (int i = 0; i < uses; ++i) results.push_back(c.call(g, inputs));
    found.held = ws.pool.live_bytes();
    Tensor loss = g.scalar(0);
    for (Tensor& y : results) {
      const Tensor part = y.ghost(), before = loss.ghost();
      loss = g.record("rest", g.scalar(0), {part, before}, [=](Backward& bw) {
        if (const GradSink dy = bw.into(part))
          parallel_for(part.size(), 1, [&](int64_t begin, int64_t end) {
            std::fill(dy.data + begin, dy.data + end, Scalar(1));
          });
        bw.give(before);
      });
      y = Tensor();
    }
    if (g.needs(loss)) g.backward(loss);
  }
  found.counters = counters();
  found.peak = ws.pool.peak_bytes();
  found.system = ws.pool.system_allocations();
  return found;
}

}  // namespace

TEST_CASE("dry and executed: the same counts, for every op and every combination of needs") {
  for (const auto* cases : {&small_cases(), &large_cases()})
    for (const OpCase& c : *cases)
      for (Mask mask = 0; mask <= c.all(); ++mask)
        for (const int uses : {1, 2}) {
          CAPTURE(c.name);
          CAPTURE(mask);
          CAPTURE(uses);
          Found executed = step(c, mask, uses);
          const Found dry = [&] {
            const DryRun scope;
            return step(c, mask, uses);
          }();
          CHECK(executed.system > 0);
          CHECK(dry.system == 0);
          executed.system = 0;
          CHECK(dry == executed);
        }
}

TEST_CASE("a dry run has no values, and says so") {
  Workspace ws;
  const auto says = [](const auto& f) {
    try {
      f();
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  {
    const DryRun dry;
    Graph g(ws);
    const Tensor loss = g.scalar(2);
    CHECK(says([&] { loss.value(); }).find("a dry run has only shapes") != std::string::npos);
    CHECK_THROWS_AS(allocate_scalars(8), Error);
    {
      const DryRun inner;
      CHECK(DryRun::on());
    }
    CHECK(DryRun::on());
  }
  CHECK_FALSE(DryRun::on());
  CHECK(ws.pool.live_bytes() == 0);
  Graph g(ws);
  CHECK(g.scalar(2).value() == 2);  // the same workspace, executed
  CHECK_THROWS_AS(g.make({2, 1}).value(), Error);
}
