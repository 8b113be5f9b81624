#include "course/lib/check.h"
#include "task.h"

using task::Op;

// Data, W0, b0, W1, b1, and two linear layers with a tanh between them.
static const std::vector<Op> kTwoLayers = {{{0, 1, 2}}, {{5}}, {{6, 3, 4}}};

int main() {
  course::Test t = course::test("The need rule");

  t.check("two layers, everything learns but the data", [&] {
    t.equal(
        "needs", task::needs({0, 1, 1, 1, 1}, kTwoLayers), {0, 1, 1, 1, 1, 1, 1, 1},
        {{{1, 1, 1, 1, 1, 1, 1, 1}, "the data is a leaf that is not trainable"},
         {{0, 1, 1, 1, 1, 0, 0, 0}, "what is made from a tensor that needs one needs one too"}});
  });
  t.check("two layers, the second learns", [&] {
    t.equal("needs", task::needs({0, 0, 0, 1, 1}, kTwoLayers), {0, 0, 0, 1, 1, 0, 0, 1},
            {{{0, 0, 0, 1, 1, 1, 1, 1},
              "nothing below the first layer learns, so its output needs no gradient"}});
    t.equal("order", task::backward_order({0, 0, 0, 1, 1}, kTwoLayers), {2});
  });
  t.check("two layers, one bias of the first learns", [&] {
    t.equal("needs", task::needs({0, 0, 1, 0, 0}, kTwoLayers), {0, 0, 1, 0, 0, 1, 1, 1},
            {{{0, 0, 1, 0, 0, 0, 0, 0}, "one input that needs a gradient is enough"}});
    t.equal("order", task::backward_order({0, 0, 1, 0, 0}, kTwoLayers), {2, 1, 0},
            {{{0, 1, 2}, "backward goes from the last op to the first"}});
  });
  t.check("nothing learns", [&] {
    t.equal("needs", task::needs({0, 0, 0, 0, 0}, kTwoLayers), {0, 0, 0, 0, 0, 0, 0, 0});
    t.equal("order", task::backward_order({0, 0, 0, 0, 0}, kTwoLayers), {});
  });
  t.check("an op that the loss does not depend on does not run", [&] {
    // op 1 looks at op 0's result for a report; the loss is op 2's
    const std::vector<Op> ops = {{{0}}, {{1}}, {{1}}};
    t.equal("needs", task::needs({1}, ops), {1, 1, 1, 1});
    t.equal("order", task::backward_order({1}, ops), {2, 0},
            {{{2, 1, 0}, "op 1 was recorded, but no gradient ever reaches it"}});
  });
  t.check("the rule holds in 50 random tapes", [&] {
    course::Numbers numbers(11);
    for (int i = 0; i < 50; ++i) {
      std::vector<int> trainable;
      for (int l = 0; l < 4; ++l) trainable.push_back(numbers.below(4) == 0);
      std::vector<Op> ops;
      for (int o = 0; o < 8; ++o) ops.push_back({{numbers.below(4 + o), numbers.below(4 + o)}});
      const std::vector<int> n = task::needs(trainable, ops);
      t.require(n.size() == 12, "12 tensors, and " + std::to_string(n.size()) + " answers");
      for (size_t o = 0; o < ops.size(); ++o) {
        const int wanted =
            n[static_cast<size_t>(ops[o].inputs[0])] | n[static_cast<size_t>(ops[o].inputs[1])];
        t.require(n[4 + o] == wanted, "tensor " + std::to_string(4 + o) + " needs " +
                                          std::to_string(n[4 + o]) + ", and its inputs " +
                                          std::to_string(wanted));
      }
      int last = 8;
      for (const int o : task::backward_order(trainable, ops)) {
        t.require(o < last && o >= 0, "an op runs twice, or in the wrong order");
        t.require(n[static_cast<size_t>(4 + o)] == 1,
                  "op " + std::to_string(o) + " runs, and its output needs no gradient");
        last = o;
      }
    }
  });
  return t.result();
}
