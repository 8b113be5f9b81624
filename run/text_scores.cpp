#include "run/text_scores.h"

#include <algorithm>
#include <map>
#include <optional>

#include "data/metrics/rouge.h"
#include "data/metrics/wordnet.h"
#include "data/table_text/linearize.h"
#include "data/table_text/score.h"
#include "engine/base/atomic_file.h"
#include "engine/base/timer.h"
#include "run/generation.h"

namespace run {

namespace fs = std::filesystem;
using engine::Json;

namespace {

constexpr int kNewTokens = 128;  // at most, unless the settings say

// What is written about, and how it is scored.
struct Sources {
  std::vector<std::string> prompts;
  std::vector<std::vector<std::string>> references;
  std::vector<data::TableEntry> tables;  // of e2e, webnlg and dart
  size_t all = 0;                        // of dev; the others are left out

  void keep(size_t most) {
    all = prompts.size();
    prompts.resize(std::min(all, most));
    references.resize(prompts.size());
    if (!tables.empty()) tables.resize(prompts.size());
  }
};

// The tables that have texts, as the split's rows were read.
Sources tables_of(const Session& session, data::TableTask task) {
  const data::Linearization form = data::linearization(session.task->info().text.linearization);
  Sources out;
  out.tables = data::read_tables(task, session.dataset.split("dev").file).entries;
  std::erase_if(out.tables, [](const data::TableEntry& t) { return t.references().empty(); });
  for (const data::TableEntry& table : out.tables) {
    out.prompts.push_back(data::linearize(table, task, form));
    out.references.push_back(table.references());
  }
  return out;
}

// A source with several targets, in rows of its own each, is written about once.
Sources pairs_of(const Session& session) {
  Sources out;
  std::map<std::string, size_t> seen;
  for (const data::Example& example : session.dataset.split("dev").examples) {
    const auto [at, fresh] = seen.try_emplace(example.a, out.prompts.size());
    if (fresh) {
      out.prompts.push_back(example.a);
      out.references.emplace_back();
    }
    out.references[at->second].push_back(example.b);
  }
  return out;
}

Json rouge_of(const data::metrics::Texts& texts) {
  using data::metrics::RougeKind;
  Json scores = Json::object();
  const std::pair<const char*, RougeKind> kinds[] = {{"ROUGE-1", RougeKind::rouge1},
                                                     {"ROUGE-2", RougeKind::rouge2},
                                                     {"ROUGE-L", RougeKind::rougeL},
                                                     {"ROUGE-Lsum", RougeKind::rougeLsum}};
  for (const auto& [name, kind] : kinds)
    scores[name] = {{"value", data::metrics::rouge_google(texts, kind, true).f},
                    {"method", "F1, rouge_score with stems"}};
  size_t references = 0;
  for (const auto& each : texts.references) references += each.size();
  return {
      {"sets",
       {{"all", {{"hypotheses", texts.size()}, {"references", references}, {"scores", scores}}}}}};
}

Json table_scores(data::TableTask task, Sources sources, data::metrics::Texts texts) {
  data::Outputs outputs;
  outputs.tables = std::move(sources.tables);
  outputs.texts = std::move(texts);
  std::optional<data::metrics::WordNet> wordnet;
  if (const auto folder = data::metrics::WordNet::find()) wordnet.emplace(*folder);
  data::ScoreOptions options;
  if (wordnet) options.wordnet = &*wordnet;
  return data::to_json(task, options.way, data::score_outputs(task, outputs, options));
}

}  // namespace

Json score_texts(Session& session, const FinetuneSettings& settings, engine::Workspace& workspace,
                 Watcher& watcher) {
  const engine::Timer timer;
  const data::TextRules& rules = session.task->info().text;
  const bool tables = settings.tables();
  std::optional<data::TableTask> task;
  if (tables) task = data::table_task(session.task->info().key);
  Sources sources = tables ? tables_of(session, *task) : pairs_of(session);
  sources.keep(static_cast<size_t>(settings.text_tables()));
  const auto count = static_cast<int64_t>(sources.prompts.size());

  const LanguageParts parts{session, *session.tokenizer, workspace, &rules};
  std::vector<std::vector<int32_t>> prompts;
  for (const std::string& prompt : sources.prompts)
    prompts.push_back(prompt_ids(parts, prompt, session.max_length));
  int64_t done = 0, tokens = 0;
  const std::vector<Written> written =
      write(parts, prompts, writing(parts, settings.generation, kNewTokens),
            {.done =
                 [&](int, const Written& w) {
                   tokens += static_cast<int64_t>(w.ids.size());
                   watcher.text_written(++done, count);
                 },
             .interrupted = [&] { return watcher.stop(); }});
  if (done < count) return nullptr;

  std::string lines;
  data::metrics::Texts texts;
  for (const Written& each : written) {
    std::string line = each.text;
    std::replace(line.begin(), line.end(), '\n', ' ');
    lines += line + "\n";
    // ROUGE-Lsum counts by lines; the tables' scripts read a line each.
    texts.hypotheses.push_back(tables ? std::move(line) : each.text);
  }
  texts.references = sources.references;
  engine::write_file_atomically(fs::path(settings.out) / "dev_texts.txt", lines);
  Json json = {{"split", "dev"},
               {tables ? "tables" : "sources", count},
               {"of", sources.all},
               {"tokens", tokens},
               {"seconds", timer.seconds()},
               {"generation", settings.generation}};
  json.update(tables ? table_scores(*task, std::move(sources), std::move(texts)) : rouge_of(texts));
  return json;
}

}  // namespace run
