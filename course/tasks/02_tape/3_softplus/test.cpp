#include "course/lib/check.h"
#include "engine/autograd/gradcheck.h"
#include "engine/base/counters.h"
#include "task.h"

using namespace engine;

namespace {

using Inputs = std::vector<Tensor>;

Tensor softplus_op(Graph& g, const Inputs& in) { return task::softplus(g, in[0]); }
Tensor multiply_add_op(Graph& g, const Inputs& in) {
  return task::multiply_add(g, in[0], in[1], in[2]);
}

void check_gradients(course::Test& t, const TensorFunction& op, const Inputs& inputs,
                     const std::vector<bool>& needs, const std::string& who) {
  Workspace workspace;
  try {
    const GradientError error = gradcheck(workspace, op, inputs, needs);
    t.require(error.relative < 5e-3,
              who + ": the gradient of " + error.text() + "; is it multiplied by bw.dy()?");
  } catch (const Error& error) {
    t.require(false, who + ": " + error.what() + "\n        is every input in record()'s list?");
  }
}

int64_t kept(const TensorFunction& op, const Inputs& inputs, const std::vector<bool>& needs) {
  Workspace workspace;
  counters() = {};
  Graph g(workspace);
  Inputs in;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor own = g.make(inputs[i].shape());  // what the caller owns is not counted
    own.flat() = inputs[i].flat();
    in.push_back(needs[i] ? g.input(own) : own);
  }
  (void)op(g, in);
  return counters().saved_bytes / static_cast<int64_t>(sizeof(Scalar));
}

}  // namespace

int main() {
  course::Test t = course::test("An op of your own");
  Scalar x[] = {0, 1, -2, 0.5, 3, -0.75}, a[] = {1, 2, -1, 0.5, 0, 3}, b[] = {5, 0, 1, -1, 2, 0};
  const Inputs one = {Tensor({2, 3}, x)};
  const Inputs three = {Tensor({2, 3}, a), Tensor({2, 3}, x), Tensor({2, 3}, b)};

  t.check("softplus: values", [&] {
    Workspace workspace;
    Graph g(workspace);
    const Tensor y = task::softplus(g, one[0]);
    for (int i = 0; i < 6; ++i)
      t.equal("y[" + std::to_string(i) + "]", double(y.data()[i]),
              std::log1p(std::exp(double(x[i]))), {}, 1e-5);
  });
  t.check("softplus: large numbers", [&] {
    Scalar large[] = {200, -200};
    Workspace workspace;
    Graph g(workspace);
    const Tensor y = task::softplus(g, Tensor({1, 2}, large));
    t.equal("softplus(200)", double(y.data()[0]), 200,
            {{INFINITY,
              "exp(200) is too large for a float: max(x, 0) + log(1 + exp(-|x|)) is the "
              "same number"}},
            1e-5);
    t.equal("softplus(-200)", double(y.data()[1]), 0, {}, 1e-5);
  });
  t.check("softplus: the gradient, against central differences",
          [&] { check_gradients(t, softplus_op, one, {true}, "softplus"); });
  t.check("softplus: kept only if x needs a gradient", [&] {
    t.equal("numbers kept, x needs a gradient", double(kept(softplus_op, one, {true})), 6,
            {{0, "nothing is kept with g.keep: a tensor in the closure must come from it"}});
    t.equal("numbers kept, x is a constant", double(kept(softplus_op, one, {false})), 0,
            {{6, "the second argument of g.keep names the inputs whose gradients read it: {x}"}});
  });
  t.check("multiply_add: gradients for every combination of wanted ones", [&] {
    for (int ways = 1; ways < 8; ++ways)
      check_gradients(t, multiply_add_op, three,
                      {(ways & 1) != 0, (ways & 2) != 0, (ways & 4) != 0}, "multiply_add");
  });
  t.check("multiply_add: what is kept", [&] {
    const auto count = [&](bool da, bool dx, bool db) {
      return double(kept(multiply_add_op, three, {da, dx, db}));
    };
    t.equal("all need a gradient", count(true, true, true), 12, {{18, "b is never needed again"}});
    t.equal("only b does", count(false, false, true), 0,
            {{12, "b's gradient is dy: neither a nor x is needed for it"}});
    t.equal("only a does", count(true, false, false), 6, {{12, "for a, only x is needed"}});
    t.equal("none does", count(false, false, false), 0);
  });
  t.check("multiply_add: a tensor that is used twice", [&] {
    Workspace workspace;  // x x + x: the gradients of three uses add up
    check_gradients(
        t, [](Graph& g, const Inputs& in) { return task::multiply_add(g, in[0], in[0], in[0]); },
        one, {true}, "x x + x (write gradient + beta * old, as dx.put does)");
  });
  return t.result();
}
