#include "course/lib/check.h"
#include "task.h"

using task::Learns;

int main() {
  course::Test t = course::test("What a layer keeps");
  const long d = 768, f = 3072, h = 12;
  const auto is = [&](const std::string& who, const Learns& learns, long expected,
                      const std::vector<course::Mistake<double>>& mistakes = {}) {
    t.equal("numbers a token, " + who, double(task::kept(d, f, h, learns)), double(expected),
            mistakes, 1e-15);
  };
  Learns all;
  all.below = all.biases = all.query_key_value = all.attention_output = all.norm_weights = true;
  all.ffn_in = all.ffn_out = true;
  Learns biases;
  biases.below = biases.biases = true;

  t.check("everything learns", [&] {
    is("everything", all, 8 * d + 2 * f + h + 4,
       {{double(10 * d + 2 * f + h + 4),
         "query, key and value read the same input: it is kept once"},
        {double(8 * d + 2 * f + h), "each norm keeps mean and deviation of the row"},
        {double(8 * d + 2 * f + 4), "attention keeps a number a head"}});
  });
  t.check("biases learn", [&] {
    is("biases", biases, 5 * d + f + h + 4,
       {{double(8 * d + 2 * f + h + 4), "no weight learns: no linear layer keeps its input"}});
  });
  t.check("nothing learns in the layer, and nothing below", [&] { is("nothing", {}, 0); });
  t.check("nothing in the layer learns, but something below", [&] {
    Learns below;
    below.below = true;
    is("something below", below, 5 * d + f + h + 4,
       {{0, "the gradient must pass through the layer: that needs what BitFit needs"}});
  });
  t.check("only the second feed-forward weight", [&] {
    Learns one;
    one.ffn_out = true;
    is("ffn_out", one, f + d + 2,
       {{double(f), "the norm behind it must pass the gradient on: it keeps d + 2"},
        {double(2 * f + d + 2), "gelu's input needs no gradient, so it is not kept"},
        {double(5 * d + 2 * f + h + 4), "the gradient goes no further down than ffn_out"}});
  });
  t.check("only the first feed-forward weight", [&] {
    Learns one;
    one.ffn_in = true;
    is("ffn_in", one, d + f + d + 2);
  });
  t.check("only the output weight of attention", [&] {
    Learns one;
    one.attention_output = true;
    is("attention_output", one, d + 2 * (d + 2) + f,
       {{double(d + 2 * (d + 2) + f + 3 * d + h),
         "q, k and v need no gradient: attention keeps nothing"}});
  });
  t.check("queries, keys and values", [&] {
    Learns one;
    one.query_key_value = true;
    is("query, key and value", one, 6 * d + f + h + 4,
       {{double(5 * d + f + h + 4), "their weights' gradient needs the layer's input"}});
  });
  t.check("the weights of the norms", [&] {
    Learns one;
    one.norm_weights = true;
    is("norms", one, 2 * (d + 2) + f);
  });
  t.check("to learn more never keeps less (all 128 ways)", [&] {
    const auto of = [](int ways) {
      Learns l;
      l.below = ways & 1, l.biases = ways & 2, l.query_key_value = ways & 4;
      l.attention_output = ways & 8, l.norm_weights = ways & 16;
      l.ffn_in = ways & 32, l.ffn_out = ways & 64;
      return l;
    };
    for (int ways = 0; ways < 128; ++ways)
      for (int bit = 1; bit < 128; bit *= 2)
        t.require(task::kept(d, f, h, of(ways)) <= task::kept(d, f, h, of(ways | bit)),
                  "way " + std::to_string(ways) + " keeps more than way " +
                      std::to_string(ways | bit) + ", in which more learns");
  });
  return t.result();
}
