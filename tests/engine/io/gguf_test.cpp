// GGUF files: every type against the Python package gguf, and damaged and hostile files.
#include "engine/io/gguf.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "engine/base/error.h"
#include "engine/io/gguf_writer.h"
#include "tests/engine/io/raw_gguf.h"
#include "tests/support/errors.h"
#include "tests/support/paths.h"
#include "tests/support/says.h"

using testing::says;
using namespace engine;
using testing::RawGguf;

namespace {

std::string gguf_message(const std::string& bytes) {
  testing::TempDir dir;
  testing::write_file(dir / "x.gguf", bytes);
  return testing::message_of([&] { (void)Gguf::open(dir / "x.gguf"); });
}

std::vector<Scalar> values_of(const SafeTensor& tensor) {
  std::vector<Scalar> values(static_cast<size_t>(tensor.count()));
  tensor.read(values.data());
  return values;
}

}  // namespace

TEST_CASE("tensors of every type are what gguf's dequantize makes of them, to the last bit") {
  const Gguf file = Gguf::open(testing::golden("gguf/types.gguf"));
  const auto expected = Safetensors::open(testing::golden("gguf/types.safetensors"));
  for (const auto& [name, tensor] : expected.tensors()) {
    const std::string this_name = name;
    CAPTURE(this_name);
    const SafeTensor found = file.tensor(name);
    CHECK(found.dims == tensor.dims);
    CHECK(found.type_name() == (name == "source" ? "F32" : name));
    const auto a = values_of(found), b = values_of(tensor);
    CHECK(std::memcmp(a.data(), b.data(), a.size() * sizeof(Scalar)) == 0);
    // Row by row, and as a transpose.
    std::vector<Scalar> row(static_cast<size_t>(found.row_width())), turned(a.size());
    found.read_rows(1, 2, row.data());
    CHECK(std::equal(row.begin(), row.end(), a.begin() + static_cast<std::ptrdiff_t>(row.size())));
    found.read_transposed(turned.data());
    CHECK(turned[1] == a[row.size()]);
  }
  CHECK(file.tensor("F16").data != nullptr);  // stays in the file
  CHECK(file.tensor("Q4_K").data == nullptr);
  CHECK(file.tensor("I32").read_integers() == std::vector<int64_t>{1, -2, 3, 2147483647});
  CHECK(values_of(file.tensor("F64"))[0] == doctest::Approx(0.1));
}

TEST_CASE("values are quantised to Q8_0 as gguf's quantize does, byte for byte") {
  const Gguf file = Gguf::open(testing::golden("gguf/types.gguf"));
  const GgufTensor &source = file.tensors().at("source"), &wanted = file.tensors().at("Q8_0");
  std::vector<std::byte> made(static_cast<size_t>(wanted.bytes));
  std::vector<float> values(static_cast<size_t>(source.bytes) / sizeof(float));
  std::memcpy(values.data(), source.data, static_cast<size_t>(source.bytes));
  quantise_q8_0(values.data(), static_cast<int64_t>(values.size()), made.data());
  CHECK(std::memcmp(made.data(), wanted.data, made.size()) == 0);
  // Values too small for any scale become 0 and nothing undefined.
  std::vector<float> tiny(32, 1e-44f);
  quantise_q8_0(tiny.data(), 32, made.data());
  std::vector<float> back(32);
  dequantise(GgmlType::Q8_0, made.data(), 32, back.data());
  CHECK(back == std::vector<float>(32, 0.0f));
}

TEST_CASE("rows in another order") {
  const Gguf file = Gguf::open(testing::golden("gguf/types.gguf"));
  for (const char* name : {"source", "Q8_0", "BF16"}) {
    const SafeTensor turned = file.tensor(name, [](int64_t row) { return (row + 1) % 3; });
    const auto plain = values_of(file.tensor(name)), found = values_of(turned);
    CHECK(turned.data == nullptr);
    CHECK(turned.type_name() == (std::string(name) == "source" ? "F32" : name));
    for (size_t i = 0; i < 768; ++i) CHECK(found[i] == plain[(i + 256) % 768]);
  }
}

TEST_CASE("metadata of every kind") {
  const Gguf file = Gguf::open(testing::golden("gguf/types.gguf"));
  CHECK(file.text("general.architecture") == "llama");
  CHECK(file.integer("test.u8") == 200);
  CHECK(file.integer("test.i8") == -7);
  CHECK(file.integer("test.u16") == 60000);
  CHECK(file.integer("test.i16") == -30000);
  CHECK(file.integer("test.u32") == 4000000000);
  CHECK(file.integer("test.i32") == -2000000000);
  CHECK(file.integer("test.u64") == int64_t{1} << 40);
  CHECK(file.integer("test.i64") == -(int64_t{1} << 40));
  CHECK(file.number("test.f32") == static_cast<double>(0.1f));
  CHECK(file.number("test.f64") == 0.1);
  CHECK(file.number("test.i8") == -7.0);
  CHECK(file.flag("test.yes") == true);
  CHECK(file.texts("test.texts") == std::vector<std::string_view>{"one", "", "drei \u2581"});
  CHECK(file.integers("test.integers") == std::vector<int64_t>{3, -4, 5});
  CHECK(file.numbers("test.floats") == std::vector<double>{0.5, -2.25});
  CHECK_FALSE(file.integer("absent"));
  CHECK(file.texts("absent").empty());
  const auto refused = [&](auto ask, const char* part) {
    try {
      ask();
    } catch (const Error& e) {
      says(e.what(), part);
      return;
    }
    FAIL("no error");
  };
  refused([&] { (void)file.integer("test.f32"); }, "test.f32: is of type float32, and a whole");
  refused([&] { (void)file.integer("test.integers"); }, "is a list of values and one is needed");
  refused([&] { (void)file.texts("test.u8"); }, "is one value and a list is needed");
  refused([&] { (void)file.text("test.u8"); }, "and a text is needed");
  refused([&] { (void)file.flag("test.u8"); }, "and true or false is needed");
  refused([&] { (void)file.numbers("test.texts"); }, "holds texts");
  refused([&] { (void)file.tensor("absent"); }, "there is no tensor absent");
}

TEST_CASE("what is no GGUF file, or of another version, is said") {
  says(gguf_message(""), "is no GGUF file");
  says(gguf_message("version https://git-lfs.github.com/spec/v1"), "git lfs pull");
  says(gguf_message(std::string("tjgg\3\0\0\0", 8)), "formats before GGUF");
  says(gguf_message("GGUF"), "ends inside of the header");
  says(gguf_message(RawGguf(1).bytes()), "GGUF version 1; versions 2 and 3");
  says(gguf_message(RawGguf(0x03000000).bytes()), "big-endian");
  CHECK(gguf_message(RawGguf(2).bytes()) == "");
  CHECK_FALSE(Gguf::is_one(testing::golden("gguf/types.safetensors")));
  CHECK(Gguf::is_one(testing::golden("gguf/types.gguf")));
  CHECK_FALSE(Gguf::is_one(testing::golden("gguf")));
}

TEST_CASE("a file that lies about a count, a length or a place is refused before memory is taken") {
  const uint64_t huge = uint64_t{1} << 60;
  says(gguf_message(RawGguf(3, huge, 0).bytes()), "tensors, but has only");
  says(gguf_message(RawGguf(3, 0, huge).bytes()), "metadata values, but has only");
  says(gguf_message(RawGguf(3, 0, 1).number<uint64_t>(huge).pad(50).bytes()),
       "ends inside of a key of the metadata");
  says(gguf_message(RawGguf(3, 0, 1).text("k").number<uint32_t>(8).number(huge).pad(9).bytes()),
       "ends inside of the value of k");
  says(gguf_message(RawGguf(3, 0, 1).text("k").number<uint32_t>(13).bytes()), "unknown type 13");
  says(gguf_message(RawGguf(3, 0, 1).text("k").number<uint32_t>(7).number<char>(2).bytes()),
       "neither true nor false");
  const RawGguf list = RawGguf(3, 0, 1).text("k").number<uint32_t>(9);
  says(gguf_message(RawGguf(list).number<uint32_t>(9).number(huge).bytes()), "list of lists");
  for (const uint32_t kind : {0u, 4u, 8u, 12u})
    says(gguf_message(RawGguf(list).number(kind).number(huge).pad(64).bytes()),
         "items in the value of k, but has only");
  says(gguf_message(RawGguf(3, 0, 2).value("k", 0, uint8_t{1}).value("k", 0, uint8_t{1}).bytes()),
       "the key k is there twice");
}

TEST_CASE("a tensor that does not fit its file is refused by name") {
  const auto with = [](std::vector<uint64_t> dims, uint32_t type, uint64_t offset, size_t data) {
    return gguf_message(RawGguf(3, 1, 0).tensor("t", dims, type, offset).align().pad(data).bytes());
  };
  CHECK(with({8, 2}, 0, 0, 64) == "");
  says(with({8, 2}, 0, 0, 63), "tensor t has 64 bytes from 0 on, but the file has only 63");
  says(with({8, 2}, 0, 4, 128), "no multiple of the alignment 32");
  says(with({8, 2}, 0, ~uint64_t{31}, 128), "but the file has only 128");
  says(with({}, 0, 0, 64), "has 0 dimensions");
  says(with({1, 1, 1, 1, 1}, 0, 0, 64), "has 5 dimensions");
  says(with({uint64_t{1} << 63}, 0, 0, 64), "not a sensible size");
  says(with({uint64_t{1} << 40, uint64_t{1} << 40}, 0, 0, 64), "not a sensible size");
  says(with({0, uint64_t{1} << 40, uint64_t{1} << 40}, 0, 0, 64), "not a sensible size");
  CHECK(with({0, 7}, 0, 0, 0) == "");
  says(with({33}, 8, 0, 64), "rows of 33 values, and blocks of Q8_0 have 32");
  says(with({32}, 17, 0, 64), "tensor t is IQ2_XS, which is not read here");
  says(with({32}, 17, 0, 64), "hint: read are F32, F16");
  says(with({32}, 77, 0, 64), "tensor t is type 77, which");
  const auto two = [](uint64_t second, const char* name) {
    return gguf_message(RawGguf(3, 2, 0)
                            .tensor("a", {16}, 0, 0)
                            .tensor(name, {16}, 0, second)
                            .align()
                            .pad(128)
                            .bytes());
  };
  CHECK(two(64, "b") == "");
  says(two(32, "b"), "tensor b overlaps the tensor before it");
  says(two(64, "a"), "tensor a is there twice");
  for (const uint32_t align : {0u, 24u})
    says(gguf_message(RawGguf(3, 1, 1)
                          .value("general.alignment", 4, align)
                          .tensor("t", {1}, 0, 0)
                          .pad(64)
                          .bytes()),
         "which is no power of two");
}

TEST_CASE("a GGUF file that is cut short or changed is read or refused, never believed") {
  testing::TempDir dir;
  const auto file = dir / "x.gguf";
  const std::string whole = testing::read_file(testing::golden("gguf/types.gguf"));
  for (size_t length = 0; length < whole.size(); length += 41)
    CHECK(gguf_message(whole.substr(0, length)) != "");
  for (size_t at = 0; at < 2400; ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ (1 << (at % 8)));
    testing::write_file(file, changed);
    try {
      const Gguf read = Gguf::open(file);
      for (const auto& [name, tensor] : read.tensors())
        if (const SafeTensor t = read.tensor(name); t.is_float()) (void)values_of(t);
    } catch (const Error& e) {
      CHECK(std::string(e.what()).find("x.gguf") != std::string::npos);
    }
  }
}

TEST_CASE("what is written as GGUF is read again, bit for bit where the type can hold it") {
  testing::TempDir dir;
  const Gguf file = Gguf::open(testing::golden("gguf/types.gguf"));
  GgufWriter writer;
  writer.add("general.architecture", "test");
  writer.add("a.number", uint32_t{7});
  writer.add("a.float", 0.1f);
  writer.add("a.flag", true);
  writer.add("a.texts", std::vector<std::string>{"one", "", "three"});
  writer.add("a.integers", std::vector<int32_t>{-1, 5});
  writer.add("a.floats", std::vector<float>{0.5f});
  const auto turn = [](int64_t row) { return (row + 1) % 3; };
  writer.add({.name = "f32", .from = file.tensor("source")}, GgmlType::F32);
  writer.add({.name = "turned", .from = file.tensor("source"), .place = turn}, GgmlType::F32);
  writer.add({.name = "f16", .from = file.tensor("F16")}, GgmlType::F16);
  writer.add({.name = "f16 wide", .from = file.tensor("F16"), .place = turn}, GgmlType::F32);
  writer.add({.name = "bf16", .from = file.tensor("BF16")}, GgmlType::BF16);
  writer.add({.name = "q8", .from = file.tensor("source")}, GgmlType::Q8_0);
  writer.add({.name = "q4k", .from = file.tensor("Q4_K")}, GgmlType::F32);
  writer.add({.name = "i32", .from = file.tensor("I32")}, GgmlType::I32);
  writer.add({.name = "f64", .from = file.tensor("F64")}, GgmlType::F64);
  int64_t told = 0;
  writer.write(dir / "x.gguf", [&](int64_t bytes) { told += bytes; });
  CHECK(told == writer.bytes());
  const Gguf read = Gguf::open(dir / "x.gguf");
  CHECK(read.text("general.architecture") == "test");
  CHECK(read.integer("a.number") == 7);
  CHECK(read.number("a.float") == static_cast<double>(0.1f));
  CHECK(read.flag("a.flag") == true);
  CHECK(read.texts("a.texts") == std::vector<std::string_view>{"one", "", "three"});
  CHECK(read.integers("a.integers") == std::vector<int64_t>{-1, 5});
  CHECK(read.numbers("a.floats") == std::vector<double>{0.5});
  const auto same = [&](const char* mine, const char* theirs) {
    const GgufTensor &a = read.tensors().at(mine), &b = file.tensors().at(theirs);
    CAPTURE(mine);
    CHECK(a.type == b.type);
    CHECK(a.dims == b.dims);
    REQUIRE(a.bytes == b.bytes);
    CHECK(std::memcmp(a.data, b.data, static_cast<size_t>(a.bytes)) == 0);
  };
  same("f32", "source");
  same("f16", "F16");
  same("bf16", "BF16");
  same("q8", "Q8_0");
  same("i32", "I32");
  same("f64", "F64");
  CHECK(values_of(read.tensor("q4k")) == values_of(file.tensor("Q4_K")));
  CHECK(values_of(read.tensor("turned")) == values_of(file.tensor("source", turn)));
  CHECK(values_of(read.tensor("f16 wide")) == values_of(file.tensor("F16", turn)));
  for (const auto& [name, tensor] : read.tensors())
    CHECK((tensor.data - read.file()->data()) % 32 == 0);
}

TEST_CASE("a GGUF file that cannot be written is refused, and the older one stays") {
  testing::TempDir dir;
  testing::write_file(dir / "x.gguf", "older");
  const Gguf file = Gguf::open(testing::golden("gguf/types.gguf"));
  std::vector<float> values(32, 1e6f);
  SafeTensor large;
  large.name = "large";
  large.dims = {32};
  large.data = reinterpret_cast<const std::byte*>(values.data());
  large.bytes = 128;
  large.file = file.file();
  const auto refused = [&](SafeTensor tensor, GgmlType type, const std::string& name) {
    try {
      GgufWriter writer;
      writer.add({.name = "once", .from = file.tensor("source")}, GgmlType::F32);
      writer.add({.name = name, .from = std::move(tensor)}, type);
      writer.write(dir / "x.gguf");
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  says(refused(large, GgmlType::F16, "x"),
       "32 values are too large for F16\nhint: another --dtype");
  values[3] = std::numeric_limits<float>::infinity();
  says(refused(large, GgmlType::Q8_0, "x"), "1 values are no finite numbers");
  says(refused(large, GgmlType::Q4_0, "x"), "cannot be written as Q4_0\nhint: F32, F16, BF16 and");
  says(refused(large, GgmlType::F32, "once"), "tensor once: is there twice");
  says(refused(large, GgmlType::F32, std::string(64, 'x')), "its name has 64 bytes");
  says(refused(file.tensor("I32"), GgmlType::F32, "x"), "is I32, and cannot become F32");
  large.dims = {2, 16};
  says(refused(large, GgmlType::Q8_0, "x"), "rows of 16 values, and blocks of Q8_0 have 32");
  CHECK(testing::read_file(dir / "x.gguf") == "older");
}
