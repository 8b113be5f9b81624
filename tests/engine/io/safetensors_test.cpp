#include "engine/io/safetensors.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "engine/base/error.h"
#include "tests/engine/io/raw_file.h"

using namespace engine;
using namespace testing;

namespace {

std::vector<Scalar> values(const SafeTensor& t) {
  std::vector<Scalar> out(static_cast<size_t>(t.count()));
  t.read(out.data());
  return out;
}

}  // namespace

TEST_CASE("every floating dtype is read") {
  const TempDir dir;
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"d":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},)"
      R"("f":{"dtype":"F32","shape":[1,2],"data_offsets":[16,24]},)"
      R"("h":{"dtype":"F16","shape":[2],"data_offsets":[24,28]},)"
      R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[28,32]}})";
  write_file(dir / "m",
             raw_safetensors(header, bytes_of<double>({1.5, -2}) + bytes_of<float>({3, 0.25}) +
                                         bytes_of<uint16_t>({0x3C00, 0xC000}) +
                                         bytes_of<uint16_t>({0x3F80, 0xC000})));
  const Safetensors file = Safetensors::open(dir / "m");
  CHECK(file.metadata().at("format") == "pt");
  CHECK(file.tensors().size() == 4);
  CHECK(values(file.at("d")) == std::vector<Scalar>{1.5, -2});
  CHECK(values(file.at("f")) == std::vector<Scalar>{3, 0.25});
  CHECK(values(file.at("h")) == std::vector<Scalar>{1, -2});
  CHECK(values(file.at("b")) == std::vector<Scalar>{1, -2});
  CHECK(file.at("f").dims == std::vector<int64_t>{1, 2});
  CHECK(file.find("no") == nullptr);
  CHECK_THROWS_WITH_AS(file.at("no"),
                       doctest::Contains("m: there is no tensor no\nhint: it holds 4"), Error);
  CHECK_THROWS_WITH_AS(file.at("f").read_integers(),
                       doctest::Contains("m: tensor f: is F32; whole numbers are needed here"),
                       Error);
}

TEST_CASE("whole numbers of every width") {
  const TempDir dir;
  const std::string header =
      R"({"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"U64","shape":[1],"data_offsets":[8,16]},)"
      R"("c":{"dtype":"I32","shape":[1],"data_offsets":[16,20]},"d":{"dtype":"U32","shape":[1],"data_offsets":[20,24]},)"
      R"("e":{"dtype":"I16","shape":[1],"data_offsets":[24,26]},"f":{"dtype":"U16","shape":[1],"data_offsets":[26,28]},)"
      R"("g":{"dtype":"I8","shape":[1],"data_offsets":[28,29]},"h":{"dtype":"U8","shape":[1],"data_offsets":[29,30]},)"
      R"("i":{"dtype":"BOOL","shape":[],"data_offsets":[30,31]}})";
  const std::string data =
      bytes_of<int64_t>({-5}) + bytes_of<uint64_t>({UINT64_MAX}) + bytes_of<int32_t>({-7}) +
      bytes_of<uint32_t>({4000000000u}) + bytes_of<int16_t>({-9}) + bytes_of<uint16_t>({60000}) +
      bytes_of<int8_t>({-3}) + bytes_of<uint8_t>({200}) + bytes_of<uint8_t>({1});
  write_file(dir / "m", raw_safetensors(header, data));
  const Safetensors file = Safetensors::open(dir / "m");
  const auto one = [&](const char* name) { return file.at(name).read_integers().at(0); };
  CHECK(one("a") == -5);
  CHECK(one("c") == -7);
  CHECK(one("d") == 4000000000);
  CHECK(one("e") == -9);
  CHECK(one("f") == 60000);
  CHECK(one("g") == -3);
  CHECK(one("h") == 200);
  CHECK(one("i") == 1);  // a scalar: no dims
  CHECK_THROWS_WITH_AS(file.at("b").read_integers(), doctest::Contains("which is too large"),
                       Error);
  Scalar x;
  CHECK_THROWS_WITH_AS(file.at("a").read(&x),
                       doctest::Contains("m: tensor a: is I64; floating-point values"), Error);
}

TEST_CASE("a file of another writer may be unaligned, and is copied then") {
  const TempDir dir;
  for (const std::string pad : {"", " ", "  ", "   "}) {
    const auto width = std::to_string(sizeof(Scalar));
    const std::string dtype = sizeof(Scalar) == 4 ? "F32" : "F64";
    const std::string header = "{\"x\":{\"dtype\":\"" + dtype +
                               "\",\"shape\":[1],\"data_offsets\":[0," + width + "]}}" + pad;
    write_file(dir / "m", raw_safetensors(header, bytes_of<Scalar>({42})));
    const Safetensors file = Safetensors::open(dir / "m");
    CHECK(values(file.at("x")) == std::vector<Scalar>{42});
    const bool aligned = header.size() % sizeof(Scalar) == 0;
    CHECK((file.at("x").as_scalars() != nullptr) == aligned);
  }
}

TEST_CASE("empty tensors and an empty file of tensors") {
  const TempDir dir;
  write_file(dir / "none", raw_safetensors("{}", ""));
  CHECK(Safetensors::open(dir / "none").tensors().empty());
  write_file(
      dir / "empty",
      raw_safetensors(R"({"a":{"dtype":"F32","shape":[0,5],"data_offsets":[0,0]},)"
                      R"("b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                      R"("c":{"dtype":"F32","shape":[4611686018427387,8,0],"data_offsets":[4,4]}})",
                      "abcd"));
  CHECK(Safetensors::open(dir / "empty").at("a").count() == 0);
}

TEST_CASE("what is written is read again, in every dtype and transposed") {
  const TempDir dir;
  const std::vector<Scalar> x{1, -2.5, 3, 0.125, 5, -60};
  write_safetensors(dir / "m",
                    {{"f", {2, 3}, x.data(), DType::F32},
                     {"h", {2, 3}, x.data(), DType::F16},
                     {"b", {2, 3}, x.data(), DType::BF16},
                     {"d", {6}, x.data(), DType::F64},
                     {"t", {3, 2}, x.data(), DType::F32, true}},
                    {{"format", "pt"}, {"note", "a \"quoted\" one"}});
  const Safetensors file = Safetensors::open(dir / "m");
  for (const char* name : {"f", "h", "b", "d"}) CHECK(values(file.at(name)) == x);
  CHECK(file.metadata().at("note") == "a \"quoted\" one");
  // Memory is the (2, 3) matrix {{1, -2.5, 3}, {.125, 5, -60}}, the file its transpose.
  CHECK(file.at("t").dims == std::vector<int64_t>{3, 2});
  CHECK(values(file.at("t")) == std::vector<Scalar>{1, 0.125, -2.5, 5, 3, -60});
  std::vector<Scalar> back(6);
  file.at("t").read_transposed(back.data());
  CHECK(back == x);
  CHECK_THROWS_WITH_AS(file.at("d").read_transposed(back.data()),
                       doctest::Contains("has the shape [6] and cannot be transposed"), Error);
}

TEST_CASE("a transpose larger than a tile") {
  const TempDir dir;
  const int64_t rows = 130, cols = 67;
  std::vector<Scalar> x(static_cast<size_t>(rows * cols)), back(x.size());
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<Scalar>(i);
  write_safetensors(dir / "m", {{"t", {cols, rows}, x.data(), DType::F32, true}}, {});
  const Safetensors file = Safetensors::open(dir / "m");
  CHECK(values(file.at("t"))[1] == x[static_cast<size_t>(cols)]);
  file.at("t").read_transposed(back.data());
  CHECK(back == x);
}

TEST_CASE("the bytes are those of Hugging Face's library") {
  // Written by the Python package (tools/goldens); read and written again, whatever order we hand
  // the tensors over in.
  for (const char* model : {"bert", "roberta", "electra", "distilbert"}) {
    const auto path = golden("models") / model / "model.safetensors";
    const TempDir dir;
    const Safetensors file = Safetensors::open(path);
    std::vector<std::vector<Scalar>> data;
    std::vector<TensorToSave> tensors;
    for (const auto& [name, tensor] : file.tensors()) {
      data.push_back(values(tensor));
      tensors.push_back({name, tensor.dims, data.back().data(), tensor.dtype});
    }
    std::reverse(tensors.begin(), tensors.end());
    write_safetensors(dir / "again", tensors, file.metadata());
    CHECK(read_file(dir / "again") == read_file(path));
  }
}

TEST_CASE("wide dtypes come first, then names; the header is padded to 8 bytes") {
  const TempDir dir;
  const Scalar x = 1;
  write_safetensors(dir / "m",
                    {{"b", {1}, &x, DType::F16},
                     {"z", {1}, &x, DType::F32},
                     {"a", {1}, &x, DType::F32},
                     {"c", {1}, &x, DType::F64}},
                    {});
  const std::string bytes = read_file(dir / "m");
  uint64_t length;
  std::memcpy(&length, bytes.data(), 8);
  CHECK(length % 8 == 0);
  const std::string expected =
      R"({"c":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},)"
      R"("z":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},"b":{"dtype":"F16","shape":[1],"data_offsets":[16,18]}})";
  CHECK(bytes.substr(8, expected.size()) == expected);
  CHECK(bytes.substr(8 + expected.size(), length - expected.size()).find_first_not_of(' ') ==
        std::string::npos);
}

TEST_CASE("what cannot be written is refused before the file is touched") {
  const TempDir dir;
  write_file(dir / "m", "old");
  const Scalar x = 1;
  const auto write = [&](std::vector<TensorToSave> tensors) {
    write_safetensors(dir / "m", std::move(tensors), {});
  };
  CHECK_THROWS_WITH_AS(write({{"a", {1}, &x}, {"a", {1}, &x, DType::F16}}),
                       doctest::Contains("m: two tensors are named a"), Error);
  CHECK_THROWS_WITH_AS(write({{"a", {1}, nullptr}}),
                       doctest::Contains("m: tensor a has no values to write"), Error);
  CHECK_THROWS_WITH_AS(write({{"a", {1}, &x, DType::F32, true}}),
                       doctest::Contains("m: tensor a [1] cannot be transposed"), Error);
  CHECK_THROWS_WITH_AS(write({{"a", {1}, &x, DType::I64}}),
                       doctest::Contains("tensor a cannot be written as I64"), Error);
  CHECK_THROWS_WITH_AS(write({{"__metadata__", {1}, &x}}),
                       doctest::Contains("cannot be named __metadata__"), Error);
  CHECK(read_file(dir / "m") == "old");
}

TEST_CASE("F16 overflows to infinity as in torch") {
  const TempDir dir;
  const Scalar x = 1e6;
  write_safetensors(dir / "m", {{"a", {1}, &x, DType::F16}}, {});
  CHECK(values(Safetensors::open(dir / "m").at("a"))[0] == std::numeric_limits<Scalar>::infinity());
}
