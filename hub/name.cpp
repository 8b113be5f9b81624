#include "hub/name.h"

#include <algorithm>

namespace hub {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// A part of a repository's name, as huggingface_hub's REPO_ID_REGEX has it.
bool is_repo_part(std::string_view part) {
  const auto fits = [](char c) {
    return is_letter_or_digit(c) || c == '_' || c == '-' || c == '.';
  };
  const auto edge = [](char c) { return is_letter_or_digit(c) || c == '_'; };
  return !part.empty() && part.size() <= 96 && edge(part.front()) && edge(part.back()) &&
         std::all_of(part.begin(), part.end(), fits) && !has(part, "--") && !has(part, "..");
}

bool is_repo(std::string_view repo) {
  const size_t slash = repo.find('/');
  const std::string_view last = slash == std::string_view::npos ? repo : repo.substr(slash + 1);
  for (const char* ending : {".git", ".json", ".safetensors", ".bin", ".pt"})
    if (last.ends_with(ending)) return false;  // a file that is not there, rather than a model
  return is_repo_part(last) &&
         (slash == std::string_view::npos || is_repo_part(repo.substr(0, slash)));
}

constexpr size_t kLongestPart = 200;  // a file's name has at most 255 bytes, and ".incomplete"

bool is_plain_part(std::string_view part) {
  if (part.empty() || part.size() > kLongestPart || part == "." || part == "..") return false;
  return std::none_of(part.begin(), part.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || c == '\\' || c == '/';
  });
}

}  // namespace

std::optional<Name> parse_name(std::string_view spec) {
  Name name;
  const size_t at = spec.find('@');
  if (at != std::string_view::npos) {
    const std::string_view revision = spec.substr(at + 1);
    const bool plain =
        is_plain_path(revision) && std::all_of(revision.begin(), revision.end(), [](char c) {
          return is_letter_or_digit(c) || has("_-./+", std::string_view(&c, 1));
        });
    if (!plain || revision.front() == '-') return std::nullopt;
    name.revision = revision;
  }
  name.repo = spec.substr(0, at);
  if (!is_repo(name.repo) || name.repo == "random") return std::nullopt;
  return name;
}

std::string folder_name(const std::string& repo) {
  std::string folder = "models--" + repo;
  if (const size_t slash = folder.find('/'); slash != std::string::npos)
    folder.replace(slash, 1, "--");
  return folder;
}

std::optional<std::string> repo_of(const std::string& folder) {
  if (!folder.starts_with("models--")) return std::nullopt;
  std::string repo = folder.substr(8);
  if (const size_t dashes = repo.find("--"); dashes != std::string::npos)
    repo.replace(dashes, 2, "/");
  if (!is_repo(repo)) return std::nullopt;
  return repo;
}

bool is_plain_path(std::string_view name) {
  if (name.size() > 1000) return false;
  while (true) {
    const size_t slash = name.find('/');
    if (!is_plain_part(name.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

bool is_commit(std::string_view text) {
  return text.size() == 40 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string etag_name(std::string_view header) {
  if (header.starts_with("W/")) header.remove_prefix(2);
  while (header.starts_with('"')) header.remove_prefix(1);
  while (header.ends_with('"')) header.remove_suffix(1);
  const bool plain = !header.starts_with('.') && !header.starts_with('-') &&
                     !header.ends_with(".incomplete") && is_plain_part(header);
  return plain ? std::string(header) : std::string();
}

std::string url_quote(std::string_view text, bool path) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_letter_or_digit(c) || has("-_.~", std::string_view(&c, 1)) || (path && c == '/')) {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

std::string shown_url(const std::string& url) {
  std::string shown = url.substr(0, url.find_first_of("?#"));
  const size_t host = shown.find("://");
  if (host == std::string::npos) return shown;
  const size_t end = std::min(shown.find('/', host + 3), shown.size());
  const size_t user = shown.rfind('@', end);
  if (user != std::string::npos && user > host) shown.erase(host + 3, user - host - 2);
  return shown;
}

}  // namespace hub
