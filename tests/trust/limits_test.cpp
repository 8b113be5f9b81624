// Inputs that are deep, long or many, wherever they are read: a message or an answer. Work that
// grows with the square of such an input outlasts the test's time limit.
#include "engine/io/json.h"
#include "tests/trust/program.h"

using namespace trust;
using testing::read_file;
using testing::TempDir;
using testing::write_file;

namespace {

std::string times(size_t n, const std::string& text) {
  std::string all;
  all.reserve(n * text.size());
  for (size_t i = 0; i < n; ++i) all += text;
  return all;
}

// A header of safetensors, its length before it.
std::string tensors(const std::string& header) {
  std::string bytes(8, '\0');
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(header.size() >> (8 * i));
  return bytes + header;
}

}  // namespace

TEST_CASE("limits: nesting in headers, indices, lines of metrics and tables") {
  const TempDir dir;
  const fs::path model = model_folder(dir);
  const std::string m = model.string(), deep = times(100000, "[");
  write_file(dir / "t.csv", reviews());
  works(finetune(dir, dir / "t.csv", "r", {"--strategy", "full"}));
  const std::string weights = read_file(model / "model.safetensors");
  write_file(model / "model.safetensors", tensors("{\"a\":" + deep + "}"));
  refuses({"inspect", "logits", "--model", m, "tea"}, {"model.safetensors"});
  fs::remove(model / "model.safetensors");
  write_file(model / "model.safetensors.index.json", "{\"weight_map\":" + deep);
  refuses({"inspect", "logits", "--model", m, "tea"}, {"model.safetensors.index.json"});
  fs::remove(model / "model.safetensors.index.json");
  write_file(model / "pytorch_model.bin", "\x80\x02" + times(200000, "]") + ".");
  refuses({"inspect", "logits", "--model", m, "tea"}, {"pytorch_model.bin"});
  fs::remove(model / "pytorch_model.bin");
  write_file(model / "model.safetensors", weights);
  // A line of metrics is left out of a report, and stops a run that reads it again.
  write_file(dir / "r" / "metrics.jsonl", "{\"step\":" + deep + "\n");
  const Outcome report =
      peft({"compare", (dir / "r").string(), "--html", (dir / "p.html").string()});
  CHECK(report.code >= 0);
  refuses(finetune(dir, dir / "t.csv", "r", {"--strategy", "full", "--resume"}), {"metrics.jsonl"});
  // XML and a chat.
  write_file(dir / "w.xml", times(100000, "<a>") + times(100000, "</a>"));
  refuses({"finetune", "--task", "webnlg", "--train", (dir / "w.xml").string(), "--model",
           "random:type=gpt2,layers=1,hidden=32", "--tokenizer", tokenizer(dir).string(), "--out",
           (dir / "x").string()},
          {"w.xml"});
  write_file(dir / "c.jsonl", "{\"messages\":" + times(5000, "[") + times(5000, "]") + "}\n");
  refuses({"finetune", "--task", "lm", "--train", (dir / "c.jsonl").string(), "--model",
           "random:type=gpt2,layers=1,hidden=32", "--tokenizer", tokenizer(dir).string(), "--out",
           (dir / "y").string()},
          {"c.jsonl:1"});
}

TEST_CASE("limits: regular expressions of files are as safe as those of flags") {
  const TempDir dir;
  fs::create_directories(dir / "t");
  const auto split = [&](const std::string& pattern, const std::string& text) {
    const engine::Json part = {{"type", "Split"},
                               {"pattern", {{"Regex", pattern}}},
                               {"behavior", "Isolated"},
                               {"invert", false}};
    const engine::Json all = {
        {"model",
         {{"type", "WordLevel"}, {"unk_token", "[UNK]"}, {"vocab", {{"[UNK]", 0}, {"aaaa", 1}}}}},
        {"pre_tokenizer", part}};
    write_file(dir / "t" / "tokenizer.json", engine::json_text(all));
    return Words{"inspect", "tokens", "--model", (dir / "t").string(), text};
  };
  works(split("[a-z]+", "aaaa b"));
  works(split("(a+)+$", std::string(20000, 'a') + "b"));
  refuses(split("(?<=a)b", "ab"), {"tokenizer.json", "look-around"});
  refuses(split("(a)\\1", "aa"), {"tokenizer.json"});
  refuses(split("a{1,1000}{1,1000}{1,1000}", "a"), {"tokenizer.json"});
  refuses(split(times(5000, "(") + times(5000, ")"), "a"), {"tokenizer.json"});
  // PEFT's rank_pattern and target_modules.
  const fs::path model = model_folder(dir);
  write_file(dir / "d.csv", reviews());
  works(finetune(dir, dir / "d.csv", "r", {"--model", model.string(), "--strategy", "lora:r=2"}));
  const fs::path config = dir / "r" / "adapter" / "adapter_config.json";
  const engine::Json whole = engine::json_file(config);
  const auto with = [&](const char* key, const engine::Json& value, const std::string& says) {
    engine::Json changed = whole;
    changed[key] = value;
    write_file(config, engine::json_text(changed));
    refuses({"merge", "--adapter", (dir / "r" / "adapter").string(), "--model", model.string(),
             "--out", (dir / "m").string()},
            {"adapter_config.json", says});
  };
  with("rank_pattern", {{"(?!x)query", 2}}, "look-around");
  with("alpha_pattern", {{"(query{1,1000}){1,1000}", 2}}, "regular expression");
}

TEST_CASE("limits: a word of many megabytes, in a corpus and in a text") {
  const TempDir dir;
  const std::string word = times(600'000, "teahotcold");  // 6 MB
  write_file(dir / "corpus.txt", word + "\nthe tea was good\n");
  for (const char* type : {"wordpiece", "bpe"}) {
    CAPTURE(type);
    works({"tokenizer", "--type", type, "--vocab-size", "300", "--out", (dir / type).string(),
           (dir / "corpus.txt").string()});
    const Outcome o = peft({"inspect", "tokens", "--model", (dir / type).string()},
                           {.input = word.substr(0, 1'000'000) + "\n"});
    CHECK(o.code >= 0);
  }
  write_file(dir / "t.csv", reviews() + word.substr(0, 2'000'000) + ",good\n");
  works(finetune(dir, dir / "t.csv", "r"));
}

TEST_CASE("limits: metrics of many megabytes, and many runs, in a report") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews());
  works(finetune(dir, dir / "t.csv", "r"));
  std::string lines;
  for (int step = 1; lines.size() < 40'000'000; ++step)
    lines += "{\"step\":" + std::to_string(step) + ",\"loss\":0.5,\"lr\":0.001,\"grad_norm\":1.0," +
             "\"epoch\":0,\"tokens\":" + std::to_string(step * 8) + ",\"seconds\":0.5}\n";
  write_file(dir / "r" / "metrics.jsonl", lines);
  works({"compare", (dir / "r").string(), "--html", (dir / "p.html").string()});
  CHECK(fs::file_size(dir / "p.html") < 3'000'000);  // a curve is thinned out, not copied
}
