// What a command line and a server call models, files, tags and places: none may lead out of a
// folder, and none may show what is secret.
#include "hub/http.h"
#include "hub/name.h"
#include "tests/fuzz/fuzz.h"

static void hold(bool ok) {
  if (!ok) std::abort();
}

FUZZ(input) {
  if (input.size() > 4096) return;
  const std::string text(input);
  if (const auto name = hub::parse_name(input)) {
    hold(hub::repo_of(hub::folder_name(name->repo)) == name->repo);
    hold(hub::is_plain_path(name->repo) && hub::is_plain_path(name->revision));
    hold(hub::folder_name(name->repo).find('/') == std::string::npos);
    hold(hub::parse_name(name->text()).has_value());
  }
  if (const auto repo = hub::repo_of(text)) hold(hub::parse_name(*repo).has_value());
  const std::string tag = hub::etag_name(input);
  hold(tag.empty() || (hub::is_plain_path(tag) && tag.find('/') == std::string::npos));
  if (hub::is_plain_path(input)) {
    const std::filesystem::path inside = std::filesystem::path("/a/b") / text;
    hold(inside.lexically_normal() == inside && inside.string().starts_with("/a/b/"));
  }
  const std::string quoted = hub::url_quote(input, true);
  hold(quoted.find_first_of(" ?#\"\r\n\\") == std::string::npos);
  hold(hub::shown_url("https://user:secret@host/" + quoted).find("secret@") == std::string::npos);
  hold(hub::shown_url("https://host/x?" + text) == "https://host/x");
  hub::shown_url(text);
  if (hub::may_follow("https://host/", text)) hold(!hub::same_host(text, "http://host/"));
  hub::same_host(text, text);
}
