// What may come next: transformers' logits processors and warpers, and a draw.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/generate.h"

namespace models {

// log softmax, in place.
void log_softmax(std::span<float> scores);

// How many ids a prompt of this length gets at most.
int64_t most_new_ids(const GenerateOptions& options, size_t prompt);

// Repetition penalty, repeated n-grams, minimal length, forced and suppressed ids, in transformers'
// order,
// on scores (vocabulary): logits in greedy search and sampling, log-probabilities in beam search.
// What is ruled out becomes -infinity. `ids`: the prompt, then `written` new ids.
void process_scores(const GenerateOptions& options, std::span<const int32_t> ids, int written,
                    std::span<float> scores);

// Temperature, top k, top p, min p, on processed scores; at least `keep` ids stay.
void warp_scores(const GenerateOptions& options, int keep, std::span<float> scores);

// The id of the largest score; of equal ones the first.
int32_t likeliest(std::span<const float> scores);
// An id by softmax(scores); `uniform` in [0, 1) says which.
int32_t draw(std::span<const float> scores, double uniform);

}  // namespace models
