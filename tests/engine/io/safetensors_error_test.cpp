// Files that lie. Every one is a clear error; none may crash (these tests also run under
// AddressSanitizer).
#include <doctest/doctest.h>

#include "engine/base/error.h"
#include "engine/base/philox.h"
#include "engine/io/safetensors.h"
#include "tests/engine/io/raw_file.h"

using namespace engine;
using namespace testing;

namespace {

const std::string kEight = "abcdefgh";

void refused(const TempDir& dir, const std::string& bytes, const std::string& message) {
  write_file(dir / "m.safetensors", bytes);
  CAPTURE(message);
  try {
    Safetensors::open(dir / "m.safetensors");
    FAIL_CHECK("was accepted");
  } catch (const Error& e) {
    const std::string what = e.what();
    CHECK_MESSAGE(what.find(message) != std::string::npos, what);
    CHECK(what.starts_with((dir / "m.safetensors").string() + ": "));
  }
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return "{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

}  // namespace

TEST_CASE("lengths that lie") {
  const TempDir dir;
  refused(dir, "", "has 0 bytes and is no safetensors file");
  refused(dir, "abc", "has 3 bytes and is no safetensors file");
  refused(dir, std::string("\xff\xff\xff\xff\xff\xff\xff\xff") + "{}",
          "claims a header of 18446744073709551615 bytes");
  refused(dir, std::string("\x10\0\0\0\0\0\0\0", 8) + "{}",
          "claims a header of 16 bytes but has only 2 after its length");
  refused(dir, raw_safetensors("", ""), "not valid JSON at line 1, column 1");
}

TEST_CASE("things that are not safetensors files at all") {
  const TempDir dir;
  refused(dir, "version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
          "is a Git LFS pointer, not the file itself\nhint: run: git lfs pull");
  refused(dir, "<!DOCTYPE html><html></html>", "is a web page");
  refused(dir, std::string("PK\x03\x04") + kEight, "is a PyTorch (zip) file");
}

TEST_CASE("headers that are not what they should be") {
  const TempDir dir;
  refused(dir, raw_safetensors("{\"a\":", ""), "header: not valid JSON at line 1");
  refused(dir, raw_safetensors("{\"\xff\":1}", ""), "header: not valid JSON");
  refused(dir, raw_safetensors("[1,2]", ""), "its header is not an object");
  refused(dir, raw_safetensors("{} x", ""), "header: not valid JSON");
  refused(dir, raw_safetensors(R"({"__metadata__":3})", ""), "__metadata__ is not an object");
  refused(dir, raw_safetensors(R"({"__metadata__":{"a":3}})", ""),
          "__metadata__: \"a\" is not a string");
  refused(dir, raw_safetensors(R"({"a":3})", ""), "tensor a: its description is not an object");
  for (const char* key : {"dtype", "shape", "data_offsets"}) {
    std::string text = "{\"a\":" + entry("\"F32\"", "[2]", "[0,8]") + "}";
    text.replace(text.find(key), 5, "other");
    refused(dir, raw_safetensors(text, kEight),
            std::string("tensor a: \"") + key + "\" is missing");
  }
  const std::string good = entry("\"F32\"", "[2]", "[0,8]");
  refused(dir, raw_safetensors("{\"a\":" + good + ",\"a\":" + good + "}", kEight),
          "the key \"a\" is there twice");
}

TEST_CASE("tensors that lie") {
  const TempDir dir;
  const auto one = [&](const std::string& dtype, const std::string& shape,
                       const std::string& offsets, const std::string& message) {
    refused(dir, raw_safetensors("{\"x\":" + entry(dtype, shape, offsets) + "}", kEight),
            "tensor x: " + message);
  };
  one("\"F33\"", "[2]", "[0,8]", "its dtype 'F33' is not known");
  one("3", "[2]", "[0,8]", "\"dtype\" is not a string");
  one("\"F32\"", "2", "[0,8]", "\"shape\" is not an array");
  one("\"F32\"", "[-2]", "[0,8]", "\"shape\" has an entry that is not a sensible size");
  one("\"F32\"", "[2.0]", "[0,8]", "\"shape\" has an entry that is not a sensible size");
  one("\"F32\"", "[18446744073709551615]", "[0,8]", "\"shape\" has an entry");
  one("\"F32\"", "[3]", "[0,8]", "its shape [3] of F32 does not fit its 8 bytes");
  one("\"F64\"", "[2]", "[0,8]", "its shape [2] of F64 does not fit its 8 bytes");
  one("\"F32\"", "[]", "[0,8]", "its shape [] of F32 does not fit its 8 bytes");
  one("\"F32\"", "[4294967296,4294967296]", "[0,8]",
      "its shape [4294967296, 4294967296] is not a sensible size");  // 2^66 bytes
  one("\"F32\"", "[4611686018427387904,4]", "[0,8]",
      "its shape [4611686018427387904, 4] is not a sensible size");
  one("\"F32\"", "[4611686018427387904,8,0]", "[0,0]",
      "its shape [4611686018427387904, 8, 0] is not a sensible size");
  one("\"F32\"", "[2]", "[0]", "\"data_offsets\" is not a pair");
  one("\"F32\"", "[2]", "[0,-8]", "\"data_offsets\" is not a pair");
  one("\"F32\"", "[2]", "[0,8.0]", "\"data_offsets\" is not a pair");
  one("\"F32\"", "[2]", "[8,0]", "its data ends at 0 before it begins at 8");
  one("\"F32\"", "[2]", "[0,9]",
      "its data ends at byte 9, but the file has only 8 bytes of data\nhint: the file is cut "
      "short");
  one("\"F32\"", "[2]", "[18446744073709551608,18446744073709551615]",
      "its data ends at byte 18446744073709551615");
}

TEST_CASE("tensors that overlap, leave gaps, or leave bytes over") {
  const TempDir dir;
  const auto two = [&](const std::string& a, const std::string& b, const std::string& message) {
    refused(dir,
            raw_safetensors(
                "{\"a\":" + entry("\"U8\"", "[4]", a) + ",\"b\":" + entry("\"U8\"", "[4]", b) + "}",
                kEight + "ij"),
            message);
  };
  two("[0,4]", "[2,6]", "tensor b overlaps tensor a");
  two("[4,8]", "[4,8]", "there is a gap of 4 bytes before tensor");
  two("[0,4]", "[0,4]", "overlaps tensor");
  two("[0,4]", "[5,9]", "there is a gap of 1 bytes before tensor b");
  two("[1,5]", "[5,9]", "there is a gap of 1 bytes before tensor a");
  two("[0,4]", "[4,8]", "2 bytes at the end belong to no tensor");
}

TEST_CASE("a name of a megabyte does not make a message of a megabyte") {
  const TempDir dir;
  write_file(dir / "m", raw_safetensors("{\"" + std::string(1 << 20, 'n') + "\":3}", ""));
  try {
    Safetensors::open(dir / "m");
    FAIL_CHECK("was accepted");
  } catch (const Error& e) {
    CHECK(std::string(e.what()).size() < 1000);
  }
}

TEST_CASE("a deeply nested header is refused, not recursed into") {
  const TempDir dir;
  write_file(dir / "m", raw_safetensors("{\"a\":" + std::string(200'000, '['), ""));
  CHECK_THROWS_AS(Safetensors::open(dir / "m"), Error);
  write_file(
      dir / "m",
      raw_safetensors("{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}", ""));
  CHECK_THROWS_AS(Safetensors::open(dir / "m"), Error);
}

// Ten thousand damaged files: whatever opens is read to its end, and everything else is an Error.
TEST_CASE("no damage to a file crashes the reader") {
  const TempDir dir;
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
      R"("b":{"dtype":"F16","shape":[3],"data_offsets":[16,22]},"c":{"dtype":"I64","shape":[1],"data_offsets":[22,30]},)"
      R"("d":{"dtype":"BOOL","shape":[2],"data_offsets":[30,32]}})";
  const std::string good = raw_safetensors(header, std::string(32, 'x'));
  const std::string tokens[] = {
      "18446744073709551615", "-1",  "0",   "[]", "{}",      "null",   "\"", ",",
      "9223372036854775807",  "1e9", "F64", "[[", "\\u0000", "\\ud800"};
  Random random(99);
  int opened = 0, refused_count = 0;
  for (int round = 0; round < 10'000; ++round) {
    std::string bytes = good;
    const int mutations = 1 + static_cast<int>(random.below(4));
    for (int m = 0; m < mutations; ++m) {
      if (bytes.empty()) break;
      const size_t at = random.below(bytes.size());
      switch (random.below(6)) {
        case 0:
          bytes[at] = static_cast<char>(random.bits());
          break;
        case 1:
          bytes.erase(at, 1 + random.below(8));
          break;
        case 2:
          bytes.insert(at, 1, static_cast<char>(random.bits()));
          break;
        case 3:
          bytes.resize(at);
          break;
        case 4:
          bytes.replace(at, std::min<size_t>(bytes.size() - at, random.below(6)),
                        tokens[random.below(std::size(tokens))]);
          break;
        case 5:
          bytes[at] = static_cast<char>('0' + random.below(10));
          break;
      }
    }
    if (random.below(2) &&
        bytes.size() >= 8) {  // half of them with a header length that fits again
      const size_t end = bytes.find("}}", 8);
      if (end != std::string::npos) {
        const uint64_t length = std::min(bytes.size(), end + 2) - 8;
        std::memcpy(bytes.data(), &length, 8);
      }
    }
    write_file(dir / "m", bytes);
    try {
      const Safetensors file = Safetensors::open(dir / "m");
      ++opened;
      for (const auto& [name, tensor] : file.tensors()) {
        std::vector<Scalar> out(static_cast<size_t>(tensor.count()));
        if (tensor.is_float())
          tensor.read(out.data());
        else if (tensor.dtype != DType::F8_E4M3 && tensor.dtype != DType::F8_E5M2 &&
                 tensor.dtype != DType::U64)
          tensor.read_integers();
      }
    } catch (const Error&) {
      ++refused_count;
    }
  }
  MESSAGE(opened, " opened, ", refused_count, " refused");
  CHECK(opened + refused_count == 10'000);
  CHECK(refused_count > 5'000);
}
