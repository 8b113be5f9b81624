// What the processor could do at most: to say what part of it a run reaches.
#pragma once

namespace engine {

// Fused multiply-adds from registers, on `threads` threads for about `seconds`: the best GFLOP/s
// seen in short intervals. Others on the same cores make it smaller.
double measure_peak_gflops(int threads, double seconds = 0.3);

}  // namespace engine
