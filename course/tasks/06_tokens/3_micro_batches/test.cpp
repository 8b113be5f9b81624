#include "course/lib/check.h"
#include "task.h"

namespace {

// Of sequences whose own gradients are these numbers.
std::vector<double> mean(const std::vector<double>& gradients, int begin, int end) {
  double sum = 0, squares = 0;
  for (int i = begin; i < end; ++i) {
    sum += gradients.at(static_cast<size_t>(i));
    squares += gradients[static_cast<size_t>(i)] * gradients[static_cast<size_t>(i)];
  }
  return {sum / (end - begin), squares / (end - begin)};
}

}  // namespace

int main() {
  course::Test t = course::test("Micro-batches");

  t.check("pieces of at most 10 tokens", [&] {
    t.equal("ends", task::cut({4, 5, 6, 2, 2, 9}, 10), {2, 5, 6},
            {{{1, 2, 3, 5, 6}, "4 + 5 tokens fit into one piece"},
             {{2, 4, 5, 6}, "10 tokens are not more than 10"},
             {{2, 5}, "the last piece is missing"}});
    t.equal("ends where it fits exactly", task::cut({5, 5, 5, 5}, 10), {2, 4},
            {{{1, 2, 3, 4}, "10 tokens are not more than 10"}});
  });
  t.check("a sequence that is too long is a piece of its own", [&] {
    t.equal("ends", task::cut({3, 20, 3}, 10), {1, 2, 3});
    t.equal("ends", task::cut({20}, 10), {1});
    t.equal("ends", task::cut({20, 20}, 10), {1, 2}, {{{0, 1, 2}, "the first piece is empty"}});
  });
  t.check("every sequence is in one piece, and no piece could take one more", [&] {
    course::Numbers numbers(1);
    for (int trial = 0; trial < 50; ++trial) {
      std::vector<int> lengths;
      for (int i = 1 + numbers.below(12); i > 0; --i) lengths.push_back(1 + numbers.below(14));
      const std::vector<int> ends = task::cut(lengths, 12);
      int begin = 0;
      for (const int end : ends) {
        t.require(end > begin && end <= static_cast<int>(lengths.size()), "an empty piece");
        int tokens = 0;
        for (int i = begin; i < end; ++i) tokens += lengths[static_cast<size_t>(i)];
        t.require(tokens <= 12 || end == begin + 1,
                  "a piece of " + std::to_string(tokens) + " tokens, 12 are allowed");
        if (end < static_cast<int>(lengths.size()))
          t.require(tokens + lengths[static_cast<size_t>(end)] > 12,
                    "the next sequence would have fitted");
        begin = end;
      }
      t.require(begin == static_cast<int>(lengths.size()), "sequences are missing at the end");
    }
  });
  t.check("the gradient is that of the whole batch, however it is cut", [&] {
    const std::vector<double> gradients = {1, -2, 4, 0.5, 3, 8};
    const auto of = [&](int begin, int end) { return mean(gradients, begin, end); };
    const std::vector<double> whole = of(0, 6);
    for (const std::vector<int>& ends :
         {std::vector<int>{6}, {3, 6}, {1, 6}, {2, 5, 6}, {1, 2, 3, 4, 5, 6}}) {
      std::vector<double> alike(2), sum(2);
      int begin = 0;
      for (const int end : ends) {
        const std::vector<double> piece = of(begin, end);
        for (size_t k = 0; k < 2; ++k)
          sum[k] += piece[k], alike[k] += piece[k] / double(ends.size());
        begin = end;
      }
      t.equal("gradient with " + std::to_string(ends.size()) + " pieces, the first of " +
                  std::to_string(ends[0]),
              task::batch_gradient(ends, of), whole,
              {{alike,
                "the pieces are weighed alike: a piece of one sequence counts as much as one "
                "of five"},
               {sum, "the pieces' means are added without weights"}});
    }
  });
  t.check("each piece is computed once", [&] {
    int calls = 0;
    (void)task::batch_gradient({2, 5, 6}, [&](int, int) {
      ++calls;
      return std::vector<double>{1.0};
    });
    t.equal("calls", calls, 3);
  });
  return t.result();
}
