#include "bench/ops.h"

#include <doctest/doctest.h>

#include "bench/machine.h"

TEST_CASE("an op's products and bytes") {
  bench::OpBench options;
  options.seconds = 0;
  options.batch = 2;
  options.threads = 1;
  options.filter = "linear 2 x 128 -> 2";  // the classifier of two sequences
  const auto times = bench::bench_ops("tiny", options);
  REQUIRE(times.size() == 2);
  const bench::OpTime &all = times[0], &frozen = times[1];
  CHECK(frozen.name == all.name + ", frozen");
  const double product = 2.0 * 2 * 128 * 2, x = 4.0 * 2 * 128, w = 4.0 * 2 * 128, b = 4.0 * 2,
               y = 4.0 * 2 * 2;
  CHECK(all.forward.flops == product);
  CHECK(all.forward.bytes == x + w + b + y);
  CHECK(all.backward.flops == 2 * product);
  CHECK(all.backward.bytes == y + x + (x + w + b));  // dy, what was kept, the gradients
  CHECK(frozen.backward.flops == product);
  CHECK(frozen.backward.bytes == y + (x + b));
  const engine::Json json = all.to_json();
  for (const char* part : {"forward", "backward"})
    for (const char* key : {"ms", "flops", "bytes", "bound_ms", "gflops", "gbs", "share_of_bound"})
      CHECK_MESSAGE(json[part].contains(key), key);
}

TEST_CASE("every op of a model has a bound, and the optimizer its bytes") {
  bench::OpBench options;
  options.seconds = 0;
  options.batch = 1;
  const auto times = bench::bench_ops("tiny", options);
  CHECK(times.size() > 20);
  const double parameters = 4386178;  // of BERT-tiny with its pooler, and a head of two classes
  for (const bench::OpTime& t : times) {
    CAPTURE(t.name);
    CHECK(t.forward.ms > 0);
    CHECK(t.forward.bound_ms > 0);
    if (t.name.starts_with("adamw"))
      CHECK(t.forward.bytes == 7 * 4 * parameters);
    else if (t.name.starts_with("clip"))
      CHECK(t.forward.bytes == 4 * parameters);
    else
      CHECK(t.backward.ms > 0);
  }
}

TEST_CASE("the machine's numbers are there") {
  CHECK(bench::measure_triad_gbs(1, 1 << 20, 0.001) > 0);
  CHECK(bench::bandwidth_gbs(2, 1000) ==
        bench::bandwidth_gbs(2, 2000));  // remembered by power of two, from 64 KiB on
  CHECK(bench::resident_bytes() > 0);
  CHECK(bench::peak_resident_bytes() >= bench::resident_bytes() / 2);
  CHECK(bench::process_seconds() >= 0);
  CHECK(bench::process_seconds() < 3600);
  for (const char* key : {"processor", "cores", "threads", "compiler", "blas", "revision"})
    CHECK_MESSAGE(bench::machine_json(1).contains(key), key);
}
