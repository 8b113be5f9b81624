#include "run/glue_by_name.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <vector>

#include "data/glue.h"
#include "hub/archive.h"
#include "hub/digest.h"
#include "hub/errors.h"
#include "hub/lock.h"
#include "hub/web_file.h"

namespace run {

namespace fs = std::filesystem;
using engine::check;
using engine::concat;
using engine::hint;

namespace {

constexpr const char* kServer = "https://dl.fbaipublicfiles.com";
constexpr int64_t kMost = int64_t{1} << 30;  // MNLI, the largest, is 313 MB packed

// A file of the server. A zip has its files in a folder named as the task; another file is one
// itself.
struct Source {
  const char* path;
  const char* sha256;             // as Hugging Face's datasets recorded it (dataset_infos.json)
  std::vector<const char*> made;  // the files that come of it
};

using Sources = std::vector<Source>;

// Sources: download_glue_data.py of GLUE's authors, and Hugging Face's glue.py. MRPC is not GLUE's
// to host: Microsoft's two files are SentEval's copies, and GLUE has the ids of its dev set.
const Sources& sources(const std::string& key) {
  static const std::vector<const char*> usual = {"train.tsv", "dev.tsv", "test.tsv"};
  static const Source diagnostic = {
      "/glue/data/AX.tsv",
      "0e13510b1bb14436ff7e2ee82338f0efb0133ecf2e73507a697dc210db3f05fd",
      {"diagnostic.tsv"}};
  static const std::map<std::string, Sources> table = {
      {"cola",
       {{"/glue/data/CoLA.zip", "f212fcd832b8f7b435fb991f101abf89f96b933ab400603bf198960dfc32cbff",
         usual}}},
      {"sst2",
       {{"/glue/data/SST-2.zip", "d67e16fb55739c1b32cdce9877596db1c127dc322d93c082281f64057c16deaa",
         usual}}},
      {"mrpc",
       {{"/senteval/senteval_data/msr_paraphrase_train.txt",
         "60a9b09084528f0673eedee2b69cb941920f0b8cd0eeccefc464a98768457f89",
         {"msr_paraphrase_train.txt"}},
        {"/senteval/senteval_data/msr_paraphrase_test.txt",
         "a04e271090879aaba6423d65b94950c089298587d9c084bf9cd7439bd785f784",
         {"msr_paraphrase_test.txt"}},
        {"/glue/data/mrpc_dev_ids.tsv",
         "971d7767d81b997fd9060ade0ec23c4fc31cbb226a55d1bd4a1bac474eb81dc7",
         {"mrpc_dev_ids.tsv"}}}},
      {"stsb",
       {{"/glue/data/STS-B.zip", "e60a6393de5a8b5b9bac5020a1554b54e3691f9d600b775bd131e613ac179c85",
         usual}}},
      {"qqp",
       {{"/glue/data/QQP-clean.zip",
         "40e7c862c04eb26ee04b67fd900e76c45c6ba8e6d8fab4f8f1f8072a1a3fbae0", usual}}},
      // With the diagnostic set, which a submission of MNLI's model needs.
      {"mnli",
       {{"/glue/data/MNLI.zip",
         "e7c1d896d26ed6caf700110645df426cc2d8ebf02a5ab743d5a5c68ac1c83633",
         {"train.tsv", "dev_matched.tsv", "dev_mismatched.tsv", "test_matched.tsv",
          "test_mismatched.tsv"}},
        diagnostic}},
      {"qnli",
       {{"/glue/data/QNLIv2.zip",
         "e634e78627a29adaecd4f955359b22bf5e70f2cbd93b493f2d624138a0c0e5f5", usual}}},
      {"rte",
       {{"/glue/data/RTE.zip", "6bf86de103ecd335f3441bd43574d23fef87ecc695977a63b82d5efb206556ee",
         usual}}},
      {"wnli",
       {{"/glue/data/WNLI.zip", "ae0e8e4d16f4d46d4a0a566ec7ecceccfd3fbfaa4a7a4b4e02848c0f2561ac46",
         usual}}},
      {"ax", {diagnostic}}};
  return table.at(key);
}

std::string server() {
  const char* given = std::getenv("PEFT_GLUE_URL");
  std::string url = given && *given ? given : kServer;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

bool is_zip(const Source& source) { return fs::path(source.path).extension() == ".zip"; }

bool is_whole(const Sources& all, const fs::path& folder) {
  return std::all_of(all.begin(), all.end(), [&](const Source& source) {
    return std::all_of(source.made.begin(), source.made.end(), [&](const char* file) {
      std::error_code error;
      return fs::is_regular_file(folder / file, error);
    });
  });
}

class Fetch {
 public:
  Fetch(const data::TaskInfo& task, const hub::Settings& settings, const fs::path& cache)
      : task_(task),
        cache_(cache),
        settings_(settings),
        remote_(settings_, hub::watcher()),
        progress_{.model = task.name} {}

  // Everything into a folder aside, which gets its name when it is whole.
  void run(const Sources& all) {
    const fs::path folder = cache_ / task_.name;
    bool said = false;
    const hub::Lock lock(cache_ / ".locks" / (task_.name + ".lock"), [&] {
      remote_.check_stop();
      if (!said) hub::watcher().note("another process fetches " + task_.name + ": waiting for it");
      said = true;
    });
    if (is_whole(all, folder)) return;  // the other one has
    own_ = lock.held() ? "" : concat("-", ::getpid());
    const fs::path made = cache_ / (".made-" + task_.name + own_);
    try {
      fs::remove_all(made);  // of a process that was killed
      fs::create_directories(made);
      for (const Source& source : all) ask(source);
      for (size_t i = 0; i < all.size(); ++i) get(all[i], i, made);
      if (progress_.total > 0) hub::watcher().finished();
      fs::remove_all(folder);  // not whole
      fs::rename(made, folder);
      fs::remove_all(downloads());
    } catch (const fs::filesystem_error& e) {
      std::error_code ignored;
      fs::remove_all(made, ignored);
      engine::fail(folder.string(), "cannot be written: ", e.code().message(),
                   hint("HF_HOME names another place"));
    } catch (...) {
      std::error_code ignored;
      fs::remove_all(made, ignored);
      throw;
    }
  }

 private:
  fs::path downloads() const { return cache_ / (".downloads-" + task_.name + own_); }

  hub::WebFile file_of(const Source& source) const {
    const std::string name = fs::path(source.path).filename().string();
    return {.url = settings_.endpoint + source.path,
            .what = name,
            .folder = downloads(),
            .lock = cache_ / ".locks" / (name + ".lock"),
            .elsewhere = "HF_HOME",
            .most = kMost};
  }

  void ask(const Source& source) {
    infos_.push_back(hub::web_info(remote_, file_of(source)));
    progress_.total += infos_.back().size;
  }

  void get(const Source& source, size_t index, const fs::path& made) {
    const hub::WebFile file = file_of(source);
    const hub::FileInfo& info = infos_[index];
    progress_.file = file.what;
    const int64_t done = progress_.done, before = progress_.before;
    const fs::path path =
        hub::fetch_web_file(remote_, file, info, [&](int64_t bytes, int64_t earlier) {
          progress_.done = done + bytes;
          progress_.before = before + earlier;
          hub::watcher().progress(progress_);
        });
    progress_.done = done + info.size;
    compare(source, path, info.size);
    if (!is_zip(source)) {
      fs::copy_file(path, made / source.made.front());
      return;
    }
    std::map<std::string, std::string> wanted;
    for (const char* name : source.made) wanted[task_.name + "/" + name] = name;
    try {
      hub::unpack(path, file.what, wanted, made, kMost);
    } catch (const engine::Error&) {
      fs::remove(path);  // else the next try would find it again
      throw;
    }
  }

  // The archives have been the same since 2019, and a mirror may pack them anew: another digest is
  // no error, but scores may not compare.
  void compare(const Source& source, const fs::path& path, int64_t size) const {
    if (!hub::digests_available()) return;
    if (hub::digest_of(path, hub::DigestKind::sha256, size) != source.sha256)
      hub::watcher().note(concat(fs::path(source.path).filename().string(), " from ",
                                 hub::shown_url(settings_.endpoint),
                                 " is not the file that Hugging Face's datasets recorded (its "
                                 "SHA-256 is another)"));
  }

  const data::TaskInfo& task_;
  fs::path cache_;
  hub::Settings settings_;
  hub::Remote remote_;
  hub::Progress progress_;
  std::vector<hub::FileInfo> infos_;
  std::string own_;  // part of this process's names where the file system has no locks
};

std::string names(const Sources& all, bool made) {
  std::string text;
  for (const Source& source : all) {
    if (!made) text += (text.empty() ? "" : ", ") + server() + source.path;
    if (made)
      for (const char* file : source.made) text += (text.empty() ? "" : ", ") + std::string(file);
  }
  return text;
}

[[noreturn]] void not_to_be_had(const data::TaskInfo& task, const Sources& all,
                                const std::string& why) {
  engine::fail("glue", task.name, "'s files are not in ", (glue_cache() / task.name).string(),
               ", and ", names(all, false), all.size() == 1 ? " was" : " were",
               " not fetched: ", why,
               hint("with a network, peft fetch glue/", task.key, " gets them. Without one, put ",
                    names(all, true), all.size() == 1 && is_zip(all[0]) ? " of that archive" : "",
                    " into a folder and give it with --data DIR, or copy ",
                    (glue_cache() / task.name).string(), " from a machine that has it"));
}

}  // namespace

fs::path glue_cache() { return hub::settings_from_environment().home / "peft_cpp" / "glue"; }

std::string glue_by_name(const std::string& name) {
  const data::TaskInfo task = data::glue_task(name);
  const Sources& all = sources(task.key);
  const fs::path folder = glue_cache() / task.name;
  if (is_whole(all, folder)) return folder.string();
  hub::Settings settings = hub::settings_from_environment();
  settings.endpoint = server();
  settings.token.clear();  // the hub's, and none of this server's business
  try {
    if (settings.offline) throw hub::Unreachable("HF_HUB_OFFLINE is set");
    if (!hub::http_available())
      throw hub::Unreachable("this build has no libcurl (libcurl4-openssl-dev)");
    Fetch(task, settings, glue_cache()).run(all);
  } catch (const hub::Unreachable& e) {
    not_to_be_had(task, all, e.what());
  } catch (const hub::NotFound& e) {
    not_to_be_had(task, all, e.what());
  }
  return folder.string();
}

}  // namespace run
