// One process at a time downloads a blob: flock on a file of the cache, as huggingface_hub has it.
#pragma once

#include <filesystem>
#include <functional>

namespace hub {

class Lock {
 public:
  // Waits until the lock is ours. `waiting` is called about ten times a second meanwhile; what it
  // throws ends the wait. Throws engine::Error if the file cannot be made.
  Lock(const std::filesystem::path& file, const std::function<void()>& waiting);
  ~Lock();
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  // False where the file system knows no locks: others may be at work on the same blob.
  bool held() const { return held_; }

 private:
  int fd_ = -1;
  bool held_ = false;
};

}  // namespace hub
