// What fetching can end with, where the caller may do something about it; all else is
// engine::Error.
#pragma once

#include "engine/base/error.h"

namespace hub {

// The hub could not be asked: there is no network, HF_HUB_OFFLINE is set, or it is in trouble.
class Unreachable : public engine::Error {
 public:
  using engine::Error::Error;
};

// The hub has no such model, or does not show it.
class NotFound : public engine::Error {
 public:
  using engine::Error::Error;
};

// Watcher::stop() said so.
class Stopped : public engine::Error {
 public:
  using engine::Error::Error;
};

}  // namespace hub
