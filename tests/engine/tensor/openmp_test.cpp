// One team of threads for our loops and for the libraries' products.
#include <doctest/doctest.h>
#include <omp.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "engine/tensor/gemm.h"
#include "engine/tensor/parallel.h"

using namespace engine;

TEST_CASE("a process has one OpenMP runtime, whichever compiler built it") {
  const int64_t n = 256;
  std::vector<Scalar> a(n * n, 1), c(n * n);
  parallel_for(n * n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) a[static_cast<size_t>(i)] = 2;
  });
  const MatrixRef m(a.data(), n, n, n);
  gemm(false, false, m, m, 0, c.data());
  CHECK(c.back() == 4 * n);

  std::set<std::string> runtimes;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t path = line.find('/');
    if (path == std::string::npos) continue;
    const std::string file = line.substr(line.rfind('/') + 1);
    if (file.starts_with("libgomp") || file.starts_with("libomp") || file.starts_with("libiomp"))
      runtimes.insert(line.substr(path));
  }
  std::string list;
  for (const std::string& runtime : runtimes) list += runtime + " ";
  CAPTURE(list);
  CHECK(runtimes.size() == 1);
}
