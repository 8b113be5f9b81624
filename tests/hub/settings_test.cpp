#include "hub/settings.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>

#include "tests/support/paths.h"

namespace {

const char* kNames[] = {"HF_HOME",
                        "XDG_CACHE_HOME",
                        "HF_HUB_CACHE",
                        "HUGGINGFACE_HUB_CACHE",
                        "HF_ENDPOINT",
                        "HF_TOKEN",
                        "HUGGING_FACE_HUB_TOKEN",
                        "HF_TOKEN_PATH",
                        "HF_HUB_DISABLE_IMPLICIT_TOKEN",
                        "HF_HUB_OFFLINE",
                        "TRANSFORMERS_OFFLINE",
                        "HF_HUB_ETAG_TIMEOUT",
                        "HF_HUB_DOWNLOAD_TIMEOUT",
                        "HOME"};

// Only what is given, and everything as it was afterwards.
hub::Settings with(const std::map<std::string, std::string>& given) {
  std::map<std::string, std::string> before;
  for (const char* name : kNames) {
    if (const char* value = std::getenv(name)) before[name] = value;
    ::unsetenv(name);
  }
  for (const auto& [name, value] : given) ::setenv(name.c_str(), value.c_str(), 1);
  const hub::Settings s = hub::settings_from_environment();
  for (const char* name : kNames) ::unsetenv(name);
  for (const auto& [name, value] : before) ::setenv(name.c_str(), value.c_str(), 1);
  return s;
}

}  // namespace

TEST_CASE("the cache is where huggingface_hub has it") {
  CHECK(with({{"HOME", "/h"}}).cache == "/h/.cache/huggingface/hub");
  CHECK(with({{"HOME", "/h"}, {"XDG_CACHE_HOME", "/c"}}).cache == "/c/huggingface/hub");
  CHECK(with({{"HF_HOME", "/x"}, {"XDG_CACHE_HOME", "/c"}}).cache == "/x/hub");
  CHECK(with({{"HF_HOME", "/x"}, {"HF_HUB_CACHE", "/y"}}).cache == "/y");
  CHECK(with({{"HF_HOME", "/x"}, {"HUGGINGFACE_HUB_CACHE", "/z"}}).cache == "/z");
  CHECK(with({{"HOME", "/h"}, {"HF_HOME", "~/x"}}).cache == "/h/x/hub");
}

TEST_CASE("endpoint, offline, time") {
  CHECK(with({}).endpoint.starts_with("https://"));
  CHECK(with({{"HF_ENDPOINT", "http://mirror:1/"}}).endpoint == "http://mirror:1");
  CHECK_FALSE(with({}).offline);
  CHECK_FALSE(with({{"HF_HUB_OFFLINE", "0"}}).offline);
  CHECK(with({{"HF_HUB_OFFLINE", "1"}}).offline);
  CHECK(with({{"TRANSFORMERS_OFFLINE", "yes"}}).offline);
  CHECK(with({{"HF_HUB_ETAG_TIMEOUT", "3"}}).metadata_seconds == 3);
  CHECK(with({{"HF_HUB_DOWNLOAD_TIMEOUT", "x"}}).download_seconds == 10);
}

TEST_CASE("the token: from the environment, else from its file; never one that adds a header") {
  const testing::TempDir dir;
  testing::write_file(dir / "token", " hf_file\n");
  const std::string home = dir.path().string();
  CHECK(with({{"HF_HOME", home}}).token == "hf_file");
  CHECK(with({{"HF_HOME", home}}).token_from == (dir / "token").string());
  CHECK(with({{"HF_HOME", home}, {"HF_TOKEN", "hf_a\n"}}).token == "hf_a");
  CHECK(with({{"HF_HOME", home}, {"HF_TOKEN", "hf_a"}}).token_from == "HF_TOKEN");
  CHECK(with({{"HF_HOME", home}, {"HF_TOKEN", "a\r\nX-Evil: 1"}}).token == "hf_file");
  CHECK(with({{"HF_HOME", home}, {"HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"}}).token.empty());
  CHECK(with({{"HOME", "/nowhere"}}).token.empty());
}
