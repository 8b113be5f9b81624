#include "run/model.h"

#include <algorithm>
#include <cstdlib>

#include "engine/io/hash.h"
#include "engine/nn/embedding.h"
#include "models/gguf.h"
#include "run/beginning.h"

namespace run {

namespace fs = std::filesystem;
using engine::check;
using engine::fail;
using engine::hint;

engine::LoadReport fill(const models::ModelSource& source, engine::ParameterStore& store,
                        const OpenOptions& options) {
  if (!options.writable || !source.has_weights())
    return models::load_weights(source, store, options.seed, options.allow_head_mismatch);
  const auto load = engine::load_checkpoint(
      models::checkpoint_of(source), store,
      {.borrow = false, .allow_head_mismatch = options.allow_head_mismatch});
  store.initialise(options.seed);
  return load;
}

// Points frozen parameters at the values of `base`, copies those of trained ones, and draws what it
// lacks.
static void share(const std::shared_ptr<const OpenModel>& base, engine::ParameterStore& store,
                  uint64_t seed) {
  std::vector<engine::Parameter*> drawn;
  for (engine::Parameter* p : store.all()) {
    const engine::Parameter* from = base->store->find(p->name);
    if (!from || from->dims != p->dims) continue;
    p->in_base = from->in_base;
    if (!p->trainable && store.holds_as_half(*p) && from->half)
      store.borrow_half(*p, from->half.data, base);
    else if (!p->trainable && from->value)
      store.borrow(*p, from->value, base);
    else if (from->value)
      std::copy_n(from->value, p->count(), store.own(*p));
    else
      engine::widen(from->half.data, p->count(), store.own(*p));
    p->loaded = true;  // for initialise(), which leaves it alone
    if (!from->loaded) drawn.push_back(p);
  }
  store.initialise(seed);
  for (engine::Parameter* p : drawn) p->loaded = false;
}

OpenModel open_model(models::ModelSource source, const std::string& strategy,
                     const OpenOptions& options) {
  OpenModel open;
  open.source = std::move(source);
  open.model = std::make_unique<models::SequenceClassifier>(open.source.config);
  open.strategy = peft::make_strategy(strategy);
  open.sites = open.model->sites();
  peft::apply(*open.strategy, open.sites, *open.model);
  read_beginning(*open.strategy, open.model->model(), options.tokenizer);
  open.store = std::make_unique<engine::ParameterStore>(
      *open.model, options.writable ? engine::Precision::fp32 : engine::precision());
  open.store->allocate();
  if (options.base)
    share(options.base, *open.store, options.seed);
  else if (options.values)
    open.load = fill(open.source, *open.store, options);
  return open;
}

std::string model_identity(const models::ModelSource& source, uint64_t seed) {
  engine::Hash hash;
  if (source.has_weights()) {
    const engine::Checkpoint checkpoint = models::checkpoint_of(source);
    for (const fs::path& file : checkpoint.files()) hash.add(engine::hash_file(file));
    hash.add(engine::json_text(source.config.raw));
  } else {
    hash.add(source.spec);
    hash.add(&source.config.facts.vocab, sizeof source.config.facts.vocab);
    hash.add(&seed, sizeof seed);
  }
  return hash.hex();
}

std::string tokenizer_folder(const std::string& model, const std::string& given) {
  if (!given.empty()) return given;
  const auto holds_vocabulary = [](const fs::path& folder) {
    return fs::exists(folder / "vocab.txt") || fs::exists(folder / "tokenizer.json") ||
           fs::exists(folder / "vocab.json");
  };
  if (!models::is_random_model(model)) {
    check(fs::exists(model), "model", "there is no ", model,
          hint("give a Hugging Face folder (config.json, model.safetensors, vocab.txt) or "
               "random:layers=2,hidden=128"));
    if (engine::Gguf::is_one(model)) return model;
    const fs::path folder =
        fs::is_directory(model) ? fs::path(model) : fs::path(model).parent_path();
    if (holds_vocabulary(folder) || models::gguf_of(folder)) return folder.string();
    fail("tokenizer", model, " has no vocab.txt, tokenizer.json or vocab.json",
         hint("give the folder of its tokenizer with --tokenizer"));
  }
  std::vector<fs::path> roots;
  if (const char* data = std::getenv("PEFT_DATA")) roots.emplace_back(data);
  std::error_code ignored;
  for (fs::path above = fs::read_symlink("/proc/self/exe", ignored).parent_path();
       above.has_relative_path(); above = above.parent_path())
    roots.push_back(above / "data");
  for (const fs::path& root : roots) {
    if (!fs::is_directory(root / "pretrained", ignored)) continue;
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(root / "pretrained", ignored))
      if (entry.is_directory() && holds_vocabulary(entry.path())) folders.push_back(entry.path());
    if (!folders.empty()) return std::min_element(folders.begin(), folders.end())->string();
  }
  fail("tokenizer", "a random model needs a vocabulary, and none ships beside this program",
       hint("give a folder with vocab.txt by --tokenizer, or set PEFT_DATA to the project's data "
            "folder"));
}

}  // namespace run
