#include "run/session.h"

#include <algorithm>

#include "data/language/rows.h"
#include "data/own.h"
#include "data/table_text/rows.h"
#include "data/tagged.h"
#include "data/tsv.h"
#include "engine/base/timer.h"
#include "engine/io/hash.h"
#include "run/by_name.h"
#include "run/gguf_tokenizer.h"
#include "run/glue_by_name.h"
#include "run/texts.h"

namespace run {

namespace fs = std::filesystem;
using engine::check;
using engine::hint;

namespace {

// Where each of `names` stands in `own`: by the same name, else by the same name in another case if
// that is clear. Empty if they are not the same classes.
std::vector<int> places(const std::vector<std::string>& names,
                        const std::vector<std::string>& own) {
  if (names.size() != own.size()) return {};
  const auto lower = [](const std::string& text) { return data::ascii_lower(text); };
  const auto same = [](const std::string& text) { return text; };
  const auto by = [&](const auto& spelled) {
    std::vector<int> to(names.size(), -1);
    std::vector<bool> taken(own.size());
    for (size_t i = 0; i < names.size(); ++i)
      for (size_t j = 0; j < own.size(); ++j)
        if (!taken[j] && to[i] < 0 && spelled(names[i]) == spelled(own[j])) {
          to[i] = static_cast<int>(j);
          taken[j] = true;
        }
    return std::find(to.begin(), to.end(), -1) == to.end() ? to : std::vector<int>();
  };
  const std::vector<int> exact = by(same);
  return exact.empty() ? by(lower) : exact;
}

bool generic(const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] != "LABEL_" + std::to_string(i)) return false;
  return true;
}

// A head that was trained on the same classes may have them in another order (MNLI:
// transformers#12822); its own order is taken over, or it would be right in all but the names.
// False if its classes have other names: then the head says nothing about these.
bool follow_labels(Session& s, const std::vector<std::string>& own, const std::string& whose) {
  data::TaskInfo& info = s.dataset.info;
  if (info.regression || own.size() != info.labels.size() || own == info.labels) return true;
  const std::vector<int> to = places(info.labels, own);
  if (to.empty()) return generic(own);
  for (auto& [name, split] : s.dataset.splits)
    for (data::Example& example : split.examples) {
      if (example.label && info.kind == "classify")
        *example.label = to[static_cast<size_t>(*example.label)];
      for (int32_t& label : example.labels) label = to[static_cast<size_t>(label)];
    }
  std::vector<std::string> names(own.size());
  for (size_t i = 0; i < own.size(); ++i) names[static_cast<size_t>(to[i])] = info.labels[i];
  if (names != info.labels) s.notes.push_back("labels are in the order of " + whose);
  info.labels = names;
  return true;
}

// Gives the head new values, as if no file had it.
void start_head_fresh(Session& s, const std::string& why, uint64_t seed) {
  bool any = false;
  for (engine::Parameter* p : s.store->all()) {
    if (p->role != engine::Role::head || !p->loaded) continue;
    p->loaded = false;
    any = true;
  }
  if (!any) return;
  s.store->initialise(seed);
  s.notes.push_back("the head starts fresh: " + why);
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
    if (name == "test_ax") continue;  // GLUE's diagnostic set is not MNLI's own
    hash.add(name);
    for (int64_t i = 0; i < split.size(); ++i) {
      const auto ids = split.ids(i);
      hash.add(ids.data(), ids.size_bytes());
    }
    for (int64_t i = 0; i < split.size(); ++i)
      hash.add(split.tags(i).data(), split.tags(i).size_bytes());
    if (split.terms() > 0)
      for (int64_t i = 0; i < split.size(); ++i)
        hash.add(split.targets(i).data(), split.targets(i).size_bytes());
    hash.add(split.labels().data(), split.labels().size() * sizeof(double));
  }
  return hash.hex();
}

void encode_all(Session& s, int max_length) {
  const engine::Timer timer;
  for (const auto& [name, split] : s.dataset.splits) {
    data::EncodedSplit encoded =
        name == "train" ? s.task->encode_training(*s.tokenizer, split.examples, max_length)
                        : s.task->encode(*s.tokenizer, split.examples, max_length);
    if (encoded.left_out())
      s.notes.push_back(engine::concat(name, ": ", encoded.left_out(),
                                       " texts were left out, nothing to learn is left of them in ",
                                       max_length, " tokens"));
    if (encoded.truncated())
      s.notes.push_back(engine::concat(name, ": ", encoded.truncated(), " of ", encoded.size(),
                                       " texts were cut to ", max_length, " tokens"));
    if (encoded.outputs_cut())
      s.notes.push_back(engine::concat(name, ": ", encoded.outputs_cut(), " of ", encoded.size(),
                                       " targets were cut to ",
                                       s.dataset.info.text.max_target_length, " tokens"));
    if (split.skipped)
      s.notes.push_back(
          engine::concat(name, ": ", split.skipped, " ", split.skipped_why, " were left out"));
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

namespace {

data::TaskData load_whole(const FinetuneSettings& settings, std::vector<std::string>& notes) {
  if (!settings.task.empty() && !settings.language())
    return data::load_glue(settings.data.empty() ? glue_by_name(settings.task) : settings.data,
                           settings.task);
  data::OwnData own;
  own.train = settings.train;
  if (!settings.dev.empty()) own.dev = settings.dev;
  if (!settings.test.empty()) own.test = settings.test;
  own.text = settings.text;
  own.text_b = settings.text_b;
  if (settings.language()) {
    const data::TextRules rules{.all = settings.loss == "all",
                                .chat_format = settings.chat_format,
                                .cut = settings.truncation_side,
                                .linearization = settings.linearization,
                                .source = settings.source,
                                .target = settings.target,
                                .source_prefix = settings.source_prefix};
    if (!settings.tables()) return data::load_language(own, rules, settings.task == "seq2seq");
    return data::load_tables(data::table_task(settings.task), own, settings.data, rules, notes);
  }
  own.label = settings.label;
  own.kind = settings.regression ? "regress" : settings.kind.empty() ? "classify" : settings.kind;
  return own.kind == "tag" ? data::load_tagged(own) : data::load_own(own);
}

}  // namespace

data::TaskData load_task(const FinetuneSettings& settings, std::vector<std::string>* notes) {
  std::vector<std::string> unread;
  data::TaskData all = load_whole(settings, notes ? *notes : unread);
  for (auto& [name, split] : all.splits) {
    const int64_t most = name == "train"           ? settings.max_train_samples
                         : name.starts_with("dev") ? settings.max_eval_samples
                                                   : 0;
    if (most > 0 && most < static_cast<int64_t>(split.examples.size()))
      split.examples.resize(static_cast<size_t>(most));
  }
  return all;
}

Known Session::known(const FinetuneSettings& settings) const {
  return {task->info(),  dataset.columns, max_length,
          settings.seed, settings.model,  settings.tokenizer};
}

Session open_session(const FinetuneSettings& settings) {
  Session s;
  if (!settings.strategy.empty()) peft::make_strategy(settings.strategy);  // before reading data
  s.dataset = load_task(settings, &s.notes);
  check(s.dataset.has("train"), s.dataset.info.name, "there is no training data (train.tsv) in ",
        settings.data.empty() ? "GLUE" : settings.data);
  const std::string base =
      by_name(settings.model, settings.tokenizer.empty() ? Need::model : Need::weights);
  s.tokenizer_folder = tokenizer_folder(base, by_name(settings.tokenizer, Need::tokenizer));
  s.tokenizer = load_tokenizer(s.tokenizer_folder);
  models::ModelSource source = models::open_model(base, s.tokenizer->vocab_size());
  source.spec = settings.model;
  models::ModelConfig& config = source.config;
  check(s.tokenizer->vocab_size() <= config.facts.vocab, "model", "the tokenizer in ",
        s.tokenizer_folder, " has ", s.tokenizer->vocab_size(), " entries, the model's table ",
        config.facts.vocab, hint("they do not belong together"));
  // The head that will be there knows classes: the adapter's, else the model's.
  std::optional<peft::AdapterFile> adapter;
  bool head_fits = true;
  std::vector<std::string> own = config.labels;
  if (!settings.adapter.empty()) {
    const fs::path folder = adapter_folder(settings.adapter);
    adapter = peft::load_adapter(folder);
    if (const auto known = find_known(folder)) own = known->task.labels;
    head_fits = follow_labels(s, own, "the adapter's run");
  } else {
    head_fits = follow_labels(s, own, "the model's config.json (id2label)");
  }
  if (settings.language()) {
    s.dataset.info.text.end = end_token(*s.tokenizer, config);
    check(settings.task != "lm" || !config.facts.encodes_and_decodes(), "model", "model_type '",
          config.facts.model_type, "' writes for a source, and --task lm has texts alone",
          hint("give rows with a source and a target, and --task seq2seq"));
    read_with_encoder(s.dataset.info.text, config.facts, settings.max_target_length);
    if (s.dataset.info.text.end < 0)
      s.notes.push_back(
          "neither tokenizer nor model names an end token (eos_token): texts are learned without "
          "one, so the model does not learn where to stop");
  } else {
    models::set_labels(config, s.dataset.info.outputs(), s.dataset.info.labels);
  }
  if (settings.dropout >= 0) config.set_dropout(settings.dropout);
  tasks::Options options;
  options.label_smoothing = settings.label_smoothing;
  options.balanced = settings.class_weights == "balanced";
  options.standardise = settings.target_scaling == "standard" ||
                        (settings.target_scaling == "auto" && settings.task.empty());
  s.task = tasks::make_task(s.dataset.info, options);
  config.head = s.task->head();
  config.multi_label = s.dataset.info.kind == "multilabel";
  if (config.head == models::HeadKind::language_model) check_writes(config.facts);

  static_cast<OpenModel&>(s) = open_model(std::move(source),
                                          !settings.strategy.empty() ? settings.strategy
                                          : adapter                  ? adapter->spec
                                                                     : "full",
                                          {.seed = settings.seed, .tokenizer = s.tokenizer.get()});
  const int64_t longest = longest_text(s);
  check(settings.max_length <= longest, "finetune", "--max-length ", settings.max_length,
        " is more than the ", longest, " positions that this model has for a text",
        hint("give --max-length ", longest, " or less"));
  if (data::TextRules& rules = s.dataset.info.text; rules.encoder) {
    // A prefix of the decoder takes positions of what is written.
    const int64_t written = longest_written(s);
    check(settings.max_target_length <= written, "finetune", "--max-target-length ",
          settings.max_target_length, " is more than the ", written,
          " positions that this model has for an output",
          hint("give --max-target-length ", written, " or less"));
    if (rules.max_target_length > written) {
      rules.max_target_length = static_cast<int>(written);
      s.task = tasks::make_task(s.dataset.info, options);
    }
  }
  s.max_length =
      settings.max_length
          ? settings.max_length
          : static_cast<int>(std::min<int64_t>(settings.language() ? 1024 : 128, longest));
  encode_all(s, s.max_length);
  s.task->fit(s.splits.at("train"));
  s.task->attach(*s.model);
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
  if (!head_fits)
    start_head_fresh(s, "the saved one tells " + data::listed(own) + " apart", settings.seed);
  bool head_loaded = false;
  for (const engine::Parameter* p : s.store->all())
    head_loaded = head_loaded || (p->role == engine::Role::head && p->loaded);
  if (head_loaded) {
    if (!s.dataset.info.regression && generic(own) && own.size() == s.dataset.info.labels.size())
      s.notes.push_back(
          "the model's head is used, and its config.json does not name its classes: " +
          data::listed(s.dataset.info.labels) + " are taken to be in its order");
    s.task->unfold(*s.model);
  }
  s.fresh = s.store->fresh();
  if (!s.fresh.empty()) {
    std::string names;
    for (const std::string& name : s.fresh) names += (names.empty() ? "" : ", ") + name;
    s.notes.push_back("not in the model's files, so drawn from the seed and kept in the adapter: " +
                      names);
  }
  return s;
}

}  // namespace run
