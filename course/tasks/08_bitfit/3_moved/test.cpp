#include <stdexcept>

#include "course/lib/check.h"
#include "task.h"

using task::Values;

int main() {
  course::Test t = course::test("Does the key bias stay?");
  const Values before = {{"encoder.layer.0.self.query.bias", {0, 0}},
                         {"encoder.layer.1.self.query.bias", {1, 1}},
                         {"encoder.layer.0.output.bias", {0.5}},
                         {"encoder.layer.1.output.bias", {0.5, 0.5, 0.5}},
                         {"encoder.layer.10.self.query.bias", {3, 3}},
                         {"embeddings.bias", {2, 2}}};
  const Values after = {{"encoder.layer.0.self.query.bias", {1, -1}},
                        {"encoder.layer.1.self.query.bias", {1, 1}},
                        {"encoder.layer.0.output.bias", {4.5}},
                        {"encoder.layer.1.output.bias", {0.5, 0.5, 0.5}},
                        {"encoder.layer.10.self.query.bias", {3, 4}},
                        {"embeddings.bias", {2, 1.5}},
                        {"classifier.bias", {9}}};

  t.check("means by kind", [&] {
    const auto got = task::mean_change(before, after);
    t.require(
        got.count("self.query.bias") == 1,
        "there is no kind self.query.bias: is the layer's number cut, also one of two digits?");
    t.equal("self.query.bias", got.at("self.query.bias"), 0.5,
            {{1. / 6, "1 and -1 have cancelled: the mean is of absolute values"},
             {0, "changes of both signs have cancelled: the mean is of absolute values"}});
    t.require(got.count("output.bias") == 1, "there is no kind output.bias");
    t.equal("output.bias", got.at("output.bias"), 1,
            {{2, "this is the mean of the layers' means: take it over all numbers"}});
    t.require(got.count("embeddings.bias") == 1, "there is no kind embeddings.bias");
    t.equal("embeddings.bias", got.at("embeddings.bias"), 0.25);
    t.require(got.count("classifier.bias") == 0, "the fresh head was not there before");
    std::vector<std::string> kinds;
    for (const auto& [kind, change] : got) kinds.push_back(kind);
    t.equal("kinds", kinds, {"embeddings.bias", "output.bias", "self.query.bias"},
            {{{".self.query.bias", "embeddings.bias", "output.bias", "self.query.bias"},
              "a layer's number may have two digits: cut all of them"}});
  });
  t.check("nothing changed", [&] {
    for (const auto& [kind, change] : task::mean_change(before, before)) t.equal(kind, change, 0);
  });
  t.check("after and before exchanged: the same", [&] {
    Values a = after;
    a.erase("classifier.bias");
    const auto forth = task::mean_change(before, a), back = task::mean_change(a, before);
    for (const auto& [kind, change] : forth) t.equal(kind, back.at(kind), change);
  });
  t.check("parameters that do not fit are named", [&] {
    for (const Values& bad : {Values{{"encoder.layer.0.output.bias", {1, 2}}}, Values{}}) {
      std::string said = "nothing";
      try {
        (void)task::mean_change({{"encoder.layer.0.output.bias", {1}}}, bad);
      } catch (const std::invalid_argument& error) {
        said = error.what();
      }
      t.require(said.find("encoder.layer.0.output.bias") != std::string::npos,
                "std::invalid_argument with the name was expected, and it said: " + said);
    }
  });
  t.check("ranking", [&] {
    t.equal("kinds", task::ranking({{"a", 0.5}, {"b", 2}, {"c", 0.5}, {"d", 0}}),
            {"b", "a", "c", "d"},
            {{{"d", "a", "c", "b"}, "most changed first"},
             {{"b", "c", "a", "d"}, "of equal ones the alphabet decides"}});
    // Many equal ones: std::sort leaves them in no order of its own accord.
    std::map<std::string, double> equal = {{"zz", 1}};
    std::vector<std::string> wanted = {"zz"};
    for (char c = 'a'; c <= 'z'; ++c)
      for (char e = 'a'; e < 'c'; ++e) {
        wanted.push_back({c, e});
        equal[{c, e}] = 0.5;
      }
    t.require(task::ranking(equal) == wanted,
              "of 52 kinds that have changed equally the alphabet must decide: std::sort keeps no "
              "order of equal ones, so compare their names too");
  });
  return t.result();
}
