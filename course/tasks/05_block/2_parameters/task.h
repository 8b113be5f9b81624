// Task 5.2: counting parameters by formula.
#pragma once

namespace task {

// A BERT: `layers` layers of width d, with an inner width f; tables of `vocabulary` words,
// `positions` positions and 2 types, followed by a norm; a pooler (a linear layer d to d) and a
// head for `classes` classes. All linear layers and norms have biases.
struct Sizes {
  long layers, d, f, vocabulary, positions, classes;
};

long layer_parameters(const Sizes& s);  // one layer, with its two norms
long total_parameters(const Sizes& s);

// What learns, the head's parameters included:
long bitfit_parameters(const Sizes& s);         // all biases, those of norms and pooler, too
long lora_parameters(const Sizes& s, long r);   // rank r at queries and values
long top_parameters(const Sizes& s, long top);  // the last `top` layers and the pooler

}  // namespace task
