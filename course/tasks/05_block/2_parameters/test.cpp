#include "course/lib/check.h"
#include "task.h"

using task::Sizes;

// BERT-base and BERT-tiny, for two classes.
static const Sizes kBase{12, 768, 3072, 30522, 512, 2}, kTiny{2, 128, 512, 30522, 512, 2};

int main() {
  course::Test t = course::test("How many parameters");
  const auto same = [&](const std::string& what, long got, long expected,
                        const std::vector<course::Mistake<double>>& mistakes = {}) {
    t.equal(what, double(got), double(expected), mistakes, 1e-15);
  };

  t.check("a layer of BERT-base", [&] {
    same("parameters", task::layer_parameters(kBase), 7087872,
         {{7077888, "the biases and the norms are missing"},
          {7084800, "the two norms (a weight and a bias each) are missing"},
          {7086336, "there are two norms in a layer"},
          {6497280, "attention has four square matrices: query, key, value and output"}});
  });
  t.check("all of BERT-base and of BERT-tiny", [&] {
    same("BERT-base", task::total_parameters(kBase), 109483778,
         {{109482240, "the head is missing"},
          {109482242, "the head has a weight as well"},
          {109482242 - 590592 + 1536, "the pooler is missing"},
          {109483778 - 590592, "the pooler is missing"},
          {109483778 - 1536, "the tables are followed by a norm, or the types are missing"}});
    same("BERT-tiny", task::total_parameters(kTiny), 4386178);
  });
  t.check("BitFit", [&] {
    same("BERT-base", task::bitfit_parameters(kBase), 102912 + 1538,
         {{102912, "the head learns as well"},
          {102912 + 1538 - 768, "the pooler has a bias, and so has the norm of the embeddings"},
          {102912 + 1538 - 1536, "the pooler has a bias, and so has the norm of the embeddings"},
          {102912 + 1538 - 12 * 1536, "the norms have biases, too"}});
  });
  t.check("LoRA", [&] {
    same("BERT-base, rank 8", task::lora_parameters(kBase, 8), 294912 + 1538,
         {{147456 + 1538, "queries and values: two places a layer"},
          {294912, "the head learns as well"}});
    same("twice the rank", task::lora_parameters(kBase, 16) - 1538,
         2 * (task::lora_parameters(kBase, 8) - 1538));
  });
  t.check("the top layers", [&] {
    same("two layers", task::top_parameters(kBase, 2), 2 * 7087872 + 590592 + 1538);
    same("one more is one layer more",
         task::top_parameters(kBase, 3) - task::top_parameters(kBase, 2),
         task::layer_parameters(kBase));
  });
  t.check("without layers only the tables, the pooler and the head are left", [&] {
    const Sizes none{0, 16, 64, 100, 32, 3};
    same("parameters", task::total_parameters(none), 134 * 16 + 2 * 16 + 17 * 16 + 17 * 3);
  });
  return t.result();
}
