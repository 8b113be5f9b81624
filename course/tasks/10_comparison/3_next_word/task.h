// Task 10.3: choosing the next word.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace task {

// The probabilities of the next word: softmax(scores / temperature), of the `top_k` largest scores
// alone (0: of all; of equal scores, the earlier ones stay). Others have probability 0. Right for
// scores of any size. temperature > 0.
std::vector<double> distribution(const std::vector<double>& scores, double temperature, int top_k);

// A word by its probabilities: the first i with p[0] + ... + p[i] > uniform. `uniform` is in [0,
// 1). Rounding may leave the sum a little below 1: then the last word with a probability above 0.
int draw(const std::vector<double>& p, double uniform);

// How surprised the model is of a text: exp of the mean of -log p over its words, p the probability
// that it gave each. As if it had to choose among so many words each time.
double perplexity(const std::vector<double>& p);

}  // namespace task
