#include "run/beginning.h"

#include "engine/base/philox.h"
#include "peft/prefix.h"
#include "peft/prompt.h"

namespace run {

using engine::check;
using engine::hint;

engine::Matrix key_values(models::Model& model, const std::vector<int32_t>& ids) {
  const int layers = model.facts().layers;
  const int64_t width = model.sites().kv.width(), n = static_cast<int64_t>(ids.size());
  engine::KvCache cache(layers, width, 1);
  engine::Batch batch;
  batch.ids = ids;
  batch.segments.add(static_cast<int32_t>(n));
  engine::Workspace workspace;
  engine::Graph g(workspace, {.record = false});
  model.encode(g, batch, {.cache = &cache});
  const int64_t first = cache.length(0) - n;  // behind a prompt's vectors, if there are any
  engine::Matrix table(n, 2 * layers * width);
  for (int layer = 0; layer < layers; ++layer) {
    int64_t row = -first;
    for (int64_t page = 0; page < cache.pages(0); ++page) {
      const engine::KvCache::Part part = cache.part(layer, 0, page);
      for (int64_t r = 0; r < part.rows; ++r, ++row) {
        if (row < 0) continue;
        std::copy_n(part.keys + r * width, width, table.row(row).data() + 2 * layer * width);
        std::copy_n(part.values + r * width, width,
                    table.row(row).data() + (2 * layer + 1) * width);
      }
    }
  }
  return table;
}

void read_beginning(peft::Strategy& strategy, models::Model& model,
                    const data::Tokenizer* tokenizer) {
  if (peft::Prompt* prompt = peft::prompt_of(strategy);
      prompt && tokenizer && !prompt->text().empty())
    prompt->set_ids(tokenizer->encode(prompt->text()).ids);

  peft::Prefix* prefix = peft::prefix_of(strategy);
  if (!prefix) return;
  const models::Facts& facts = model.facts();
  check(facts.causal || !prefix->infix(), "prefix", "placement=infix on model_type '",
        facts.model_type, "', whose tokens all see one another",
        hint("give a causal model: gpt2, llama, ..."));
  if (prefix->init() == "random") return;
  check(facts.causal, "prefix", "init=", prefix->init(), " on model_type '", facts.model_type,
        "', where what words compute depends on the text behind them",
        hint("give a causal model, or leave init= out"));
  std::vector<int32_t> words;
  if (prefix->init() == "text") {
    check(tokenizer != nullptr, "prefix", "there is no tokenizer here to read the text with");
    tokenizer->tokenize(prefix->text(), words);
    check(!words.empty(), "prefix", "the text has no tokens");
  }
  prefix->set_activations([&model, words](int64_t length, uint64_t seed) {
    engine::Random random(engine::mix(seed, engine::name_key("prompt_embeddings")));
    std::vector<int32_t> ids;
    for (size_t i = 0; i < static_cast<size_t>(length); ++i)
      ids.push_back(words.empty() ? static_cast<int32_t>(
                                        random.below(static_cast<uint32_t>(model.facts().vocab)))
                                  : words[i % words.size()]);
    return key_values(model, ids);
  });
}

}  // namespace run
