#include "hub/name.h"

#include <doctest/doctest.h>

#include "hub/http.h"

TEST_CASE("names of models, and what is none") {
  for (const char* good : {"bert-base-uncased", "google/bert_uncased_L-2_H-128_A-2", "a", "_x/y_",
                           "HuggingFaceTB/SmolLM2-135M", "distilbert/distilgpt2", "a.b/c.d"}) {
    const auto name = hub::parse_name(good);
    REQUIRE_MESSAGE(name, good);
    CHECK(name->repo == good);
    CHECK(name->revision == "main");
    CHECK(name->text() == good);
    CHECK(hub::repo_of(hub::folder_name(good)) == good);
  }
  for (const char* bad : {"",
                          ".",
                          "..",
                          "./x",
                          "../x",
                          "/x",
                          "x/",
                          "/",
                          "a/b/c",
                          "-a",
                          "a-",
                          ".a",
                          "a.",
                          "a--b",
                          "a/..",
                          "../b",
                          "a..b",
                          "a b",
                          "a/b c",
                          "random:layers=2",
                          "random",
                          "x.git",
                          "config.json",
                          "model.safetensors",
                          "a\\b",
                          "~/x",
                          "a@",
                          "a@..",
                          "a@../b",
                          "a@/b",
                          "a@-b",
                          "a@b/../c",
                          "a@b c",
                          "a\nb",
                          "é"})
    CHECK_MESSAGE(!hub::parse_name(bad), bad);
  CHECK(!hub::parse_name(std::string(97, 'a')));
  CHECK(hub::folder_name("org/name") == "models--org--name");
  for (const char* bad : {"datasets--x", "models--", "models--a--b--c", "models--..", ".locks"})
    CHECK_MESSAGE(!hub::repo_of(bad), bad);
}

TEST_CASE("a revision is a branch, a tag, a pull request or a commit") {
  for (const char* revision : {"v1.0", "refs/pr/3", "0123456789012345678901234567890123456789"}) {
    const auto name = hub::parse_name(std::string("org/name@") + revision);
    REQUIRE(name);
    CHECK(name->repo == "org/name");
    CHECK(name->revision == revision);
    CHECK(name->text() == std::string("org/name@") + revision);
  }
}

TEST_CASE("no name leads out of its folder") {
  for (const char* good : {"config.json", "a/b.json", "model-00001-of-00002.safetensors", "a..b"})
    CHECK_MESSAGE(hub::is_plain_path(good), good);
  for (const char* bad : {"", "/", "/etc/passwd", "..", "../x", "a/../b", "a/..", "a//b", "a/",
                          "./a", "a\\b", "..\\x", "a\nb", "a\x7f"})
    CHECK_MESSAGE(!hub::is_plain_path(bad), bad);
  CHECK_FALSE(hub::is_plain_path(std::string_view("a\0b", 3)));
  CHECK_FALSE(hub::is_plain_path(std::string(300, 'a')));
  CHECK(hub::etag_name("W/\"abc\"") == "abc");
  CHECK(hub::etag_name("\"abc\"") == "abc");
  for (const char* bad : {"", "\"\"", "\"../x\"", "a/b", "..", ".x", "-x", "a.incomplete"})
    CHECK_MESSAGE(hub::etag_name(bad).empty(), bad);
  CHECK(hub::is_commit(std::string(40, 'a')));
  CHECK_FALSE(hub::is_commit(std::string(40, 'A')));
  CHECK_FALSE(hub::is_commit("../x"));
}

TEST_CASE("URLs: quoted, and shown without secrets") {
  CHECK(hub::url_quote("refs/pr/1", false) == "refs%2Fpr%2F1");
  CHECK(hub::url_quote("a b/c?#%", true) == "a%20b/c%3F%23%25");
  CHECK(hub::shown_url("https://me:pass@host/a/b?Signature=x#y") == "https://host/a/b");
  CHECK(hub::shown_url("https://host/a@b") == "https://host/a@b");
  CHECK(hub::shown_url("nothing") == "nothing");
}

TEST_CASE("a token's host, and what may be followed") {
  if (!hub::http_available()) return;
  CHECK(hub::same_host("https://host/a", "https://HOST:443/b"));
  for (const char* other : {"http://host/a", "https://host:444/a", "https://host.evil/a",
                            "https://host@evil/a", "https://evil/host", "nothing at all", ""})
    CHECK_MESSAGE(!hub::same_host("https://host/a", other), other);
  CHECK(hub::may_follow("https://a/", "https://b/"));
  CHECK(hub::may_follow("http://a/", "http://b/"));
  CHECK(hub::may_follow("http://a/", "https://b/"));
  CHECK_FALSE(hub::may_follow("https://a/", "http://b/"));
  CHECK_FALSE(hub::may_follow("http://a/", "file:///etc/passwd"));
  CHECK_FALSE(hub::may_follow("http://a/", "ftp://b/"));
}
