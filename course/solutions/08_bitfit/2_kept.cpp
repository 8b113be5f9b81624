#include "task.h"

namespace task {

long kept(long d, long f, long heads, const Learns& l) {
  const bool qkv = l.below || l.biases || l.query_key_value;  // need a gradient
  const bool sum1 = qkv || l.attention_output;                // what the first norm reads
  const bool middle = sum1 || l.norm_weights;                 // what it gives
  const bool before_gelu = middle || l.ffn_in;
  const bool sum2 = before_gelu || l.ffn_out;
  long n = 0;
  if (l.query_key_value) n += d;
  if (qkv) n += 3 * d + heads;
  if (l.attention_output) n += d;
  if (sum1 || l.norm_weights) n += d + 2;
  if (l.ffn_in) n += d;
  if (before_gelu) n += f;
  if (l.ffn_out) n += f;
  if (sum2 || l.norm_weights) n += d + 2;
  return n;
}

}  // namespace task
