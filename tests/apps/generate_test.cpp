// peft generate and peft inspect logits on tiny decoders, against transformers and PEFT
// (tests/golden/decoders) where they have the value.
#include <doctest/doctest.h>

#include "apps/common/main_guard.h"
#include "apps/generate/resumable.h"
#include "engine/io/json.h"
#include "tests/apps/generate_calls.h"
#include "tests/support/errors.h"
#include "tests/support/paths.h"

using apps_calls::call;
using apps_calls::generate;
using apps_calls::logits;
using apps_calls::Output;
using engine::Json;
namespace fs = std::filesystem;

namespace {

using Ids = std::vector<int32_t>;

const std::vector<std::string> kNames = {"gpt2",       "gpt2-scaled", "llama", "llama3",
                                         "llama-yarn", "mistral",     "qwen2", "qwen3"};

fs::path golden_folder(const std::string& name) { return testing::golden("decoders/" + name); }
Json golden_json(const std::string& name) {
  return engine::json_file(golden_folder(name) / "golden.json");
}

// The golden model with a tokenizer in which the word "t20" has the id 20.
void copy_model(const std::string& name, const fs::path& folder) {
  fs::copy(golden_folder(name), folder, fs::copy_options::recursive);
  Json vocabulary = Json::object();
  for (int id = 0; id < 101; ++id) vocabulary["t" + std::to_string(id)] = id;
  const Json tokenizer = {
      {"version", "1.0"},
      {"added_tokens", Json::array()},
      {"normalizer", nullptr},
      {"pre_tokenizer", {{"type", "WhitespaceSplit"}}},
      {"post_processor", nullptr},
      {"decoder", nullptr},
      {"model", {{"type", "WordLevel"}, {"vocab", vocabulary}, {"unk_token", "t0"}}}};
  testing::write_file(folder / "tokenizer.json", tokenizer.dump());
}

std::string words(const Json& ids) {
  std::string text;
  for (const Json& id : ids) text += (text.empty() ? "t" : " t") + std::to_string(id.get<int>());
  return text;
}

std::string refused(const std::vector<std::string>& arguments, const std::string& in = "") {
  return testing::message_of([&] { generate(arguments, in); });
}

std::string prompt_lines(const Json& golden) {
  std::string lines;
  for (const Json& ids : golden["prompts"]) lines += words(ids) + "\n";
  return lines;
}

void check_ids(const Output& output, const Json& wanted) {
  const auto lines = output.lines();
  REQUIRE(lines.size() == wanted.size());
  for (size_t p = 0; p < lines.size(); ++p) {
    const Json& ids = wanted[p].is_array() ? wanted[p] : wanted[p]["ids"];
    CHECK(lines[p]["ids"] == ids);
    CHECK(lines[p]["text"] == words(ids));
  }
}

const std::vector<std::string> kBeams = {"--num_beams",
                                         "4",
                                         "--length_penalty",
                                         "0.8",
                                         "--no_repeat_ngram_size",
                                         "4",
                                         "--max-new-tokens",
                                         "16",
                                         "--json"};

std::vector<std::string> with(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

TEST_CASE("generate writes the ids of transformers for a file of prompts") {
  for (const auto& name : kNames) {
    CAPTURE(name);
    const testing::TempDir dir;
    copy_model(name, dir.path());
    const Json golden = golden_json(name);
    testing::write_file(dir / "prompts.txt", prompt_lines(golden));
    const std::vector<std::string> model = {"--model", dir.path().string(), "--prompts",
                                            (dir / "prompts.txt").string()};
    check_ids(generate(with(model, {"--greedy", "--max-new-tokens", "12", "--eos-token-id", "none",
                                    "--json"})),
              golden["greedy"]);
    check_ids(generate(with(with(model, kBeams), {"--eos-token-id", "none"})),
              golden["beams_no_end"]);
    const std::string ends = std::to_string(golden["end"][0].get<int>()) + "," +
                             std::to_string(golden["end"][1].get<int>());
    check_ids(generate(with(with(model, kBeams), {"--eos_token_id", ends})), golden["beams"]);
  }
}

TEST_CASE("generation_config.json is read, and flags stand above it") {
  const testing::TempDir dir;
  copy_model("llama", dir.path());
  const Json golden = golden_json("llama");
  const std::string lines = prompt_lines(golden);
  Json config = engine::json_file(dir / "generation_config.json");
  config["num_beams"] = 4;
  config["length_penalty"] = 0.8;
  config["no_repeat_ngram_size"] = 4;
  config["max_new_tokens"] = 16;
  config["eos_token_id"] = golden["end"];
  testing::write_file(dir / "generation_config.json", config.dump());
  const std::vector<std::string> model = {"--model", dir.path().string(), "--prompts", "-",
                                          "--json"};
  check_ids(generate(model, lines), golden["beams"]);
  config["do_sample"] = true;
  config["num_beams"] = 1;
  config["no_repeat_ngram_size"] = 0;
  testing::write_file(dir / "generation_config.json", config.dump());
  check_ids(generate(with(model, {"--greedy", "--max-new-tokens", "12", "--eos-token-id", "none"}),
                     lines),
            golden["greedy"]);
  // Given beams ask for no sampling, and a total length takes the place of a number of new ids.
  const auto beams =
      generate(with(model, {"--num-beams", "2", "--max-length", "30"}), lines).lines();
  CHECK(beams[2]["ids"].size() == 1);
  config["typical_p"] = 0.5;
  testing::write_file(dir / "generation_config.json", config.dump());
  CHECK(testing::contains(refused(model, lines), "typical_p"));
  config.erase("typical_p");
  config["temperature"] = "hot";
  testing::write_file(dir / "generation_config.json", config.dump());
  CHECK(testing::contains(refused(model, lines), "temperature"));
}

TEST_CASE("logprob is the sum of what inspect logits says of the new ids, adapters included") {
  for (const std::string adapter : {"", "lora", "prefix"}) {
    CAPTURE(adapter);
    const testing::TempDir dir;
    copy_model("qwen3", dir.path());
    const Json golden = golden_json("qwen3");
    std::vector<std::string> model = {"--model", dir.path().string()};
    if (!adapter.empty()) model = with(model, {"--adapter", (dir / adapter).string()});
    const auto written = generate(with(model, {"--prompts", "-", "--max-new-tokens", "6",
                                               "--greedy", "--json", "--eos-token-id", "none"}),
                                  prompt_lines(golden))
                             .lines();
    std::string texts;
    for (size_t p = 0; p < written.size(); ++p)
      texts += words(golden["prompts"][p]) + " " + words(written[p]["ids"]) + "\n";
    const auto read = logits(with(model, {"--json"}), texts).lines();
    for (size_t p = 0; p < written.size(); ++p) {
      const Json& nll = read[p]["nll"];
      const size_t prompt = golden["prompts"][p].size();
      REQUIRE(nll.size() == prompt + 5);
      double sum = 0;
      for (size_t i = prompt - 1; i < nll.size(); ++i) sum += nll[i].get<double>();
      CHECK(written[p]["logprob"].get<double>() == doctest::Approx(-sum).epsilon(1e-5));
    }
  }
}

TEST_CASE("inspect logits of a causal model: ids, nll and last logits of transformers and PEFT") {
  for (const auto& name : kNames)
    for (const std::string adapter : {"", "lora", "prefix"}) {
      CAPTURE(name);
      CAPTURE(adapter);
      const testing::TempDir dir;
      copy_model(name, dir.path());
      const Json golden = golden_json(name);
      const Json& wanted = adapter.empty() ? golden : golden["adapters"][adapter];
      std::vector<std::string> arguments = {"--model", dir.path().string(), "--json"};
      if (!adapter.empty()) arguments = with(arguments, {"--adapter", (dir / adapter).string()});
      const auto lines = logits(arguments, prompt_lines(golden)).lines();
      REQUIRE(lines.size() == golden["prompts"].size());
      for (size_t p = 0; p < lines.size(); ++p) {
        CHECK(lines[p]["ids"] == golden["prompts"][p]);
        REQUIRE(lines[p]["nll"].size() == wanted["nll"][p].size());
        for (size_t i = 0; i < wanted["nll"][p].size(); ++i)
          CHECK(std::abs(lines[p]["nll"][i].get<double>() - wanted["nll"][p][i].get<double>()) <
                2e-5);
        double worst = 0, size = 0;
        for (size_t c = 0; c < wanted["last_logits"][p].size(); ++c) {
          const double value = wanted["last_logits"][p][c].get<double>();
          worst = std::max(worst, std::abs(lines[p]["logits"][c].get<double>() - value));
          size = std::max(size, std::abs(value));
        }
        CHECK(worst < 1e-5 * size);
      }
    }
}

TEST_CASE(
    "a stop string ends a text, a minimal length keeps end ids away, and ids are suppressed") {
  const testing::TempDir dir;
  copy_model("gpt2", dir.path());
  const Json golden = golden_json("gpt2");
  const Json greedy = golden["greedy"][0];
  const std::vector<std::string> model = {
      "--model",  dir.path().string(), "--prompt", words(golden["prompts"][0]),
      "--greedy", "--max-new-tokens",  "12",       "--json"};
  const std::string third = "t" + std::to_string(greedy[2].get<int>());
  Json line =
      generate(with(model, {"--stop-strings", "nowhere", "--stop-strings", third})).lines()[0];
  CHECK(line["ended"] == true);
  CHECK(testing::contains(line["text"], third));
  CHECK(line["ids"].size() <= 3);
  line = generate(with(model, {"--eos-token-id", third.substr(1), "--min-new-tokens", "5"}))
             .lines()[0];
  CHECK(line["ids"].size() >= 5);
  line = generate(with(model, {"--suppress-tokens", third.substr(1), "--eos-token-id", "none"}))
             .lines()[0];
  for (const Json& id : line["ids"]) CHECK(id != greedy[2]);
}

TEST_CASE("sampling is a function of the seed and does not depend on what is computed beside it") {
  const testing::TempDir dir;
  copy_model("llama", dir.path());
  const std::string lines = prompt_lines(golden_json("llama"));
  const auto sampled = [&](const std::vector<std::string>& more) {
    const Output output = generate(
        with({"--model", dir.path().string(), "--prompts", "-", "--json", "--temperature", "0.9",
              "--top-k", "20", "--top-p", "0.95", "--min-p", "0.01", "--max-new-tokens", "8"},
             more),
        lines);
    Json ids = Json::array();
    for (const Json& line : output.lines()) ids.push_back(line["ids"]);
    return ids;
  };
  const Json first = sampled({"--seed", "3"});
  CHECK(sampled({"--seed", "3", "--batch-size", "1"}) == first);
  CHECK(sampled({"--seed", "4"}) != first);
}

TEST_CASE("without --json a prompt's text is streamed, and several have a line each") {
  const testing::TempDir dir;
  copy_model("llama", dir.path());
  const Json golden = golden_json("llama");
  const std::vector<std::string> model = {
      "--model", dir.path().string(), "--greedy", "--max-new-tokens",
      "12",      "--eos-token-id",    "none"};
  CHECK(generate(with(model, {"--prompt", words(golden["prompts"][0])})).out ==
        words(golden["greedy"][0]) + "\n");
  std::string wanted;
  for (const Json& ids : golden["greedy"]) wanted += words(ids) + "\n";
  CHECK(generate(with(model, {"--prompts", "-"}), prompt_lines(golden)).out == wanted);
  std::string jsonl;
  for (const Json& ids : golden["prompts"]) jsonl += Json{{"prompt", words(ids)}}.dump() + "\n";
  const std::string file = (dir / "out.txt").string();
  CHECK(generate(with(model, {"--prompts", "-", "--out", file}), jsonl).out.empty());
  CHECK(testing::read_file(file) == wanted);
}

TEST_CASE(
    "a chat: in the terminal, as a prompt, and as messages of which the last answer is left out") {
  const testing::TempDir dir;
  copy_model("llama", dir.path());
  const std::vector<std::string> model = {"--model", dir.path().string(), "--chat-format",
                                          "chatml",  "--greedy",          "--max-new-tokens",
                                          "5",       "--eos-token-id",    "none"};
  const Json said = generate(with(model, {"--chat", "--prompt", "t5 t6", "--json"})).lines()[0];
  CHECK(said["messages"] == Json{{{"role", "user"}, {"content", "t5 t6"}}});
  Json row = {{"messages", said["messages"]}};
  row["messages"].push_back({{"role", "assistant"}, {"content", "t9"}});
  const auto from_file = generate(with(model, {"--prompts", "-", "--json"}), row.dump() + "\n");
  CHECK(from_file.lines()[0]["ids"] == said["ids"]);
  const auto typed = call(apps::generate_command, model, "t5 t6\n/new\n\nt5 t6\n/quit\nt7\n", true);
  const std::string answer = said["text"].get<std::string>() + "\n";
  CHECK(typed.out == answer + answer);
  // With a system message it is another chat.
  const Json other =
      generate(with(model, {"--chat", "--prompt", "t5 t6", "--system", "t9", "--json"})).lines()[0];
  CHECK(other["messages"].size() == 2);
  CHECK(testing::contains(refused({"--model", dir.path().string(), "--chat", "--prompt", "t5"}),
                          "--chat-format"));
  row["messages"][0]["role"] = "narrator";
  CHECK(testing::contains(refused(with(model, {"--prompts", "-"}), row.dump() + "\n"), "narrator"));
}

TEST_CASE("generate refuses what it cannot do and says what to give") {
  const testing::TempDir dir, other;
  copy_model("llama", dir.path());
  copy_model("gpt2", other.path());
  const std::vector<std::string> model = {"--model", dir.path().string()};
  std::string long_prompt;
  for (int i = 0; i < 70; ++i) long_prompt += "t5 ";
  CHECK(testing::contains(refused(with(model, {"--prompt", long_prompt})), "64 positions"));
  CHECK(testing::contains(refused(with(model, {"--prompt", "t5 t6", "--max-new-tokens", "63"})),
                          "--max-new-tokens 62"));
  CHECK(testing::contains(refused(with(model, {"--prompt", ""})), "empty"));
  CHECK(testing::contains(refused(with(model, {"--prompts", "-"}), "t5\n\nt6\n"),
                          "prompt 2 is empty"));
  CHECK(testing::contains(
      refused(with(model, {"--prompt", "t5", "--adapter", (other / "lora").string()})),
      "does not fit this model"));
  CHECK(testing::contains(
      refused(with(model, {"--prompt", "t5", "--greedy", "--temperature", "2"})), "two ways"));
  CHECK(testing::contains(
      refused(with(model, {"--prompt", "t5", "--num-beams", "2", "--top-p", "0.5"})),
      "beams do not sample"));
  CHECK(testing::contains(refused(model), "which prompt"));
  CHECK(testing::contains(
      refused({"--model", "random:layers=1,hidden=8,heads=2,vocab=9000,positions=16", "--prompt",
               "t5"}),
      "causal"));
}

TEST_CASE("the tables of a split are prompts, in their order, and equal ones are written alike") {
  const testing::TempDir dir;
  copy_model("llama", dir / "model");
  testing::write_file(dir / "test.jsonl", R"({"mr": "name[t5], food[t7]", "references": ["t9"]})"
                                          "\n"
                                          R"({"mr": "name[t6]", "references": ["t9"]})"
                                          "\n"
                                          R"({"mr": "name[t5], food[t7]", "references": ["t8"]})"
                                          "\n");
  const std::vector<std::string> how = {
      "--model", (dir / "model").string(), "--greedy", "--max-new-tokens", "4", "--json"};
  const auto tables = generate(with(how, {"--task", "e2e", "--data", dir.path().string()})).lines();
  REQUIRE(tables.size() == 3);
  CHECK(tables[0]["prompt"] == "name : t5 | food : t7");
  CHECK(tables[1]["prompt"] == "name : t6");
  CHECK(tables[0] == tables[2]);
  for (const Json& line : tables) {  // as each by itself
    const auto alone = generate(with(how, {"--prompt", line["prompt"]})).lines();
    CHECK(alone[0]["ids"] == line["ids"]);
  }
  CHECK(testing::contains(refused(with(how, {"--task", "e2e"})), "--data DIR"));
  CHECK(testing::contains(
      refused(with(how, {"--task", "e2e", "--data", dir.path().string(), "--split", "dev"})),
      "devset.csv"));
}

TEST_CASE("lines that were written before an interruption are kept, those of another job are not") {
  const testing::TempDir dir;
  const std::string file = (dir / "texts.txt").string();
  const auto begin = [&](const std::string& key) { return apps::ResumableLines(file, key); };
  begin("a").stream() << "one\ntwo\nthr" << std::flush;
  CHECK_FALSE(fs::exists(file));
  {
    auto lines = begin("a");
    CHECK(lines.done() == 2);
    lines.stream() << "three\n";
    lines.finish();
  }
  CHECK(testing::read_file(file) == "one\ntwo\nthree\n");
  begin("a").stream() << "four\n" << std::flush;
  CHECK(begin("b").done() == 0);
  CHECK(testing::read_file(file) == "one\ntwo\nthree\n");  // until the next job is finished
}

TEST_CASE("a preset says how texts are written, below what is given") {
  const testing::TempDir dir;
  copy_model("llama", dir / "model");
  const std::vector<std::string> how = {
      "--model", (dir / "model").string(), "--prompt", "t5 t6", "--max-new-tokens", "5", "--json"};
  const auto preset = generate(with(how, {"--preset", "lora-e2e"}));
  CHECK(testing::contains(preset.notes, "preset    lora-e2e"));
  CHECK(testing::contains(preset.notes, "--num-beams 10"));
  CHECK(testing::contains(preset.notes, "given instead: --max-new-tokens 5"));
  CHECK(preset.lines() == generate(with(how, {"--num-beams", "10", "--length-penalty", "0.9",
                                              "--no-repeat-ngram-size", "4"}))
                              .lines());
  CHECK(generate(with(how, {"--preset", "lora-e2e", "--greedy"})).lines() ==
        generate(with(how, {"--greedy", "--length-penalty", "0.9", "--no-repeat-ngram-size", "4"}))
            .lines());
  CHECK(testing::contains(refused(with(how, {"--preset", "lora-sst2"})), "nothing of writing"));
  CHECK(testing::contains(refused(with(how, {"--preset", "lora"})), "known: lora-e2e"));
}
