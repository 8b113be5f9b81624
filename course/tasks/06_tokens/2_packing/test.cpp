#include "course/lib/check.h"
#include "task.h"

int main() {
  course::Test t = course::test("Packed");
  const std::vector<std::vector<int>> three = {{7, 8, 9}, {5}, {6, 4}};

  t.check("three sequences", [&] {
    const task::Packed p = task::pack(three);
    t.equal("ids", p.ids, {7, 8, 9, 5, 6, 4});
    t.equal("starts", p.starts, {0, 3, 4, 6},
            {{{0, 3, 4}, "the end of the last sequence is missing: one more than sequences"},
             {{3, 4, 6}, "the first sequence begins at 0"},
             {{3, 1, 2}, "these are the lengths"},
             {{0, 2, 3, 5}, "a sequence begins one after the last token of the one before"}});
    t.equal("positions", p.positions, {0, 1, 2, 0, 0, 1},
            {{{0, 1, 2, 3, 4, 5}, "positions count from 0 in every sequence"},
             {{1, 2, 3, 1, 1, 2}, "positions count from 0"}});
  });
  t.check("lengths are differences of starts, and nothing is lost", [&] {
    course::Numbers numbers(1);
    for (int trial = 0; trial < 20; ++trial) {
      std::vector<std::vector<int>> sequences;
      size_t tokens = 0;
      for (int s = 1 + numbers.below(6); s > 0; --s) {
        sequences.emplace_back(static_cast<size_t>(1 + numbers.below(9)), s);
        tokens += sequences.back().size();
      }
      const task::Packed p = task::pack(sequences);
      t.require(p.ids.size() == tokens && p.positions.size() == tokens,
                std::to_string(tokens) + " tokens, and " + std::to_string(p.ids.size()) +
                    " ids and " + std::to_string(p.positions.size()) + " positions");
      t.require(p.starts.size() == sequences.size() + 1, "starts has an entry more than sequences");
      for (size_t s = 0; s < sequences.size(); ++s)
        t.equal("length of sequence " + std::to_string(s), double(p.starts[s + 1] - p.starts[s]),
                double(sequences[s].size()));
    }
  });
  t.check("who sees whom", [&] {
    const task::Packed p = task::pack(three);
    const char* both_ways = "111000111000111000000100000011000011";
    const char* causal = "100000110000111000000100000010000011";
    for (int i = 0; i < 6; ++i)
      for (int j = 0; j < 6; ++j) {
        const std::string at = "token " + std::to_string(i) + " and token " + std::to_string(j);
        t.equal(at, double(task::sees(p, i, j, false)), both_ways[6 * i + j] - '0',
                {{double(1), "tokens of other sequences must not be seen"}});
        t.equal(at + ", causal", double(task::sees(p, i, j, true)), causal[6 * i + j] - '0',
                {{double(i == j ? 0 : 1),
                  i == j ? "a token sees itself" : "it stands behind, or in another sequence"}});
      }
  });
  t.check("what padding would cost", [&] {
    t.equal("factor of lengths 3, 1, 2", task::padding_factor(three), 9.0 / 6);
    t.equal("factor of equal lengths", task::padding_factor({{1, 2}, {3, 4}}), 1);
  });
  return t.result();
}
