#include "engine/autograd/dot.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "engine/ops/elementwise.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "tests/engine/autograd/support.h"
#include "tests/support/paths.h"

using namespace engine;
using testing::OwnedLeaf;
using testing::PoisonedWorkspace;

namespace {

struct Net {
  PoisonedWorkspace ws;
  OwnedLeaf w0{{8, 4}, false}, b0{{1, 8}, true}, w1{{8, 8}, false}, b1{{1, 8}, true},
      head{{1, 8}, true};
  Trace trace;

  std::string name(const Leaf& leaf) const {
    if (&leaf == &w0) return "net.layer.0.dense.weight";
    if (&leaf == &b0) return "net.layer.0.dense.bias";
    if (&leaf == &w1) return "net.layer.1.dense.weight";
    if (&leaf == &b1) return "net.layer.1.dense.bias";
    return "head.weight<&>";
  }
  std::string picture() {
    GraphOptions options;
    options.trace = &trace;
    Graph g(ws, options);
    const double targets[] = {1, 2};
    const Tensor x = ws.tensor({2, 4});
    const Tensor h0 = linear_activation(g, x, g.use(w0), g.use(b0), Activation::gelu);
    const Tensor h1 = scale(g, linear(g, h0, g.use(w1), g.use(b1)), 2);
    mse(g, linear(g, add(g, h1, h0), g.use(head), {}), targets);
    return to_dot(trace, [this](const Leaf& leaf) { return name(leaf); });
  }
};

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
  return n;
}

}  // namespace

TEST_CASE("a trace becomes a picture") {
  const std::string dot = Net().picture();
  CAPTURE(dot);
  CHECK(dot.find("digraph step {") == 0);
  // x (2, 4) times w (8, 4): 2 * 2 * 4 * 8 = 128 FLOPs; the pre-activation of 16 scalars is kept
  const std::string kept = sizeof(Scalar) == 4 ? "64 B" : "128 B";
  CHECK(count(dot, "label=\"linear_activation (2, 8)\\n128 FLOP\\nkeeps " + kept + "\"") == 1);
  CHECK(count(dot, "label=\"scale (2, 8)\"") == 1);
  CHECK(count(dot, "label=\"mse (1, 1)") == 1);
  // one box a module, one row a parameter; frozen ones are grey and say so
  CHECK(count(dot, "shape=plain") == 3);
  CHECK(count(dot, "<font color=\"#999999\">weight (8, 4) frozen</font>") == 1);
  CHECK(count(dot, "<font color=\"#1b4f9c\">bias (1, 8)</font>") == 2);
  CHECK(count(dot, "weight&lt;&amp;&gt; (1, 8)") == 1);
  // layers are framed, ops without parameters with the op that they follow
  CHECK(count(dot, "subgraph cluster_") == 2);
  const size_t frame0 = dot.find("label=\"net.layer.0\""),
               frame1 = dot.find("label=\"net.layer.1\"");
  CHECK(frame0 < dot.find("linear_activation"));
  CHECK(frame1 < dot.find("scale (2, 8)"));
  // six ops' inputs: 1 module; h0 and a module; 1; two; h and a module; 1
  CHECK(count(dot, " -> ") == 9);
  CHECK(count(dot, "style=dashed") == 0);  // all of it carries gradients: layer 0's bias trains
}

TEST_CASE("what is frozen is grey") {
  Net net;
  net.b0.trainable = net.b1.trainable = false;
  const std::string dot = net.picture();
  CHECK(count(dot, "frozen</font>") == 4);
  CHECK(count(dot, "fontcolor=\"#999999\"") == 4);  // linear_activation, linear, scale, add
  CHECK(count(dot, "style=dashed") == 7);
}

TEST_CASE("Graphviz reads it, where Graphviz is") {
  if (std::system("command -v dot >/dev/null 2>&1") != 0) {
    MESSAGE("skipped: Graphviz is not installed");
    return;
  }
  const testing::TempDir folder;
  testing::write_file(folder / "step.dot", Net().picture());
  CHECK(std::system(("dot -Tsvg -o " + (folder / "step.svg").string() + " " +
                     (folder / "step.dot").string())
                        .c_str()) == 0);
  CHECK(testing::read_file(folder / "step.svg").find("net.layer.0") != std::string::npos);
}
