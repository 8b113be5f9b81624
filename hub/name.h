// What may be a name on the hub, and which names may become parts of a path: everything that a
// server, an index of shards or a command line names goes through here first.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hub {

struct Name {
  std::string repo;               // "bert-base-uncased", "google/bert_uncased_L-2_H-128_A-2"
  std::string revision = "main";  // a branch, a tag or a commit

  // "org/name", or "org/name@revision" where it is not main.
  std::string text() const { return revision == "main" ? repo : repo + "@" + revision; }
};

// "org/name[@revision]" or "name[@revision]" by the hub's rules: letters, digits and "-_.", at most
// 96 of them. nullopt for all else: paths ("./x", "a/b/c", "x/"), "random:...", "config.json".
std::optional<Name> parse_name(std::string_view spec);

// The folder of a repository in the cache: "models--org--name".
std::string folder_name(const std::string& repo);
// And back; nullopt for a folder that is not a model's.
std::optional<std::string> repo_of(const std::string& folder);

// Whether `name` is a relative path whose parts are plain names: it cannot leave its folder.
bool is_plain_path(std::string_view name);
// A commit: 40 hexadecimal digits in lower case.
bool is_commit(std::string_view text);
// The tag in an ETag header: W/ and quotes taken off. "" if it may not be the name of a file.
std::string etag_name(std::string_view header);

// `text` as a part of a URL's path; '/' is kept where `path`.
std::string url_quote(std::string_view text, bool path);
// A URL as it may be shown: without user, password and query, which hold secrets.
std::string shown_url(const std::string& url);

}  // namespace hub
