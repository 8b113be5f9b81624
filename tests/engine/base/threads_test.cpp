#include "engine/base/threads.h"

#include <doctest/doctest.h>
#include <omp.h>

using namespace engine;

TEST_CASE("set_threads sizes the one team") {
  CHECK(set_threads(1) == 1);
  CHECK(threads() == 1);
  CHECK(set_threads(2) == 2);
  CHECK(threads() == 2);
  int seen = 0;
#pragma omp parallel reduction(+ : seen)
  seen += 1;
  CHECK(seen == 2);
}

TEST_CASE("0 threads means as many as the process may use, and pinning does not shrink that") {
  const int all = set_threads(0);
  CHECK(all >= 1);
  CHECK(set_threads(1) == 1);
  CHECK(set_threads(0) == all);
}
