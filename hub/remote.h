// What the hub is asked, and what its answers mean: which files a revision has, where one of them
// is and what its digest is. Tries again where that may help, and explains where it does not.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "hub/errors.h"
#include "hub/http.h"
#include "hub/name.h"
#include "hub/watcher.h"

namespace hub {

struct Listing {
  std::string commit;
  std::map<std::string, int64_t> files;  // their sizes; -1: not said
};

struct FileInfo {
  std::string url;   // where its bytes are
  std::string etag;  // the name of its blob
  int64_t size = 0;
};

class Remote {
 public:
  Remote(const Settings& settings, Watcher& watcher);

  // Both throw Unreachable where asking later may help, Stopped, and engine::Error else: no such
  // model or revision, a gated one, an answer that cannot be right.
  Listing list(const Name& name);
  FileInfo info(const Name& name, const std::string& commit, const std::string& file);

  // One request, redirects followed. The token goes to the endpoint's host only, and to none after
  // a redirect has left it. With `linked`, stops where the hub has said a file's tag.
  Answer ask(Request request, bool linked = false);
  // ask() until it is answered or `tries` are over.
  Answer persist(const Request& request, bool linked = false);
  // Whether the same request may get a better answer later.
  static bool passing(const Answer& answer);
  // Waits before try number `tried` + 1. False if the server asks for longer than anyone waits.
  bool pause(int tried, const Answer& answer);
  void check_stop();

  // Throws where the answer says that the host was not reached, is not to be trusted or is in
  // trouble; `what` was asked for.
  void check_reached(const Answer& answer, const std::string& what);
  // Throws what the answer means for `file` of `name` (or for the model, where it is empty).
  [[noreturn]] void explain(const Answer& answer, const Name& name, const std::string& file);

  const Settings& settings() const { return settings_; }
  Watcher& watcher() { return watcher_; }

 private:
  Settings settings_;
  Watcher& watcher_;
  Http http_;
  bool reached_ = false;  // a host has answered: one that does not may come back
};

}  // namespace hub
