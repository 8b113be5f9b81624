#include "hub/settings.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "engine/base/number.h"

namespace hub {

namespace fs = std::filesystem;

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool is_true(std::string value) {
  for (char& c : value) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

fs::path expanded(const std::string& path) {
  if (path == "~" || path.starts_with("~/"))
    if (const std::string home = variable("HOME"); !home.empty())
      return fs::path(home) / (path.size() > 2 ? path.substr(2) : "");
  return path;
}

double seconds(const char* name, double otherwise) {
  const auto given = engine::to_number<double>(variable(name));
  return given && *given > 0 ? *given : otherwise;
}

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// Without what surrounds it, and nothing at all if a line break in it would add a header.
std::string trimmed(std::string text) {
  const auto space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && space(text.back())) text.pop_back();
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), space));
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  return plain ? text : std::string();
}

}  // namespace

Settings settings_from_environment() {
  Settings s;
  std::string home = variable("HF_HOME");
  if (home.empty()) {
    const std::string xdg = variable("XDG_CACHE_HOME");
    home = (xdg.empty() ? "~/.cache" : xdg) + "/huggingface";
  }
  std::string cache = variable("HF_HUB_CACHE");
  if (cache.empty()) cache = variable("HUGGINGFACE_HUB_CACHE");
  s.home = expanded(home);
  s.cache = cache.empty() ? s.home / "hub" : expanded(cache);
  s.endpoint = variable("HF_ENDPOINT");
  while (s.endpoint.ends_with('/')) s.endpoint.pop_back();
  if (s.endpoint.empty()) s.endpoint = "https://huggingface.co";
  s.offline = is_true(variable("HF_HUB_OFFLINE")) || is_true(variable("TRANSFORMERS_OFFLINE"));
  if (!is_true(variable("HF_HUB_DISABLE_IMPLICIT_TOKEN"))) {
    for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"})
      if (s.token.empty() && !(s.token = trimmed(variable(name))).empty()) s.token_from = name;
    if (s.token.empty()) {
      const std::string given = variable("HF_TOKEN_PATH");
      const fs::path file = given.empty() ? expanded(home) / "token" : expanded(given);
      if (!(s.token = trimmed(first_line(file))).empty()) s.token_from = file.string();
    }
  }
  for (const char* name : {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"})
    if (s.certificates.empty()) s.certificates = variable(name);
  s.metadata_seconds = seconds("HF_HUB_ETAG_TIMEOUT", s.metadata_seconds);
  s.download_seconds = seconds("HF_HUB_DOWNLOAD_TIMEOUT", s.download_seconds);
  return s;
}

}  // namespace hub
