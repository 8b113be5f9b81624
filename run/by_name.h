// Models by name, as Hugging Face's tools have it: "bert-base-uncased" and "org/name@revision" are
// folders of the hub's cache, into which what is needed is fetched first.
#pragma once

#include <string>

#include "hub/name.h"
#include "hub/repository.h"

namespace run {

// What of a model a command opens: no more than that is fetched.
enum class Need {
  config,     // config.json
  tokenizer,  // the tokenizer's files
  weights,    // config.json and the values
  model,      // all of them
};

// The path that `spec` stands for: itself where it is "random:...", a path, or the name of what is
// in this folder (hub::watcher() is told then); else a snapshot in the cache, or its config.json
// where only that is needed. Asks the hub only for what the cache lacks. Throws engine::Error that
// says what was looked for, where, and how to place files by hand.
std::string by_name(const std::string& spec, Need need);

// Asks the hub which commit the name is now, and fetches what of it the cache lacks. The snapshot's
// folder. Throws as by_name.
std::string fetch(const hub::Name& name, Need need);

// Whether the snapshot has all that is needed; nothing is asked.
bool is_complete(const hub::Repository& model, Need need);

}  // namespace run
