// What torch.save wrote: the same tensors as safetensors has, in both forms; damaged and hostile
// files.
#include "engine/io/torch_file.h"

#include <doctest/doctest.h>

#include <cstring>

#include "engine/base/error.h"
#include "engine/io/checkpoint.h"
#include "tests/engine/io/tiny_model.h"
#include "tests/support/paths.h"

using namespace engine;

namespace {

std::string message_of(const std::filesystem::path& file) {
  try {
    read_torch_file(file);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) {
  CAPTURE(text);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

std::string bytes_of(const std::string& name) {
  return testing::read_file(testing::golden("torch/" + name));
}

}  // namespace

TEST_CASE("tensors of torch.save are those of safetensors") {
  const auto expected = Safetensors::open(testing::golden("torch/expected.safetensors"));
  for (const char* name : {"zip.bin", "old.bin", "protocol4.bin", "training.ckpt"}) {
    CAPTURE(name);
    const auto found = read_torch_file(testing::golden(std::string("torch/") + name));
    CHECK(found.size() == expected.tensors().size());
    for (const auto& [key, tensor] : expected.tensors()) {
      const auto& this_key = key;
      CAPTURE(this_key);
      REQUIRE(found.contains(key));
      const SafeTensor& t = found.at(key);
      CHECK(t.dtype == tensor.dtype);
      CHECK(t.dims == tensor.dims);
      REQUIRE(t.bytes == tensor.bytes);
      CHECK(std::memcmp(t.data, tensor.data, static_cast<size_t>(t.bytes)) == 0);
    }
    // In the file where it can be, else a copy of its own.
    CHECK(found.at("float").copy == nullptr);
    CHECK(found.at("transposed").copy != nullptr);
  }
}

TEST_CASE("nothing in a pickle is run, and what is no tensor is refused by name") {
  contains(message_of(testing::golden("torch/evil.bin")), "wants to use posix.system");
  contains(message_of(testing::golden("torch/module.bin")), "wants to use torch.nn.modules");
  testing::TempDir dir;
  testing::write_file(dir / "a.bin", "PK");
  contains(message_of(dir / "a.bin"), "is not what torch.save writes");
  testing::write_file(dir / "b.bin", std::string("PK\3\4") + std::string(100, 'x'));
  contains(message_of(dir / "b.bin"), "was all of it downloaded?");
}

TEST_CASE("a torch file that is cut short or changed is read or refused, never believed") {
  testing::TempDir dir;
  const auto file = dir / "x.bin";
  for (const char* name : {"zip.bin", "old.bin"}) {
    const std::string whole = bytes_of(name);
    for (size_t length = 0; length < whole.size(); length += 37) {
      testing::write_file(file, whole.substr(0, length));
      CHECK(message_of(file) != "no error");
    }
    // Every byte in turn: an error, or tensors inside of the file.
    for (size_t at = 0; at < whole.size(); at += 3) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ (1 << (at % 8)));
      testing::write_file(file, changed);
      try {
        int64_t sum = 0;
        for (const auto& [key, tensor] : read_torch_file(file))
          for (int64_t i = 0; i < tensor.bytes; ++i) sum += static_cast<int64_t>(tensor.data[i]);
        CHECK(sum >= 0);
      } catch (const Error& e) {
        CHECK(std::string(e.what()).find("x.bin") != std::string::npos);
      }
    }
  }
}

TEST_CASE("a pickle's lists may hold themselves, and its depth has no limit") {
  testing::TempDir dir;
  // An old file whose dict holds a list that holds itself, 100,000 lists deep.
  const std::string magic = bytes_of("old.bin").substr(0, 15);
  std::string deep = "\x80\x02}X";
  deep += std::string("\1\0\0\0a", 5);
  for (int i = 0; i < 100000; ++i) deep += "]";
  for (int i = 0; i < 99999; ++i) deep += "a";
  deep += "s.";
  const std::string one = std::string("\x80\x02K\1.", 5);
  testing::write_file(dir / "deep.bin", magic + one + one + deep + std::string("\x80\x02].", 4));
  contains(message_of(dir / "deep.bin"), "holds no tensors by name\nhint: it has: a");
  const std::string self = std::string("\x80\x02}q\1X\1\0\0\0ah\1s.", 15);
  testing::write_file(dir / "self.bin", magic + one + one + self + std::string("\x80\x02].", 4));
  contains(message_of(dir / "self.bin"), "holds no tensors by name");
}

TEST_CASE("a checkpoint of torch: one file, shards, and safetensors before it") {
  testing::TempDir dir;
  testing::write_file(dir / "pytorch_model.bin", bytes_of("zip.bin"));
  CHECK(Checkpoint(dir.path()).find("float") != nullptr);
  CHECK(Checkpoint(dir / "pytorch_model.bin").find("view") != nullptr);
  testing::write_file(dir / "model.safetensors", bytes_of("expected.safetensors"));
  CHECK(Checkpoint(dir.path()).files().front().filename() == "model.safetensors");

  testing::TempDir shards;
  testing::write_file(shards / "pytorch_model-00001-of-00001.bin", bytes_of("zip.bin"));
  testing::write_file(shards / "pytorch_model.bin.index.json",
                      R"({"weight_map": {"half": "pytorch_model-00001-of-00001.bin"}})");
  const Checkpoint sharded(shards.path());
  CHECK(sharded.tensors().size() == 1);
  CHECK(sharded.find("half")->dtype == DType::F16);

  testing::TempDir other;
  testing::write_file(other / "tf_model.h5", "x");
  try {
    Checkpoint none(other.path());
    FAIL("no error");
  } catch (const Error& e) {
    contains(e.what(), "holds only tf_model.h5");
  }
}
