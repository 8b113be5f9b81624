// Task 6.3: a batch in pieces that fit the memory.
#pragma once

#include <functional>
#include <vector>

namespace task {

// Cuts a batch of sequences with these lengths, in order, into pieces of at most `most` tokens
// each, as few pieces as possible without changing the order. A sequence is never cut: one that is
// longer than `most` is a piece of its own. Returns the end of each piece: sequence ends[i] is the
// first that does not belong to piece i any more; the last end is the number of sequences.
std::vector<int> cut(const std::vector<int>& lengths, int most);

// The gradient of the mean loss over all sequences, computed piece by piece. mean_gradient(begin,
// end) is the gradient of the mean over the sequences begin .. end - 1.
std::vector<double> batch_gradient(
    const std::vector<int>& ends,
    const std::function<std::vector<double>(int begin, int end)>& mean_gradient);

}  // namespace task
