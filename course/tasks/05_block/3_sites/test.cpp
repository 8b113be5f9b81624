#include <stdexcept>

#include "course/lib/check.h"
#include "task.h"

using task::Site;

namespace {

std::vector<Site> bert(int layers) {
  std::vector<Site> sites;
  for (int l = 0; l < layers; ++l) {
    const std::string layer = "bert.encoder.layer." + std::to_string(l) + ".";
    sites.push_back({layer + "attention.self.query", "query", l});
    sites.push_back({layer + "attention.self.key", "key", l});
    sites.push_back({layer + "attention.self.value", "value", l});
    sites.push_back({layer + "attention.output.dense", "attention_output", l});
    sites.push_back({layer + "intermediate.dense", "ffn_in", l});
    sites.push_back({layer + "output.dense", "ffn_out", l});
  }
  return sites;
}

// What was thrown, or "nothing".
template <class F>
std::string thrown(F&& f) {
  try {
    f();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing";
}

}  // namespace

int main() {
  course::Test t = course::test("Sites");

  t.check("queries and values of all layers", [&] {
    t.equal("sites", task::choose(bert(2), {"query", "value"}, {}), {0, 2, 6, 8},
            {{{0, 6, 2, 8}, "in the order of the sites, not of the roles"}});
  });
  t.check("ffn_out is not what ends in output.dense", [&] {
    t.equal("sites", task::choose(bert(2), {"ffn_out"}, {}), {5, 11},
            {{{3, 5, 9, 11},
              "attention.output.dense ends in output.dense as well: choose by role, "
              "not by path"}});
  });
  t.check("some layers", [&] {
    t.equal("sites", task::choose(bert(4), {"key"}, {1, 3}), {7, 19});
    const std::vector<Site> many = bert(12);
    t.equal("layer 1 of 12", task::choose(many, {"key"}, {1}), {7},
            {{{7, 61, 67}, "layer 1 is not every layer whose number begins with 1"}});
  });
  t.check("a role that the model does not have", [&] {
    const std::string said = thrown([] { (void)task::choose(bert(1), {"query", "gate"}, {}); });
    t.require(said != "nothing",
              "no exception for the role \"gate\": a strategy that silently "
              "does nothing is the worst of all");
    t.require(said.find("gate") != std::string::npos, "the message does not name it: " + said);
  });
  t.check("every site is chosen by exactly one role", [&] {
    const std::vector<Site> sites = bert(3);
    std::vector<int> times(sites.size(), 0);
    for (const char* role : {"query", "key", "value", "attention_output", "ffn_in", "ffn_out"})
      for (const int i : task::choose(sites, {role}, {})) ++times.at(static_cast<size_t>(i));
    t.equal("times", times, std::vector<int>(sites.size(), 1));
  });
  t.check("layers by text", [&] {
    t.equal("3", task::layers_from_text("3"), {3});
    t.equal("0-2+5", task::layers_from_text("0-2+5"), {0, 1, 2, 5},
            {{{0, 1, 5}, "both ends of a range belong to it"}});
    t.equal("10-11", task::layers_from_text("10-11"), {10, 11});
    t.equal("5+0-2", task::layers_from_text("5+0-2"), {0, 1, 2, 5},
            {{{5, 0, 1, 2}, "in ascending order"}});
    t.equal("0-2+1-3", task::layers_from_text("0-2+1-3"), {0, 1, 2, 3},
            {{{0, 1, 1, 2, 2, 3}, "each number once"}, {{0, 1, 2, 1, 2, 3}, "each number once"}});
  });
  t.check("layers that are none", [&] {
    for (const char* bad :
         {"", "a", "3-1", "1++2", "1+", "-2", "1-", "2 3", "99999999999999999999"})
      t.require(thrown([&] { (void)task::layers_from_text(bad); }) != "nothing",
                std::string("no std::invalid_argument for \"") + bad + "\"");
  });
  return t.result();
}
