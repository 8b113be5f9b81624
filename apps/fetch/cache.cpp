#include <algorithm>
#include <iostream>

#include "apps/common/command_line.h"
#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/common/progress.h"
#include "apps/common/signals.h"
#include "apps/common/table.h"
#include "apps/fetch/command.h"
#include "engine/io/json.h"
#include "hub/cache_report.h"
#include "hub/name.h"
#include "hub/settings.h"

namespace apps {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

engine::Json cache_json(const std::vector<hub::CachedModel>& models) {
  engine::Json out = engine::Json::array();
  for (const hub::CachedModel& model : models) {
    engine::Json revisions = engine::Json::array();
    for (const hub::CachedRevision& r : model.revisions)
      revisions.push_back({{"commit", r.commit}, {"refs", r.refs}, {"files", r.files}});
    out.push_back({{"model", model.repo},
                   {"folder", model.folder.string()},
                   {"bytes", model.bytes},
                   {"partial_bytes", model.partial},
                   {"revisions", revisions}});
  }
  return out;
}

void list(const std::filesystem::path& cache, const std::vector<hub::CachedModel>& models,
          bool json) {
  if (json) {
    std::cout << engine::json_text(cache_json(models), 2) << '\n';
    return;
  }
  Table table(
      {{"model"}, {"revision"}, {"commit"}, {"files", Align::right}, {"size", Align::right}});
  int64_t bytes = 0, partial = 0;
  for (const hub::CachedModel& model : models) {
    bytes += model.bytes;
    partial += model.partial;
    std::string name = model.repo, size = format_bytes(static_cast<double>(model.bytes));
    for (const hub::CachedRevision& r : model.revisions) {
      table.add({name, joined(r.refs), r.commit.substr(0, 12),
                 format_count(static_cast<int64_t>(r.files.size())), size});
      name = size = "";
    }
    if (model.revisions.empty()) table.add({name, "-", "-", "0", size});
  }
  if (!table.empty()) std::cout << table.text(terminal_width());
  std::cout << models.size() << (models.size() == 1 ? " model, " : " models, ")
            << format_bytes(static_cast<double>(bytes)) << " in " << cache.string();
  if (partial > 0)
    std::cout << "; " << format_bytes(static_cast<double>(partial))
              << " of it not downloaded to the end";
  std::cout << '\n';
}

// The models of a command: those that are named, or all.
std::vector<hub::CachedModel> chosen(const std::vector<hub::CachedModel>& models,
                                     const std::vector<std::string>& names,
                                     const std::filesystem::path& cache) {
  if (names.empty()) return models;
  std::vector<hub::CachedModel> some;
  for (const std::string& name : names) {
    const auto it = std::find_if(models.begin(), models.end(),
                                 [&](const hub::CachedModel& m) { return m.repo == name; });
    engine::check(it != models.end(), "cache", cache.string(), " has no model ", name,
                  engine::hint("peft cache list shows what it has"));
    some.push_back(*it);
  }
  return some;
}

int verify(const std::vector<hub::CachedModel>& models) {
  int64_t problems = 0;
  for (const hub::CachedModel& model : models) {
    Progress progress(std::max<int64_t>(1, (model.bytes - model.partial) / 1'000'000),
                      {.label = model.repo + " MB"});
    const hub::Verified found = hub::verify(model, [&](int64_t bytes) {
      if (progress.due(bytes / 1'000'000)) progress.update(bytes / 1'000'000, {});
      return !stop_requested();
    });
    progress.finish();
    if (stop_requested()) return stop_exit_code();
    std::cout << model.repo << ": " << found.files
              << (found.files == 1 ? " file of " : " files of ")
              << format_bytes(static_cast<double>(found.bytes)) << " as the hub has "
              << (found.files == 1 ? "it" : "them");
    if (found.unchecked > 0) std::cout << ", " << found.unchecked << " that cannot be checked";
    std::cout << '\n';
    for (const std::string& problem : found.problems) std::cout << "  " << problem << '\n';
    if (!found.problems.empty())
      std::cout << "  hint: peft cache remove " << model.repo << ", then peft fetch it again\n";
    problems += static_cast<int64_t>(found.problems.size());
  }
  return problems == 0 ? 0 : 1;
}

void remove(const std::filesystem::path& cache, const std::vector<hub::CachedModel>& models,
            const std::vector<std::string>& names) {
  if (names.empty())
    throw UsageError("cache remove: which model?\nhint: peft cache list shows them");
  for (const std::string& given : names) {
    const size_t at = given.find('@');
    const std::string repo = given.substr(0, at);
    const std::string revision = at == std::string::npos ? "" : given.substr(at + 1);
    const hub::CachedModel model = chosen(models, {repo}, cache).front();
    const int64_t freed = hub::remove(cache, model, revision);
    std::cout << given << ": removed, " << format_bytes(static_cast<double>(freed)) << " free";
    if (model.shared > 0)
      std::cout << "; up to " << format_bytes(static_cast<double>(model.shared))
                << " stays in the store that models share (hf cache prune)";
    std::cout << '\n';
  }
}

}  // namespace

int cache_command(int argc, const char* const* argv) {
  std::vector<std::string> words;
  bool json = false;
  CommandLine line(
      "peft cache",
      "Shows and keeps the cache of models that this program shares with Hugging Face's "
      "Python tools: list, verify [NAME...] against the hub's digests, remove "
      "NAME[@REVISION]... HF_HOME or HF_HUB_CACHE says where it is.");
  auto add = line.options.add_options();
  add("json", "list: JSON instead of a table", cxxopts::value<bool>(json));
  line.options.add_options("hidden")("words", "", cxxopts::value<std::vector<std::string>>(words));
  line.options.parse_positional({"words"});
  line.options.positional_help("list|verify|remove [NAME...]");
  if (argc == 1) {
    std::cout << "usage: peft cache list|verify|remove [NAME...]\n"
                 "peft cache --help explains all flags.\n";
    return 2;
  }
  line.parse(argc, argv);
  if (line.answered(std::cout)) return 0;
  const std::string what = words.empty() ? "" : words.front();
  if (!words.empty()) words.erase(words.begin());
  const std::filesystem::path cache = hub::settings_from_environment().cache;
  const std::vector<hub::CachedModel> models = hub::list_cache(cache);
  if (what == "list") {
    list(cache, chosen(models, words, cache), json);
    return 0;
  }
  watch_stop_signals();
  if (what == "verify") return verify(chosen(models, words, cache));
  if (what != "remove")
    throw UsageError(engine::concat("cache: what is '", what, "'?",
                                    engine::hint("peft cache list, verify or remove")));
  remove(cache, models, words);
  return 0;
}

}  // namespace apps
