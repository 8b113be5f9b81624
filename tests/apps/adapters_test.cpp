// Several adapters on one base: each row is answered by the one it names, as that one alone answers
// it.
#include "run/adapter_set.h"
#include "tests/apps/adapter_runs.h"

namespace fs = std::filesystem;
using adapter_runs::lines_of;
using adapter_runs::predict;
using adapter_runs::Said;
using adapter_runs::train;
using engine::concat;
using testing::contains;

TEST_CASE("each row is answered by the adapter that it names, as that one alone answers it") {
  testing::TempDir temp;
  // Of several kinds: LoRA, trained biases of the base, an adapter with modules of its own.
  const std::vector<std::pair<std::string, fs::path>> runs = {
      {"mood", train(temp, "mood", "lora:r=2", {"good", "bad", "great"})},
      {"topic", train(temp, "topic", "bitfit", {"film", "food"}, "body")},
      {"tone", train(temp, "tone", "adapter:size=4+norm", {"bad", "none"})}};
  const char* texts[] = {"a lovely film", "a dull cold film", "kind people", "great food, rude"};
  std::string table;
  for (size_t i = 0; i < 40; ++i)
    table += engine::json_text({{"id", i},
                                {"text", texts[i % 4]},
                                {"body", texts[i % 4]},
                                {"who", runs[(i + i / 4) % 3].first}}) +
             "\n";
  testing::write_file(temp / "t.jsonl", table);
  std::vector<std::string> arguments = {"--data", (temp / "t.jsonl").string(), "--adapter-column",
                                        "who"};
  for (const auto& [name, folder] : runs) {
    arguments.push_back("--adapter");
    arguments.push_back(concat(name, "=", folder.string()));
  }
  const Said said = predict(arguments);
  REQUIRE_MESSAGE(said.code == 0, said.err);
  const auto rows = lines_of(said.out);
  REQUIRE(rows.size() == 40);
  for (const auto& [name, folder] : runs) {
    const Said alone = predict({folder.string(), (temp / "t.jsonl").string()});
    REQUIRE_MESSAGE(alone.code == 0, alone.err);
    const auto wanted = lines_of(alone.out);
    size_t asked = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      CHECK(rows[i].at("id") == i);
      if (rows[i].at("who") != name) continue;
      ++asked;
      CHECK(rows[i].at("prediction") == wanted[i].at("prediction"));
      CHECK(rows[i].at("probabilities") == wanted[i].at("probabilities"));
    }
    CHECK(asked > 0);
  }

  // In a table every class has its column, which is empty where the adapter has no such class.
  std::vector<std::string> as_table = arguments;
  as_table.insert(as_table.end(), {"--out-format", "csv"});
  std::istringstream csv(predict(as_table).out);
  std::string header, first;
  std::getline(csv, header);
  std::getline(csv, first);
  CHECK(header == "id,text,body,who,prediction,p_good,p_bad,p_great,p_film,p_food,p_none");
  CHECK(first.substr(first.size() - 3) == ",,,");

  testing::write_file(temp / "t.jsonl", table + R"({"text": "a", "body": "a", "who": "moood"})");
  const Said unknown = predict(arguments);
  CHECK(unknown.code == 1);
  CHECK(contains(unknown.err, "t.jsonl:41: 'moood' is no adapter"));
  CHECK(contains(unknown.err, "mood, topic, tone"));
  arguments[3] = "whom";
  CHECK(contains(predict(arguments).err, "has no column named 'whom'"));
  CHECK(contains(
      predict({"--adapter", "a=x", "--adapter", "a=y", "--adapter-column", "who", "--data", "t"})
          .err,
      "two adapters are named 'a'"));
  CHECK(contains(predict({"--adapter", "a=x", "--adapter", "b=y", "--data", "t"}).err,
                 "--adapter-column"));
}

TEST_CASE("the values of the base are in memory once") {
  testing::TempDir temp;
  const fs::path one = train(temp, "one", "lora:r=2", {"x", "y"}),
                 two = train(temp, "two", "lora:r=2,roles=key", {"x", "z", "y"});
  run::AdapterSet set({}, {{"one", one.string()}, {"two", two.string()}});
  int64_t base = 0, own = 0;
  for (size_t i = 0; i < set.size(); ++i)
    for (const engine::Parameter* p : set[i].model().store->all()) {
      const engine::Parameter* other = set[1 - i].model().store->find(p->name);
      if (p->trainable) {
        own += p->held_bytes();
        if (other) CHECK(p->value != other->value);
      } else {
        REQUIRE(other != nullptr);
        CHECK(p->value == other->value);
        if (i == 0) base += p->held_bytes();
      }
    }
  CHECK(own < base / 10);
  // The shared model has an untrained head of its own, as wide as the first adapter's.
  const int64_t head = (2 * 16 + 2) * static_cast<int64_t>(sizeof(engine::Scalar));
  CHECK(set.held_bytes() == base + own + head);
}
