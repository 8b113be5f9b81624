#include "course/lib/check.h"
#include "task.h"

using task::Training;

namespace {

std::vector<double> after(int steps) {
  Training t(5);
  for (int i = 0; i < steps; ++i) t.step();
  return t.parameters();
}

constexpr int kSteps = 20;

}  // namespace

int main() {
  course::Test t = course::test("Stopped, and gone on with");

  t.check("the parameters come back", [&] {
    Training a(5);
    for (int i = 0; i < 6; ++i) a.step();
    Training b(5);
    b.load(a.save());
    t.equal("parameters", b.parameters(), a.parameters(), {}, 0);
  });
  t.check("stopped after each of 20 steps, the same bits at the end", [&] {
    const std::vector<double> whole = after(kSteps);
    for (int stop = 0; stop <= kSteps; ++stop) {
      Training a(5);
      for (int i = 0; i < stop; ++i) a.step();
      Training b(5);
      b.load(a.save());
      // One step further, to see where it parts.
      Training c(5);
      c.load(a.save());
      c.step();
      t.require(c.parameters() == after(stop + 1),
                "stopped after step " + std::to_string(stop) +
                    ", the next step is another one already: what does step() read that was not "
                    "saved? (momentum, the step's number for rate and dropout, the place in the "
                    "data)");
      for (int i = stop; i < kSteps; ++i) b.step();
      t.require(
          b.parameters() == whole,
          "stopped after step " + std::to_string(stop) +
              ", it ends elsewhere, though the next step is right: what changes from epoch to "
              "epoch?");
    }
  });
  t.check("an object that has made steps of its own is set back", [&] {
    Training a(5), b(5);
    for (int i = 0; i < 4; ++i) a.step();
    for (int i = 0; i < 9; ++i) b.step();
    b.load(a.save());
    for (int i = 4; i < kSteps; ++i) b.step();
    t.require(b.parameters() == after(kSteps),
              "something of the steps before load() is left: the order of another epoch?");
  });
  t.check("save() changes nothing", [&] {
    Training a(5);
    for (int i = 0; i < kSteps; ++i) {
      (void)a.save();
      a.step();
    }
    t.require(a.parameters() == after(kSteps), "the training went another way");
  });
  t.check("what can be computed again is not saved", [&] {
    Training a(5);
    for (int i = 0; i < 6; ++i) a.step();
    t.require(a.save().size() <= 9,
              std::to_string(a.save().size()) +
                  " numbers are saved, 9 are enough: the order of the data is "
                  "a function of seed and epoch");
  });
  return t.result();
}
