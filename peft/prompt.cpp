// Prompt tuning (Lester et al. 2021): `length` learned vectors in front of every sequence's word
// embeddings. They take the first positions, and are tokens like others from there on.
//
//   x = [P; E[ids]],   P (length, width of the table)
//
// length width parameters. Begins as random words of the vocabulary, as a text, or as N(0, 1), the
// default of Hugging Face PEFT. A sequence is longer by the prompt in every layer; no start is a
// no-op.
#include "peft/prompt.h"

#include "engine/base/error.h"
#include "engine/base/philox.h"
#include "engine/nn/embedding.h"
#include "engine/ops/elementwise.h"
#include "peft/composite.h"
#include "peft/registry.h"

namespace peft {

using namespace engine;

// Adds P[j] where the id is -1 - j.
class PromptHook : public EmbeddingHook {
 public:
  PromptHook(int64_t length, int64_t width) {
    declare(prompt, "prompt_embeddings", {length, width}, Role::injected, -1, Init::derived);
  }

  int64_t prompt_length() const override { return prompt.shape.rows; }
  Tensor output(Graph& g, const int32_t* ids, Tensor y) override {
    const std::span<int32_t> places = g.take<int32_t>(y.rows());
    for (size_t i = 0; i < places.size(); ++i) places[i] = -1 - ids[i];  // of words: negative
    return add(g, std::move(y), embedding_sum(g, {{g.use(prompt), places.data(), true}}, y.rows()));
  }

  Parameter prompt;
};

Prompt::Prompt(const Options& o)
    : length_(o.integer("length", 1, 1 << 16)),
      init_(o.choice("init", {"words", "text", "random"})),
      text_(o.text("text")) {
  if (!text_.empty() && !o.given("init")) init_ = "text";
  check((init_ == "text") == !text_.empty(), "prompt", "init=", init_,
        text_.empty() ? " without a text" : " and a text",
        hint("write prompt:init=text,text=..., or neither"));
}

Json Prompt::options() const {
  Json out = {{"length", length_}, {"init", init_}};
  if (!text_.empty()) out["text"] = text_;
  return out;
}

double Prompt::default_learning_rate() const { return 3e-2; }  // PEFT's example; the paper has 0.3

void Prompt::inject(Sites& sites) {
  check(sites.words != nullptr && sites.root != nullptr, "prompt", "this ", sites.model_type,
        " has no table of words");
  Embedding* words = nullptr;
  for (const auto& site : sites.embeddings)
    if (site.embedding == sites.words) words = site.embedding;
  check(words != nullptr && words->prompt_length() == 0, "prompt",
        words ? "this model has a prompt already" : "the table of words is no site");
  auto hook = std::make_unique<PromptHook>(length_, words->width());
  hook->prompt.derive = [this, words](Scalar* to, uint64_t seed) {
    check(init_ != "text" || !ids_.empty(), "prompt", "the text has no tokens here",
          hint("it is read with a tokenizer, and this program has none for the model"));
    Random random(mix(seed, name_key("prompt_embeddings")));
    const int64_t width = words->width();
    for (int64_t i = 0; i < length_; ++i, to += width) {
      if (init_ == "random") {
        for (int64_t j = 0; j < width; ++j) to[j] = static_cast<Scalar>(random.normal());
        continue;
      }
      const int64_t id =
          init_ == "words"
              ? static_cast<int64_t>(random.below(static_cast<uint32_t>(words->entries())))
              : ids_[static_cast<size_t>(i) % ids_.size()];
      check(id >= 0 && id < words->entries(), "prompt", "the text has a word of id ", id,
            ", and the table has ", words->entries());
      words->weight.read_row(id, to);
    }
  };
  words->attach(sites.root->adopt(std::move(hook), ""));
}

Prompt* prompt_of(Strategy& strategy) {
  if (auto* prompt = dynamic_cast<Prompt*>(&strategy)) return prompt;
  if (const auto* sum = dynamic_cast<const Composite*>(&strategy))
    for (const auto& part : sum->parts())
      if (auto* prompt = dynamic_cast<Prompt*>(part.get())) return prompt;
  return nullptr;
}

StrategyInfo prompt_strategy() {
  return {"prompt",
          "learned vectors in front of every sequence's words (Lester et al. 2021)",
          {{"length", "20", "how many"},
           {"init", "words", "words: random ones of the vocabulary; text; random: N(0, 1)"},
           {"text", "", "what it begins as, cut or repeated to the length"}},
          [](const peft::Options& o) -> std::unique_ptr<Strategy> {
            return std::make_unique<Prompt>(o);
          }};
}

}  // namespace peft
