#include "run/session.h"

#include <algorithm>
#include <cstdlib>

#include "data/own.h"
#include "engine/base/timer.h"
#include "engine/io/hash.h"
#include "peft/adapter_file.h"

namespace run {

namespace fs = std::filesystem;
using engine::check;
using engine::fail;
using engine::hint;

namespace {

// A checkpoint that was fine-tuned on the same classes may have them in another order (MNLI:
// transformers#12822); its own order is taken over, or its head would be right in all but the
// names.
void follow_model_labels(Session& s) {
  data::TaskInfo& info = s.task.info;
  const std::vector<std::string>& own = s.source.config.labels;
  if (info.regression || own.size() != info.labels.size() || own == info.labels) return;
  const auto lower = [](std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
  };
  std::vector<int> to_model(own.size(), -1);
  for (size_t i = 0; i < own.size(); ++i)
    for (size_t j = 0; j < own.size(); ++j)
      if (lower(info.labels[i]) == lower(own[j])) to_model[i] = static_cast<int>(j);
  if (std::find(to_model.begin(), to_model.end(), -1) != to_model.end())
    return;  // other names: LABEL_0 and the like
  for (auto& [name, split] : s.task.splits)
    for (data::Example& example : split.examples)
      if (example.label) *example.label = to_model[static_cast<size_t>(*example.label)];
  std::vector<std::string> names(own.size());
  for (size_t i = 0; i < own.size(); ++i) names[static_cast<size_t>(to_model[i])] = info.labels[i];
  if (names != info.labels)
    s.notes.push_back("labels are in the order of the model's config.json (id2label)");
  info.labels = names;
}

void drop_other_heads(peft::AdapterFile& adapter, Session& s) {
  for (const engine::Parameter* p : s.store->all()) {
    if (p->role != engine::Role::head) continue;
    const auto it = adapter.tensors.find(p->name);
    if (it == adapter.tensors.end() || it->second.dims == p->dims) continue;
    s.notes.push_back(engine::concat(p->name, " starts fresh: in the adapter it is ",
                                     engine::dims_text(it->second.dims), ", here ",
                                     engine::dims_text(p->dims)));
    adapter.tensors.erase(it);
  }
}

std::string hash_of_data(const Session& s) {
  engine::Hash hash;
  for (const auto& [name, split] : s.splits) {
    hash.add(name);
    for (int64_t i = 0; i < split.size(); ++i) {
      const auto ids = split.ids(i);
      hash.add(ids.data(), ids.size_bytes());
    }
    hash.add(split.labels().data(), split.labels().size() * sizeof(double));
  }
  return hash.hex();
}

void encode_all(Session& s, int max_length) {
  const engine::Timer timer;
  for (const auto& [name, split] : s.task.splits) {
    data::EncodedSplit encoded =
        data::encode_split(*s.tokenizer, split.examples, s.task.info.pair, max_length);
    if (encoded.truncated())
      s.notes.push_back(engine::concat(name, ": ", encoded.truncated(), " of ", encoded.size(),
                                       " texts were cut to ", max_length, " tokens"));
    if (split.skipped)
      s.notes.push_back(engine::concat(name, ": ", split.skipped, " corrupt rows were left out"));
    s.splits.emplace(name, std::move(encoded));
  }
  s.encode_seconds = timer.seconds();
}

}  // namespace

std::vector<std::string> Session::dev_splits() const {
  std::vector<std::string> names;
  for (const auto& [name, split] : splits)
    if (name.starts_with("dev") && split.labelled()) names.push_back(name);
  return names;
}

std::vector<std::string> Session::test_splits() const {
  std::vector<std::string> names;
  for (const auto& [name, split] : splits)
    if (name.starts_with("test")) names.push_back(name);
  return names;
}

std::string model_identity(const models::ModelSource& source, uint64_t seed) {
  engine::Hash hash;
  if (source.has_weights()) {
    const engine::Checkpoint checkpoint(source.folder);
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
    const fs::path folder =
        fs::is_directory(model) ? fs::path(model) : fs::path(model).parent_path();
    if (holds_vocabulary(folder)) return folder.string();
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

data::TaskData load_task(const FinetuneSettings& settings) {
  if (!settings.task.empty()) return data::load_glue(settings.data, settings.task);
  data::OwnData own;
  own.train = settings.train;
  if (!settings.dev.empty()) own.dev = settings.dev;
  if (!settings.test.empty()) own.test = settings.test;
  own.text = settings.text;
  own.text_b = settings.text_b;
  own.label = settings.label;
  own.regression = settings.regression;
  own.seed = settings.seed;
  return data::load_own(own);
}

Session open_session(const FinetuneSettings& settings) {
  Session s;
  if (!settings.strategy.empty()) peft::make_strategy(settings.strategy);  // before reading data
  s.task = load_task(settings);
  check(s.task.has("train"), s.task.info.name, "there is no training data (train.tsv) in ",
        settings.data);
  s.tokenizer_folder = tokenizer_folder(settings.model, settings.tokenizer);
  s.tokenizer = data::load_tokenizer(s.tokenizer_folder);
  s.source = models::open_model(settings.model, s.tokenizer->vocab_size());
  models::ModelConfig& config = s.source.config;
  check(s.tokenizer->vocab_size() <= config.facts.vocab, "model", "the tokenizer in ",
        s.tokenizer_folder, " has ", s.tokenizer->vocab_size(), " entries, the model's table ",
        config.facts.vocab, hint("they do not belong together"));
  check(settings.max_length <= config.longest_sequence(), "finetune", "--max-length ",
        settings.max_length, " is more than the ", config.longest_sequence(),
        " positions of this model",
        hint("give --max-length ", config.longest_sequence(), " or less"));
  s.max_length = settings.max_length
                     ? settings.max_length
                     : static_cast<int>(std::min<int64_t>(128, config.longest_sequence()));
  follow_model_labels(s);
  models::set_labels(config, s.task.info.outputs(), s.task.info.labels);
  if (settings.dropout >= 0) config.set_dropout(settings.dropout);
  encode_all(s, s.max_length);

  s.model = std::make_unique<models::SequenceClassifier>(config);
  std::optional<peft::AdapterFile> adapter;
  if (!settings.adapter.empty()) adapter = peft::load_adapter(settings.adapter);
  s.strategy = peft::make_strategy(!settings.strategy.empty() ? settings.strategy
                                   : adapter                  ? adapter->spec
                                                              : "full");
  engine::Sites sites = s.model->sites();
  peft::apply(*s.strategy, sites, *s.model);
  s.store = std::make_unique<engine::ParameterStore>(*s.model);
  s.store->allocate();
  s.load = models::load_weights(s.source, *s.store, settings.seed, true);
  for (const auto& mismatch : s.load.mismatched)
    s.notes.push_back(engine::concat(mismatch.parameter, " starts fresh: in the file it is ",
                                     engine::dims_text(mismatch.found), ", here ",
                                     engine::dims_text(mismatch.wanted)));
  s.model_hash = model_identity(s.source, settings.seed);
  s.data_hash = hash_of_data(s);
  if (adapter) {
    // From one task to the next (the LoRA paper starts MRPC from MNLI): a head of other size stays
    // fresh.
    drop_other_heads(*adapter, s);
    peft::apply_adapter(*adapter, *s.store, s.model_hash, {.allow_missing_head = true});
    s.notes.push_back("starts from the adapter in " + settings.adapter + " (" + adapter->spec +
                      ")");
  }
  return s;
}

}  // namespace run
