#include "run/analyze/subspace.h"

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "peft/lora.h"

// LAPACK's, which OpenBLAS holds: Eigen's decompositions are templates, and take a compiler a
// minute.
extern "C" void dgesdd_(const char* job, const int* rows, const int* cols, double* a,
                        const int* a_rows, double* s, double* u, const int* u_rows, double* vt,
                        const int* vt_rows, double* work, const int* work_size, int* whole_work,
                        int* info);

namespace run {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

MatrixXd matrix_of(const engine::Parameter& p) {
  MatrixXd m(p.shape.rows, p.shape.cols);
  for (Index i = 0; i < m.rows(); ++i)
    for (Index j = 0; j < m.cols(); ++j) m(i, j) = static_cast<double>(p.value[i * m.cols() + j]);
  return m;
}

// u diag(s) vt, the largest first; as many as the shorter side.
struct Singular {
  MatrixXd u, vt;
  Eigen::VectorXd s;
};

Singular singular(MatrixXd m) {
  const int rows = static_cast<int>(m.rows()), cols = static_cast<int>(m.cols());
  const int count = std::min(rows, cols);
  Singular found{
      .u = MatrixXd(rows, count), .vt = MatrixXd(count, cols), .s = Eigen::VectorXd(count)};
  std::vector<int> whole_work(8 * static_cast<size_t>(count));
  int info = 0;
  const auto call = [&](double* work, int size) {
    dgesdd_("S", &rows, &cols, m.data(), &rows, found.s.data(), found.u.data(), &rows,
            found.vt.data(), &count, work, &size, whole_work.data(), &info);
  };
  double wanted = 0;
  call(&wanted, -1);
  std::vector<double> work(static_cast<size_t>(wanted));
  call(work.data(), static_cast<int>(work.size()));
  engine::check(info == 0, "analyze lora", "a matrix of ", rows, " x ", cols,
                " has no singular values (dgesdd: ", info, ")",
                engine::hint("look for numbers that are not finite in the run's adapter"));
  return found;
}

// Right singular vectors of a flat matrix, largest first, as columns.
MatrixXd right_singular(const MatrixXd& a) { return singular(a).vt.transpose(); }

struct Directions {
  MatrixXd u, v;  // (out, r), (in, r)
};

// Singular vectors of scale b a without forming it: a basis of each factor, then a small matrix.
Directions directions_of(const LowRankUpdate& update) {
  const MatrixXd qb = singular(update.b).u, qa = right_singular(update.a);
  const Singular middle = singular((qb.transpose() * update.b) * (update.a * qa));
  return {qb * middle.u, qa * middle.vt.transpose()};
}

}  // namespace

std::vector<LowRankUpdate> low_rank_updates(TrainedRun& run) {
  const peft::Lora* lora = peft::lora_of(*run.after.model().strategy);
  std::vector<LowRankUpdate> updates;
  const engine::ParameterStore& store = *run.after.model().store;
  const std::string ending = ".lora_A.weight";
  for (const engine::Parameter* a : store.all()) {
    if (!lora || !a->name.ends_with(ending)) continue;
    const std::string at = a->name.substr(0, a->name.size() - ending.size());
    const engine::Parameter* b = store.find(at + ".lora_B.weight");
    if (!b) continue;
    for (const engine::LinearSite& site : run.after.model().sites.linears) {
      if (at != site.path && !at.starts_with(site.path + ".")) continue;
      const engine::Parameter* weight = run.before.store->find(site.path + ".weight");
      if (!weight) continue;
      LowRankUpdate update{.path = at, .a = matrix_of(*a), .b = matrix_of(*b)};
      const MatrixXd whole = matrix_of(*weight);
      const bool part = b->shape.rows != whole.rows();
      update.weight = part ? MatrixXd(whole.middleRows(site.out_begin, b->shape.rows)) : whole;
      for (const auto& place : lora->linears())
        if (&place.hook->a == a) update.scale = place.hook->numbers.scale();
      updates.push_back(std::move(update));
      break;
    }
  }
  engine::check(!updates.empty(), "analyze lora", "the run has no LoRA update (strategy ",
                run.after.model().strategy->spec(), ")", engine::hint("give a run of lora"));
  return updates;
}

MatrixXd similarity(const MatrixXd& a1, const MatrixXd& a2) {
  engine::check(a1.cols() == a2.cols(), "analyze lora", "two updates read inputs of ", a1.cols(),
                " and ", a2.cols(), " columns");
  // The square of every pair's product; |U1_i^T U2_j|_F^2 sums the first i rows and j columns.
  MatrixXd sums = (right_singular(a1).transpose() * right_singular(a2)).array().square();
  for (Index i = 0; i < sums.rows(); ++i)
    for (Index j = 0; j < sums.cols(); ++j)
      sums(i, j) +=
          (i ? sums(i - 1, j) : 0) + (j ? sums(i, j - 1) : 0) - (i && j ? sums(i - 1, j - 1) : 0);
  for (Index i = 0; i < sums.rows(); ++i)
    for (Index j = 0; j < sums.cols(); ++j) sums(i, j) /= static_cast<double>(std::min(i, j) + 1);
  return sums;
}

Grid subspace_grid(const std::vector<LowRankUpdate>& first,
                   const std::vector<LowRankUpdate>& second, const std::string& path) {
  MatrixXd sum;
  int count = 0;
  for (const LowRankUpdate& one : first)
    for (const LowRankUpdate& other : second) {
      if (one.path != other.path || (!path.empty() && one.path != path)) continue;
      const MatrixXd found = similarity(one.a, other.a);
      sum = count ? MatrixXd(sum + found) : found;
      ++count;
    }
  engine::check(count > 0, "analyze lora",
                path.empty() ? std::string("the runs have no layer in common")
                             : "not both runs have an update at " + path,
                engine::hint("their updates are at ", first.front().path, " ... and ",
                             second.front().path, " ..."));
  Grid grid{.title = count == 1
                         ? "Subspace similarity at " + (path.empty() ? first[0].path : path)
                         : "Subspace similarity, mean over " + std::to_string(count) + " layers",
            .unit = "1: one space holds the other",
            .row_title = "directions of the first run",
            .column_title = "of the second"};
  for (Index j = 0; j < sum.cols(); ++j) grid.column(std::to_string(j + 1));
  for (Index i = 0; i < sum.rows(); ++i) {
    const size_t row = grid.row(std::to_string(i + 1));
    for (Index j = 0; j < sum.cols(); ++j) grid.at(row, static_cast<size_t>(j)) = sum(i, j) / count;
  }
  return grid;
}

Grid amplification_grid(const std::vector<LowRankUpdate>& updates) {
  Grid grid{.title = "What the updates amplify",
            .unit = "Frobenius norms",
            .row_title = "layer",
            .column_title = ""};
  for (const char* name :
       {"|W|", "|dW|", "W along dW", "W along its own", "W along random ones", "amplification"})
    grid.column(name);
  for (const LowRankUpdate& update : updates) {
    const Index r = update.a.rows();
    const MatrixXd& w = update.weight;
    const Directions of = directions_of(update);
    const double size = update.scale * (update.b * update.a).norm();
    const double along = (of.u.transpose() * w * of.v).norm();
    const Eigen::VectorXd all = singular(w).s;
    const double own = all.head(std::min<Index>(r, all.size())).norm();
    const double random = w.norm() * static_cast<double>(r) /
                          std::sqrt(static_cast<double>(w.rows()) * static_cast<double>(w.cols()));
    const size_t row = grid.row(update.path);
    const double values[] = {w.norm(), size, along, own, random, along > 0 ? size / along : 0};
    for (size_t k = 0; k < 6; ++k) grid.at(row, k) = values[k];
  }
  return grid;
}

}  // namespace run
