// A pretrained encoder from a Hugging Face folder guesses a hidden word.
//
//   04_pretrained [FOLDER [TEXT]]      the model that ships with the project by default
//
// Output:
//   he opened the door and went [MASK] .
//   bert, 2 layers of 256, 8192 words, 0 parameters that the folder lacks
//   likeliest: back

#include <algorithm>
#include <cstdio>
#include <string>

#include "data/tokenizer.h"
#include "models/heads.h"
#include "models/pretrained.h"
#include "models/registry.h"

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : "data/pretrained/peft-2x256";
  const std::string text = argc > 2 ? argv[2] : "he opened the door and went [MASK] .";

  // Words: text to numbers, and back.
  const auto tokenizer = data::load_tokenizer(folder);
  const data::Encoding encoded = tokenizer->encode(text);

  // The model: its family's modules, the head of masked words, and their values.
  const models::ModelSource source = models::open_model(folder);
  const auto model = models::make_model(source.config.json, folder);
  models::VocabularyHead head(*model, models::HeadKind::masked_lm);
  engine::ParameterStore store(*model);
  store.allocate();
  const engine::LoadReport report = engine::load_checkpoint(folder, store);

  // A batch of one sequence. A batch of many is packed one behind another, without padding.
  engine::Batch batch;
  batch.ids = encoded.ids;
  batch.types = encoded.types;
  batch.segments.add(static_cast<int32_t>(encoded.size()));
  const auto hidden_word = std::find(batch.ids.begin(), batch.ids.end(), tokenizer->special().mask);
  if (hidden_word == batch.ids.end()) {
    std::fprintf(stderr, "the text has no [MASK]\n");
    return 1;
  }
  engine::RowSelection asked;  // the last layer is computed at this row alone
  asked.choose(batch.segments, {static_cast<int32_t>(hidden_word - batch.ids.begin())});

  engine::Workspace workspace;
  engine::Graph g(workspace, {.record = false});  // nothing is saved for backward
  const engine::Tensor logits = head.logits(g, model->encode(g, batch, {&asked}));  // (1, words)
  const engine::Scalar* best = std::max_element(logits.data(), logits.data() + logits.size());

  const models::Facts& facts = model->facts();
  std::printf("%s\n", text.c_str());
  std::printf("%s, %d layers of %d, %d words, %d parameters that the folder lacks\n",
              facts.model_type.c_str(), static_cast<int>(facts.layers),
              static_cast<int>(facts.hidden), static_cast<int>(facts.vocab),
              static_cast<int>(report.missing.size()));
  std::printf("likeliest: %s\n",
              tokenizer->token(static_cast<int32_t>(best - logits.data())).c_str());
}
