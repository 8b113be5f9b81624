// Where the hub and its cache are, as huggingface_hub reads it from the environment.
#pragma once

#include <filesystem>
#include <string>

namespace hub {

struct Settings {
  std::filesystem::path home;    // HF_HOME, or huggingface/ in XDG_CACHE_HOME or ~/.cache
  std::filesystem::path cache;   // HF_HUB_CACHE, or hub/ in HF_HOME, or ~/.cache/huggingface/hub
  std::string endpoint;          // HF_ENDPOINT, without a slash at its end
  std::string token;             // never shown, and sent to the endpoint's host only
  std::string token_from;        // where it was found, for messages: "HF_TOKEN"
  bool offline = false;          // HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE
  std::string certificates;      // a bundle of CAs; empty: the system's
  double metadata_seconds = 10;  // HF_HUB_ETAG_TIMEOUT: without a byte, before giving up
  double download_seconds = 10;  // HF_HUB_DOWNLOAD_TIMEOUT
  int tries = 6;                 // of one request, the first included
  double pause = 1;              // seconds before the second try, doubled for each after it
  double longest_pause = 60;     // the most that a server's Retry-After is waited for
};

Settings settings_from_environment();

}  // namespace hub
