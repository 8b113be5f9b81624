#include "run/text_scores.h"

#include <algorithm>

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

// The tables that have texts, as the split's rows were read.
std::vector<data::TableEntry> tables_of(const Session& session, data::TableTask task) {
  std::vector<data::TableEntry> tables =
      data::read_tables(task, session.dataset.split("dev").file).entries;
  std::erase_if(tables, [](const data::TableEntry& t) { return t.references().empty(); });
  return tables;
}

}  // namespace

Json score_texts(Session& session, const FinetuneSettings& settings, engine::Workspace& workspace,
                 Watcher& watcher) {
  const engine::Timer timer;
  const data::TextRules& rules = session.task->info().text;
  const data::TableTask task = data::table_task(session.task->info().key);
  const data::Linearization form = data::linearization(rules.linearization);
  data::Outputs outputs;
  outputs.tables = tables_of(session, task);
  const size_t all = outputs.tables.size();
  const auto most = static_cast<size_t>(settings.text_tables());
  if (most < all) outputs.tables.resize(most);
  const size_t count = outputs.tables.size();

  const LanguageParts parts{session, *session.tokenizer, workspace, &rules};
  std::vector<std::vector<int32_t>> prompts;
  for (const data::TableEntry& table : outputs.tables)
    prompts.push_back(prompt_ids(parts, data::linearize(table, task, form)));
  int64_t done = 0, tokens = 0;
  const std::vector<Written> written =
      write(parts, prompts, writing(parts, settings.generation, kNewTokens),
            {.done =
                 [&](int, const Written& w) {
                   tokens += static_cast<int64_t>(w.ids.size());
                   watcher.text_written(++done, static_cast<int64_t>(count));
                 },
             .interrupted = [&] { return watcher.stop(); }});
  if (done < static_cast<int64_t>(count)) return nullptr;

  std::string lines;
  for (size_t i = 0; i < count; ++i) {
    std::string text = written[i].text;
    std::replace(text.begin(), text.end(), '\n', ' ');
    lines += text + "\n";
    outputs.texts.hypotheses.push_back(std::move(text));
    outputs.texts.references.push_back(outputs.tables[i].references());
  }
  engine::write_file_atomically(fs::path(settings.out) / "dev_texts.txt", lines);
  std::optional<data::metrics::WordNet> wordnet;
  if (const auto folder = data::metrics::WordNet::find()) wordnet.emplace(*folder);
  data::ScoreOptions options;
  if (wordnet) options.wordnet = &*wordnet;
  Json json = {{"split", "dev"},
               {"tables", count},
               {"of", all},
               {"tokens", tokens},
               {"seconds", timer.seconds()},
               {"generation", settings.generation}};
  json.update(data::to_json(task, options.way, data::score_outputs(task, outputs, options)));
  return json;
}

}  // namespace run
