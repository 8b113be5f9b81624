// What a LoRA update is: how much of one update's directions another has, and what it amplifies
// (Hu et al. 2021, section 7).
//
//   similarity(i, j) = |U1_i^T U2_j|_F^2 / min(i, j),  in [0, 1]
//
// where U_i holds the first i right singular vectors of A, the directions of the input that an
// update reads (equation 4: a normalised Grassmann similarity). 1: one space holds the other, 0:
// they are orthogonal; two random spaces of i and j of n directions have max(i, j) / n.
//
//   amplification = |dW|_F / |U^T W V^T|_F,  dW = U S V of rank r
//
// the size of the update over what the pretrained weight has in the update's own directions.
#pragma once

#include <Eigen/Core>
#include <string>
#include <vector>

#include "run/analyze/grid.h"
#include "run/analyze/trained.h"

namespace run {

struct LowRankUpdate {
  std::string path;        // of the linear layer
  Eigen::MatrixXd a, b;    // (r, in), (out, r)
  Eigen::MatrixXd weight;  // (out, in), the base's, of the update's columns
  double scale = 1;        // dW = scale b a
};

// The updates of a run of lora, in the order of the model. Throws if there is none.
std::vector<LowRankUpdate> low_rank_updates(TrainedRun& run);

// (r1, r2): similarity(i, j) for all i and j of two A's of the same input width.
Eigen::MatrixXd similarity(const Eigen::MatrixXd& a1, const Eigen::MatrixXd& a2);

// similarity() averaged over the layers that both runs have, or of the one whose path is `path`.
// Columns: the second run's directions. Throws if the runs have no layer in common.
Grid subspace_grid(const std::vector<LowRankUpdate>& first,
                   const std::vector<LowRankUpdate>& second, const std::string& path = {});

// Rows: layers. Columns: |W|_F, |dW|_F, |U^T W V^T|_F in the directions of dW, in W's own largest
// ones, and in random ones (an expectation: |W|_F r / sqrt(in out)), and the amplification.
Grid amplification_grid(const std::vector<LowRankUpdate>& updates);

}  // namespace run
