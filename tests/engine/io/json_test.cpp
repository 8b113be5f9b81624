#include "engine/io/json.h"

#include <doctest/doctest.h>

#include "tests/support/paths.h"

using namespace engine;

TEST_CASE("fields of every type") {
  const Json j =
      parse_json(R"({"n": 768, "eps": 1e-12, "whole": 2, "on": true, "act": "gelu", "list": [1, 2],
                               "ids": {"0": "no", "1": "yes"}, "none": null})",
                 "config.json");
  CHECK(get<int64_t>(j, "n", "c") == 768);
  CHECK(get<int>(j, "n", "c") == 768);
  CHECK(get<double>(j, "eps", "c") == 1e-12);
  CHECK(get<double>(j, "whole", "c") == 2.0);
  CHECK(get<bool>(j, "on", "c"));
  CHECK(get<std::string>(j, "act", "c") == "gelu");
  CHECK(get<std::vector<int>>(j, "list", "c") == std::vector<int>{1, 2});
  CHECK(get<std::map<std::string, std::string>>(j, "ids", "c").at("1") == "yes");
  CHECK(get<Json>(j, "list", "c").size() == 2);
  CHECK(get_or<int64_t>(j, "absent", 5, "c") == 5);
  CHECK(get_or<int64_t>(j, "none", 5, "c") == 5);
  CHECK(get_or<int64_t>(j, "n", 5, "c") == 768);
  CHECK(get_or<std::string>(j, "absent", "relu", "c") == "relu");
  CHECK(has(j, "n"));
  CHECK_FALSE(has(j, "none"));
  CHECK_FALSE(has(j, "absent"));
  CHECK_FALSE(has(Json(3), "n"));
}

TEST_CASE("a field of the wrong type names file, key, what was expected and what was found") {
  const Json j = parse_json(
      R"({"s": "768", "f": 1.5, "l": [1, "x"], "o": {}, "neg": -1, "big": 3000000000, "b": true,
                               "huge": 18446744073709551615, "none": null})",
      "config.json");
  const std::string w = "bert/config.json";
  CHECK_THROWS_WITH_AS(get<int64_t>(j, "s", w),
                       "bert/config.json: \"s\" should be an integer, found the string \"768\"",
                       Error);
  CHECK_THROWS_WITH_AS(get<int64_t>(j, "f", w),
                       "bert/config.json: \"f\" should be an integer, found the number 1.5", Error);
  CHECK_THROWS_WITH_AS(get<double>(j, "s", w),
                       "bert/config.json: \"s\" should be a number, found the string \"768\"",
                       Error);
  CHECK_THROWS_WITH_AS(get<bool>(j, "neg", w),
                       "bert/config.json: \"neg\" should be true or false, found the number -1",
                       Error);
  CHECK_THROWS_WITH_AS(get<std::string>(j, "o", w),
                       "bert/config.json: \"o\" should be a string, found an object", Error);
  CHECK_THROWS_WITH_AS(get<std::string>(j, "none", w),
                       "bert/config.json: \"none\" should be a string, found null", Error);
  CHECK_THROWS_WITH_AS(get<std::vector<int>>(j, "l", w),
                       "bert/config.json: \"l\"[1] should be an integer, found the string \"x\"",
                       Error);
  CHECK_THROWS_WITH_AS(get<std::vector<int>>(j, "b", w),
                       "bert/config.json: \"b\" should be an array, found true", Error);
  CHECK_THROWS_WITH_AS((get<std::map<std::string, int>>(j, "l", w)),
                       "bert/config.json: \"l\" should be an object, found an array of 2", Error);
  CHECK_THROWS_WITH_AS(
      get<int>(j, "big", w),
      doctest::Contains("an integer of a sensible size, found the number 3000000000"), Error);
  CHECK_THROWS_AS(get<int64_t>(j, "huge", w), Error);
  CHECK(get<uint64_t>(j, "huge", w) == UINT64_MAX);
  CHECK_THROWS_WITH_AS(get<uint64_t>(j, "neg", w),
                       doctest::Contains("an integer that is not negative"), Error);
  CHECK_THROWS_WITH_AS(get_or<int>(j, "s", 1, w), doctest::Contains("should be an integer"), Error);
  CHECK_THROWS_WITH_AS(get<int>(Json::array(), "s", w),
                       "bert/config.json: should be an object, found an array of 0", Error);
}

TEST_CASE("a missing field lists what is there") {
  const Json j = {{"a", 1}, {"b", 2}};
  CHECK_THROWS_WITH_AS(get<int>(j, "hidden_size", "c.json"),
                       "c.json: \"hidden_size\" is missing\nhint: it has: a, b", Error);
  CHECK_THROWS_WITH_AS(get<int>(Json::object(), "x", "c.json"),
                       "c.json: \"x\" is missing\nhint: the object is empty", Error);
}

TEST_CASE("what is not JSON is told with line and column") {
  CHECK_THROWS_WITH_AS(parse_json("{\n  \"a\": 1,\n  \"b\" 2\n}", "c.json"),
                       doctest::Contains("c.json: not valid JSON at line 3, column 7"), Error);
  CHECK_THROWS_WITH_AS(parse_json("", "c.json"), doctest::Contains("hint: it is empty"), Error);
  CHECK_THROWS_WITH_AS(parse_json("{\"a\": 1, \"a\": 2}", "c.json"),
                       "c.json: the key \"a\" is there twice", Error);
  CHECK_THROWS_WITH_AS(parse_json("[1e999]", "c.json"), doctest::Contains("c.json: not valid JSON"),
                       Error);
  CHECK_THROWS_AS(parse_json("{\"a\": NaN}", "c.json"), Error);
  CHECK_THROWS_AS(parse_json("\"\xff\"", "c.json"), Error);
  CHECK_THROWS_WITH_AS(parse_json("{\"b\": {\"\": 1, \"\": 2}}", "c.json"),
                       "c.json: the key \"\" is there twice", Error);
}

TEST_CASE("depth is bounded") {
  const auto nested = [](size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  CHECK_NOTHROW(parse_json(nested(200), "c.json"));
  for (const size_t n : {202, 1000, 1000000})
    CHECK_THROWS_WITH_AS(parse_json(nested(n), "c.json"),
                         doctest::Contains("c.json: the JSON is nested deeper than 200"), Error);
  CHECK_THROWS_AS(parse_json(std::string(1000000, '['), "c.json"), Error);
}

TEST_CASE("a file that cannot be read") {
  const testing::TempDir dir;
  CHECK_THROWS_WITH_AS(json_file(dir / "no.json"),
                       doctest::Contains("no.json: cannot be opened: No such file"), Error);
  CHECK_THROWS_WITH_AS(json_file(dir.path()),
                       doctest::Contains("is a folder, and a plain file is needed"), Error);
  testing::write_file(dir / "c.json", "{\"b\": 1, \"a\": 2}");
  CHECK(json_text(json_file(dir / "c.json")) == "{\"b\":1,\"a\":2}");  // in the order of the file
}

TEST_CASE("text for people: long values are cut between characters") {
  const std::string euro = "\xe2\x82\xac";
  std::string many;
  for (int i = 0; i < 60; ++i) many += euro;
  const std::string found = json_found(Json(many));
  CHECK(found.size() < 90);
  CHECK_NOTHROW(Json(found).dump());  // still UTF-8
}
