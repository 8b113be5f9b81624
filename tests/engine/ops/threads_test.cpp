#include <doctest/doctest.h>
#include <omp.h>

#include <cstring>

#include "engine/ops/columns.h"
#include "tests/engine/autograd/support.h"
#include "tests/engine/ops/catalogue.h"

using namespace engine;
using namespace catalogue;
using testing::PoisonedWorkspace;

namespace {

struct Threads {
  explicit Threads(int n) : before(omp_get_max_threads()) { omp_set_num_threads(n); }
  ~Threads() { omp_set_num_threads(before); }
  int before;
};

struct Result {
  std::vector<Matrix> values;  // y, then the gradients
};

Result run(const OpCase& c, int threads) {
  const Threads team(threads);
  PoisonedWorkspace ws;
  const auto inputs = c.inputs(ws);
  Result r;
  {
    Graph g(ws, c.options);
    r.values.push_back(c.call(g, inputs).mat());
  }
  for (const Tensor& t : projected_gradients(ws, c.call, inputs, {}, c.gradcheck_options()))
    r.values.push_back(t.mat());
  return r;
}

}  // namespace

TEST_CASE("the same bits with 1, 2 and 3 threads, and again with the same number") {
  for (const OpCase& c : large_cases()) {
    CAPTURE(c.name);
    const Result one = run(c, 1);
    for (const int threads : {1, 2, 3, 2}) {
      CAPTURE(threads);
      const Result other = run(c, threads);
      for (size_t i = 0; i < one.values.size(); ++i) {
        CAPTURE(i);
        const Matrix &a = one.values[i], &b = other.values[i];
        const bool same =
            std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size()) * sizeof(Scalar)) == 0;
        // Large products are split by OpenBLAS, which rounds as it likes; attention's run on one
        // thread each.
        if (c.blas && threads != 1 && c.name.find("attention") != 0)
          CHECK((a - b).cwiseAbs().maxCoeff() <= Scalar(1e-4) * a.cwiseAbs().maxCoeff());
        else
          CHECK(same);
      }
    }
  }
}

TEST_CASE("sums over rows do not depend on the number of threads, and are accurate") {
  PoisonedWorkspace ws;
  const Tensor m = ws.tensor({5000, 67});
  std::vector<Scalar> one(67, Scalar(9)), two(67, Scalar(9)), added(67, Scalar(1));
  {
    const Threads team(1);
    kernels::column_sums(m, one.data(), 0);
  }
  {
    const Threads team(2);
    kernels::column_sums(m, two.data(), 0);
    kernels::column_sums(m, added.data(), 1);
  }
  CHECK(one == two);
  for (int64_t c = 0; c < 67; ++c) {
    long double exact = 0;
    for (int64_t r = 0; r < 5000; ++r) exact += m.row(r)[c];
    CHECK(std::abs(double(one[static_cast<size_t>(c)] - exact)) <
          40 * double(std::numeric_limits<Scalar>::epsilon()) * 70);
    CHECK(added[static_cast<size_t>(c)] == 1 + one[static_cast<size_t>(c)]);
  }
}
