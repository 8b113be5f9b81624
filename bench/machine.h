// What this machine can do, and what this process takes of it: the bounds that the benchmarks
// compare with.
#pragma once

#include <cstdint>

#include "engine/io/json.h"

namespace bench {

// STREAM's triad, a[i] = b[i] + s c[i], on `threads` threads over `bytes` of memory (the three
// arrays together) for about `seconds`: the best GB/s seen, counting two reads and a write of each
// element. A size that fits a cache measures that cache.
double measure_triad_gbs(int threads, int64_t bytes, double seconds = 0.05);

// The triad at about `bytes`, measured once for each power of two up to 256 MiB and remembered.
double bandwidth_gbs(int threads, int64_t bytes);

// Of this process, from /proc/self/status; 0 where there is none.
int64_t resident_bytes();
int64_t peak_resident_bytes();  // since the start, or since the last reset_peak_resident()
void reset_peak_resident();     // where the kernel allows it (/proc/self/clear_refs), else nothing
                                // happens

// Seconds since this process was started (to a hundredth): what a user waits, dynamic linking
// included.
double process_seconds();

// Processor, cores, compiler, BLAS, revision: what a table of times must say of where it comes
// from.
engine::Json machine_json(int threads);

}  // namespace bench
