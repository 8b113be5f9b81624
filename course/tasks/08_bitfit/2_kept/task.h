// Task 8.2: what a layer keeps for backward.
#pragma once

namespace task {

// Which parameters of the layer learn, and whether something below the layer does.
struct Learns {
  bool below = false;             // so the layer's input needs a gradient
  bool biases = false;            // all biases of the layer, those of its norms included
  bool query_key_value = false;   // these weights
  bool attention_output = false;  // this weight
  bool norm_weights = false;      // of both norms
  bool ffn_in = false;            // this weight
  bool ffn_out = false;           // this weight
};

// Numbers a token that a layer of BERT keeps (width d, inner width f, `heads` heads), by the need
// rule. By the table of the chapter 8 d + 2 f + heads + 4 if everything learns. Attention keeps q,
// k, v and its number a head if one of q, k, v needs a gradient; a norm keeps d + 2 if its input or
// its weight needs one; gelu keeps its input if that needs one.
long kept(long d, long f, long heads, const Learns& learns);

}  // namespace task
