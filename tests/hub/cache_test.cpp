// The cache on disk alone: reading what others wrote, reporting, removing. No network.
#include "hub/cache.h"

#include <doctest/doctest.h>

#include "engine/base/error.h"
#include "hub/cache_report.h"
#include "hub/digest.h"
#include "tests/support/paths.h"

namespace fs = std::filesystem;

namespace {

const std::string kCommit(40, 'a'), kOther(40, 'b');
// SHA-1 of "blob 5\0hello" (git hash-object), and SHA-256 of "hello" (sha256sum).
const std::string kGit = "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0";
const std::string kSha = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

// A model as huggingface_hub leaves it.
void fill(const fs::path& cache) {
  hub::Cache model(cache, "org/name");
  model.begin(kCommit);
  model.set_commit("main", kCommit);
  testing::write_file(model.blob(kGit), "hello");
  testing::write_file(model.blob(kSha), "hello");
  model.link(kCommit, "config.json", kGit);
  model.link(kCommit, "sub/model.safetensors", kSha);
}

}  // namespace

TEST_CASE("the layout is huggingface_hub's") {
  const testing::TempDir dir;
  fill(dir.path());
  const fs::path folder = dir / "models--org--name";
  CHECK(testing::read_file(folder / "refs" / "main") == kCommit);
  CHECK(fs::read_symlink(folder / "snapshots" / kCommit / "config.json") == "../../blobs/" + kGit);
  CHECK(fs::read_symlink(folder / "snapshots" / kCommit / "sub" / "model.safetensors") ==
        "../../../blobs/" + kSha);
  CHECK(fs::exists(dir / "CACHEDIR.TAG"));
  hub::Cache model(dir.path(), "org/name");
  CHECK(model.lock(kGit) == dir / ".locks" / "models--org--name" / (kGit + ".lock"));
  CHECK(model.commit("main") == kCommit);
  CHECK(model.commit(kOther) == kOther);
  CHECK_FALSE(model.commit("v2"));
  CHECK(model.find(kCommit, "config.json"));
  CHECK(model.find(kCommit, "sub/model.safetensors"));
  CHECK_FALSE(model.find(kCommit, "other.json"));
  CHECK_FALSE(model.absent(kCommit, "other.json"));
  model.set_absent(kCommit, "other.json");
  CHECK(fs::exists(folder / ".no_exist" / kCommit / "other.json"));
  CHECK(model.absent(kCommit, "other.json"));
}

TEST_CASE("a ref that is damaged is not known, and links are put in place of older ones") {
  const testing::TempDir dir;
  fill(dir.path());
  hub::Cache model(dir.path(), "org/name");
  testing::write_file(dir / "models--org--name" / "refs" / "main", "../../../etc");
  CHECK_FALSE(model.commit("main"));
  model.set_commit("main", kOther);
  CHECK(model.commit("main") == kOther);
  model.link(kCommit, "config.json", kSha);
  CHECK(fs::read_symlink(*model.find(kCommit, "config.json")) == "../../blobs/" + kSha);
  model.link(kCommit, "config.json", kSha);
  size_t entries = 0;
  for (const auto& entry : fs::directory_iterator(model.snapshot(kCommit))) {
    CHECK(entry.exists());
    ++entries;
  }
  CHECK(entries == 2);
  CHECK_THROWS_AS(model.link(kCommit, "../../x", kSha), engine::Error);
}

TEST_CASE("a link that leads out of the model's folder is no file of it") {
  const testing::TempDir dir;
  fill(dir.path());
  testing::write_file(dir / "secret", "x");
  const fs::path snapshot = dir / "models--org--name" / "snapshots" / kCommit;
  fs::create_symlink("../../../secret", snapshot / "vocab.txt");
  fs::create_symlink("../../blobs/nothing", snapshot / "merges.txt");
  fs::create_directory_symlink(dir.path(), snapshot / "folder");
  const hub::Cache model(dir.path(), "org/name");
  CHECK_FALSE(model.find(kCommit, "vocab.txt"));
  CHECK_FALSE(model.find(kCommit, "merges.txt"));
  CHECK_FALSE(model.find(kCommit, "folder/secret"));
  CHECK_FALSE(model.find(kCommit, "../../../secret"));
  const auto problems = hub::verify(hub::list_cache(dir.path()).front()).problems;
  CHECK(problems.size() == 3);
}

TEST_CASE("blobs on another disk, and a whole model elsewhere, are the model's") {
  const testing::TempDir dir;
  fill(dir / "cache");
  const fs::path folder = dir / "cache" / "models--org--name";
  fs::rename(folder / "blobs", dir / "elsewhere");
  fs::create_directory_symlink(dir / "elsewhere", folder / "blobs");
  CHECK(hub::Cache(dir / "cache", "org/name").find(kCommit, "config.json"));
  fs::create_directory(dir / "second");
  fs::create_directory_symlink(folder, dir / "second" / "models--org--name");
  CHECK(hub::Cache(dir / "second", "org/name").find(kCommit, "config.json"));
}

TEST_CASE("contents that newer huggingface_hubs share between models") {
  const testing::TempDir dir;
  fill(dir.path());
  const hub::Cache model(dir.path(), "org/name");
  fs::create_directories(dir / "blobs" / "ab");
  fs::rename(model.blob(kSha), dir / "blobs" / "ab" / "abc");
  fs::create_symlink("../../blobs/ab/abc", model.blob(kSha));
  CHECK(model.find(kCommit, "sub/model.safetensors"));
  auto models = hub::list_cache(dir.path());
  REQUIRE(models.size() == 1);
  CHECK(models[0].bytes == 10);
  CHECK(models[0].shared == 5);
  if (hub::digests_available()) CHECK(hub::verify(models[0]).files == 2);
  CHECK(hub::remove(dir.path(), models[0]) == 5);
  CHECK(fs::exists(dir / "blobs" / "ab" / "abc"));
}

TEST_CASE("digests are the hub's") {
  if (!hub::digests_available()) return;
  const testing::TempDir dir;
  testing::write_file(dir / "x", "hello");
  CHECK(hub::digest_of(dir / "x", hub::DigestKind::git, 5) == kGit);
  CHECK(hub::digest_of(dir / "x", hub::DigestKind::sha256, 5) == kSha);
  CHECK(hub::digest_kind(kGit) == hub::DigestKind::git);
  CHECK(hub::digest_kind(kSha) == hub::DigestKind::sha256);
  CHECK(hub::digest_kind("5f2a-3") == hub::DigestKind::none);
  CHECK_THROWS_AS(hub::digest_of(dir / "y", hub::DigestKind::git, 5), engine::Error);
  // One that grows: in two parts, and abandoned in the middle.
  testing::write_file(dir / "g", "he");
  hub::GrowingDigest growing(dir / "g", hub::DigestKind::sha256, 5);
  growing.written(2);
  testing::write_file(dir / "g", "hello");
  growing.written(5);
  CHECK(growing.finish() == kSha);
  hub::GrowingDigest abandoned(dir / "g", hub::DigestKind::sha256, 5);
  abandoned.written(2);
}

TEST_CASE("the cache is listed and verified") {
  if (!hub::digests_available()) return;
  const testing::TempDir dir;
  CHECK(hub::list_cache(dir / "nothing").empty());
  fill(dir.path());
  fs::create_directories(dir / "datasets--org--other");
  testing::write_file(dir / "models--org--name" / "blobs" / (kSha + ".incomplete"), "hel");
  auto models = hub::list_cache(dir.path());
  REQUIRE(models.size() == 1);
  CHECK(models[0].repo == "org/name");
  CHECK(models[0].bytes == 13);
  CHECK(models[0].partial == 3);
  REQUIRE(models[0].revisions.size() == 1);
  CHECK(models[0].revisions[0].commit == kCommit);
  CHECK(models[0].revisions[0].refs == std::vector<std::string>{"main"});
  CHECK(models[0].revisions[0].files ==
        std::vector<std::string>{"config.json", "sub/model.safetensors"});
  hub::Verified found = hub::verify(models[0]);
  CHECK(found.files == 2);
  CHECK(found.bytes == 10);
  CHECK(found.problems.empty());
  testing::write_file(dir / "models--org--name" / "blobs" / kSha, "hellO");
  fs::remove(dir / "models--org--name" / "blobs" / kGit);
  testing::write_file(dir / "models--org--name" / "refs" / "v2", kOther);
  found = hub::verify(models[0]);
  CHECK(found.files == 0);
  REQUIRE(found.problems.size() == 3);
  CHECK(found.problems[0].find(kSha) != std::string::npos);
  CHECK(found.problems[1].find("config.json") != std::string::npos);
  CHECK(found.problems[2].find("refs/v2") != std::string::npos);
}

TEST_CASE("a revision is removed with the blobs that only it needs") {
  const testing::TempDir dir;
  fill(dir.path());
  hub::Cache model(dir.path(), "org/name");
  model.begin(kOther);
  model.set_commit("v2", kOther);
  testing::write_file(model.blob("tag"), "four");
  model.link(kOther, "config.json", "tag");
  model.link(kOther, "model.safetensors", kSha);
  CHECK_THROWS_AS(hub::remove(dir.path(), hub::list_cache(dir.path())[0], "v3"), engine::Error);
  CHECK(hub::remove(dir.path(), hub::list_cache(dir.path())[0], "v2") == 4);
  CHECK_FALSE(fs::exists(model.blob("tag")));
  CHECK_FALSE(model.commit("v2"));
  CHECK(model.find(kCommit, "config.json"));
  CHECK(model.find(kCommit, "sub/model.safetensors"));
  CHECK(hub::remove(dir.path(), hub::list_cache(dir.path())[0]) == 10);
  CHECK_FALSE(fs::exists(model.folder()));
  CHECK(hub::list_cache(dir.path()).empty());
}

TEST_CASE("removing follows no link") {
  const testing::TempDir dir;
  fill(dir / "cache");
  fs::create_directory(dir / "mine");
  testing::write_file(dir / "mine" / "file", "x");
  fs::create_directory_symlink(dir / "mine",
                               dir / "cache" / "models--org--name" / "snapshots" / kCommit / "d");
  fs::create_directory_symlink(dir / "mine",
                               dir / "cache" / "models--org--name" / "snapshots" / "e");
  hub::remove(dir / "cache", hub::list_cache(dir / "cache")[0]);
  CHECK(fs::exists(dir / "mine" / "file"));
  CHECK_FALSE(fs::exists(dir / "cache" / "models--org--name"));
}
