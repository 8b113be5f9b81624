#include "task.h"

namespace task {

std::vector<int> cut(const std::vector<int>& lengths, int most) {
  std::vector<int> ends;
  int tokens = 0;
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (i > 0 && tokens + lengths[i] > most) {
      ends.push_back(static_cast<int>(i));
      tokens = 0;
    }
    tokens += lengths[i];
  }
  ends.push_back(static_cast<int>(lengths.size()));
  return ends;
}

std::vector<double> batch_gradient(
    const std::vector<int>& ends,
    const std::function<std::vector<double>(int begin, int end)>& mean_gradient) {
  std::vector<double> sum;
  int begin = 0;
  for (const int end : ends) {
    const std::vector<double> piece = mean_gradient(begin, end);
    sum.resize(piece.size());
    for (size_t k = 0; k < piece.size(); ++k) sum[k] += piece[k] * (end - begin) / ends.back();
    begin = end;
  }
  return sum;
}

}  // namespace task
