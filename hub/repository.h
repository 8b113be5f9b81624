// One model at one revision: what the cache knows of it, and fetching what it lacks.
//
//   Repository model({"bert-base-uncased"}, settings_from_environment(), watcher);
//   if (!model.find("config.json")) {
//     model.refresh();                          // one request
//     model.fetch({"config.json"});
//   }
//   open(model.folder());
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hub/cache.h"
#include "hub/remote.h"
#include "hub/settings.h"
#include "hub/watcher.h"

namespace hub {

class Repository {
 public:
  Repository(Name name, Settings settings, Watcher& watcher);
  ~Repository();

  // Whether the cache knows the revision, and where its files are then. No network is used.
  bool known() const { return !commit_.empty(); }
  const std::string& commit() const { return commit_; }
  std::filesystem::path folder() const { return cache_.snapshot(commit_); }
  std::optional<std::filesystem::path> find(const std::string& file) const;
  // Whether it is known that the revision has no such file.
  bool absent(const std::string& file) const;

  // Asks the hub which commit the revision is and which files it has. Throws as Remote::list, and
  // Unreachable without asking where HF_HUB_OFFLINE is set or the build has no libcurl.
  void refresh();
  // Whether the hub lists the file; after refresh().
  bool has(const std::string& file) const { return listing_.files.contains(file); }
  // Notes that the revision lacks these, so that nobody has to ask again; after refresh().
  void note_absent(const std::vector<std::string>& files);
  // Downloads those that the cache does not hold, in their order; after refresh().
  void fetch(const std::vector<std::string>& files);

  const Name& name() const { return name_; }
  const Settings& settings() const { return settings_; }

 private:
  Remote& remote();

  Name name_;
  Settings settings_;
  Watcher& watcher_;
  Cache cache_;
  std::string commit_;
  Listing listing_;
  std::unique_ptr<Remote> remote_;
};

}  // namespace hub
