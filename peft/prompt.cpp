// Prompt tuning (Lester et al. 2021): `length` learned vectors in front of every sequence's word
// embeddings. They take the first positions, and are tokens like others from there on.
//
//   x = [P; E[ids]],   P (length, width of the table)
//
// The paper's embedding-only placement of prefix-tuning is hidden=512: an MLP makes the vectors,
//   P = W2 tanh(W1 E + b1) + b2,   E (length, width), W1 (hidden, width), W2 (width, hidden)
// and a file holds P alone.
//
// length width parameters without it. Begins as random words of the vocabulary, as a text, or as
// N(0, 1), the default of Hugging Face PEFT. A sequence is longer by the prompt in every layer; no
// start is a no-op.
#include "peft/prompt.h"

#include "engine/base/error.h"
#include "engine/base/philox.h"
#include "engine/nn/embedding.h"
#include "engine/nn/linear.h"
#include "engine/ops/elementwise.h"
#include "peft/composite.h"
#include "peft/registry.h"

namespace peft {

using namespace engine;

// Adds P[j] where the id is -1 - j.
class PromptHook : public EmbeddingHook {
 public:
  explicit PromptHook(int64_t length) : length_(length) {}

  int64_t prompt_length() const override { return length_; }
  virtual Tensor table(Graph& g) = 0;  // (length, width)
  Tensor output(Graph& g, const int32_t* ids, Tensor y) override {
    const std::span<int32_t> places = g.take<int32_t>(y.rows());
    for (size_t i = 0; i < places.size(); ++i) places[i] = -1 - ids[i];  // of words: negative
    return add(g, std::move(y), embedding_sum(g, {{table(g), places.data(), true}}, y.rows()));
  }

 private:
  int64_t length_;
};

namespace {

struct FlatPrompt : PromptHook {
  FlatPrompt(int64_t length, int64_t width) : PromptHook(length) {
    declare(prompt, "prompt_embeddings", {length, width}, Role::injected, -1, Init::derived);
  }
  Tensor table(Graph& g) override { return g.use(prompt); }

  Parameter prompt;
};

struct MlpPrompt : PromptHook {
  MlpPrompt(int64_t length, int64_t width, int64_t hidden)
      : PromptHook(length),
        first(*this, "prompt_encoder.transform.0", width, hidden, Role::injected, -1),
        second(*this, "prompt_encoder.transform.2", hidden, width, Role::injected, -1) {
    declare(embedding, "prompt_encoder.embedding.weight", {length, width}, Role::injected, -1);
    embedding.init_std = 1;  // torch.nn.Embedding
    first.weight.init = second.weight.init = Init::kaiming_uniform;
  }
  Tensor table(Graph& g) override {
    return second(g, first(g, g.use(embedding), Activation::tanh));
  }

  Parameter embedding;
  Linear first, second;
};

}  // namespace

Prompt::Prompt(const Options& o)
    : length_(o.integer("length", 1, 1 << 16)),
      init_(o.choice("init", {"words", "text", "random"})),
      text_(o.text("text")),
      hidden_(o.integer("hidden", 0, 1 << 20)) {
  if (hidden_ > 0) {
    check(text_.empty() && (!o.given("init") || init_ == "random"), "prompt",
          "an MLP makes the vectors (hidden=", hidden_, "), so they cannot begin as words",
          hint("leave hidden=, or init= and text=, out"));
    init_ = "random";
  }
  if (!text_.empty() && !o.given("init")) init_ = "text";
  check((init_ == "text") == !text_.empty(), "prompt", "init=", init_,
        text_.empty() ? " without a text" : " and a text",
        hint("write prompt:init=text,text=..., or neither"));
}

Json Prompt::options() const {
  Json out = {{"length", length_}, {"init", init_}};
  if (!text_.empty()) out["text"] = text_;
  if (hidden_ > 0) out["hidden"] = hidden_;
  return out;
}

Matrix Prompt::table() const {
  check(hook_ != nullptr, "prompt", "there is no table before inject()");
  Workspace workspace;
  GraphOptions options;
  options.record = false;
  Graph g(workspace, options);
  return hook_->table(g).mat();
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
  if (hidden_ > 0) {
    hook_ = &sites.root->adopt(
        std::unique_ptr<PromptHook>(std::make_unique<MlpPrompt>(length_, words->width(), hidden_)),
        "");
    words->attach(*hook_);
    return;
  }
  auto hook = std::make_unique<FlatPrompt>(length_, words->width());
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
  hook_ = &sites.root->adopt(std::unique_ptr<PromptHook>(std::move(hook)), "");
  words->attach(*hook_);
}

Prompt* prompt_of(Strategy& strategy) { return part_of<Prompt>(strategy); }

StrategyInfo prompt_strategy() {
  return {"prompt",
          "learned vectors in front of every sequence's words (Lester et al. 2021)",
          {{"length", "20", "how many"},
           {"init", "words", "words: random ones of the vocabulary; text; random: N(0, 1)"},
           {"text", "", "what it begins as, cut or repeated to the length"},
           {"hidden", "0",
            "width of an MLP that makes the vectors: prefix-tuning's embedding-only "
            "placement; 0: none"}},
          [](const peft::Options& o) -> std::unique_ptr<Strategy> {
            return std::make_unique<Prompt>(o);
          }};
}

}  // namespace peft
