// Tokenizer files: read whole or refused by name, handed on byte for byte, never overwritten.
#include <sys/resource.h>

#include <map>

#include "engine/io/json.h"
#include "tests/trust/program.h"

using namespace trust;
using testing::read_file;
using testing::TempDir;
using testing::write_file;

namespace {

// Every file of a tokenizer, spelled as no program of ours would.
std::map<std::string, std::string> odd_files() {
  return {
      {"tokenizer_config.json",
       "{\"tokenizer_class\" :\"BertTokenizer\",\n\n\t\"do_lower_case\":true, "
       "\"model_max_length\": 1000000000000000019884624838656,\"my_note\": \"kept\"}"},
      {"special_tokens_map.json",
       "{ \"additional_special_tokens\": [\"[URL]\"],   \"cls_token\": {\"content\": \"[CLS]\","
       " \"lstrip\": false, \"rstrip\": false, \"single_word\": false, \"normalized\": false}}\n"},
      {"added_tokens.json", "{\"[URL]\" : 23, \"<user>\":24 }"}};
}

}  // namespace

TEST_CASE("tokenizer: merge hands its files on byte for byte") {
  const TempDir dir;
  const fs::path model = model_folder(dir);
  write_file(dir / "t.csv", reviews());
  auto files = odd_files();
  files["vocab.txt"] = read_file(tokenizer(dir) / "vocab.txt");
  fs::create_directories(dir / "odd");
  for (const auto& [name, bytes] : files) write_file(dir / "odd" / name, bytes);
  works({"finetune", "--train", (dir / "t.csv").string(), "--dev", (dir / "t.csv").string(),
         "--model", "random:layers=1,hidden=32", "--tokenizer", (dir / "odd").string(),
         "--strategy", "full", "--max-steps", "1", "--out", (dir / "r").string()});
  works({"merge", "--adapter", (dir / "r").string(), "--out", (dir / "m").string()});
  for (const auto& [name, bytes] : files) {
    const auto& this_name = name;
    CAPTURE(this_name);
    CHECK(read_file(dir / "m" / name) == bytes);
  }
  const Words text = {"see [URL] and <user> the tea"};
  const auto tokens = [&](const fs::path& folder) {
    return works({"inspect", "tokens", "--model", folder.string(), "--json", text[0]}).out;
  };
  CHECK(tokens(dir / "odd").find("[URL]") != std::string::npos);
  CHECK(tokens(dir / "odd") == tokens(dir / "m"));
}

TEST_CASE("tokenizer: a class of another kind is refused by its name") {
  const TempDir dir;
  for (const char* name : {"BertJapaneseTokenizer", "HerbertTokenizer", "PhobertTokenizer",
                           "XLMTokenizer", "MadeUpTokenizerFast"}) {
    const fs::path folder = dir / name;
    fs::create_directories(folder);
    fs::copy_file(tokenizer(dir) / "vocab.txt", folder / "vocab.txt");
    write_file(folder / "tokenizer_config.json",
               std::string("{\"tokenizer_class\": \"") + name + "\"}");
    std::string kind = name;
    if (kind.ends_with("Fast")) kind.resize(kind.size() - 4);
    if (kind.ends_with("Tokenizer")) kind.resize(kind.size() - 9);
    refuses({"inspect", "tokens", "--model", folder.string(), "tea"}, {folder.string(), kind});
  }
}

TEST_CASE("tokenizer: ids that are no whole numbers, twice, or far outside") {
  const TempDir dir;
  fs::create_directories(dir / "t");
  const auto with = [&](const std::string& vocab) {
    write_file(dir / "t" / "tokenizer.json",
               "{\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"vocab\":" + vocab +
                   "},\"pre_tokenizer\":{\"type\":\"Whitespace\"}}");
    return Words{"inspect", "tokens", "--model", (dir / "t").string(), "tea"};
  };
  works(with("{\"[UNK]\":0,\"tea\":1}"));
  refuses(with("{\"[UNK]\":0,\"tea\":1.5}"), {"tokenizer.json", "tea", "1.5"});
  refuses(with("{\"[UNK]\":0,\"tea\":\"1\"}"), {"tokenizer.json", "tea"});
  refuses(with("{\"[UNK]\":0,\"tea\":-1}"), {"tokenizer.json", "tea", "-1"});
  refuses(with("{\"[UNK]\":0,\"tea\":0}"), {"tokenizer.json", "twice"});
  refuses(with("{\"[UNK]\":0,\"tea\":16000000}"), {"tokenizer.json", "16000000"});
  refuses(with("{\"[UNK]\":0,\"tea\":99999999999999999999}"), {"tokenizer.json", "tea"});
  refuses(with("{\"[UNK]\":0,\"tea\":1,\"tea\":2}"), {"tokenizer.json", "twice"});
}

TEST_CASE("tokenizer: a vocabulary is never overwritten") {
  const TempDir dir;
  write_file(dir / "text.txt", "the tea was good\n\nthe film was bad\n");
  for (const char* held : {"vocab.txt", "tokenizer.json", "merges.txt", "spiece.model"}) {
    const fs::path folder = dir / held;
    fs::create_directories(folder);
    write_file(folder / held, "precious");
    refuses(
        {"tokenizer", "--vocab-size", "60", "--out", folder.string(), (dir / "text.txt").string()},
        {folder.string(), held, "never overwritten"});
    CHECK(read_file(folder / held) == "precious");
    CHECK(std::distance(fs::directory_iterator(folder), {}) == 1);
  }
  // Not even read is the text then.
  refuses({"tokenizer", "--out", (dir / "vocab.txt").string(), "no/such/file"},
          {"never overwritten"});
  works({"tokenizer", "--vocab-size", "60", "--out", (dir / "new").string(),
         (dir / "text.txt").string()});
}

TEST_CASE(
    "tokenizer: a full disk leaves no half of one, and a folder that holds a model is not written "
    "to") {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "word" + std::to_string(i * 7919) + " tea\n";
  write_file(dir / "text.txt", text);
  const RunOptions small{.in_child = [] {
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }};
  refuses({"tokenizer", "--vocab-size", "2000", "--out", (dir / "new").string(),
           (dir / "text.txt").string()},
          {"File too large"}, small);
  for (const auto& entry : fs::recursive_directory_iterator(dir / "new"))
    CHECK(entry.path().filename().string().find("vocab") == std::string::npos);
  // merge writes a vocabulary as well.
  const fs::path model = model_folder(dir);
  for (const char* name : {"vocab.txt", "tokenizer.json", "config.json", "model.safetensors"}) {
    const fs::path folder = dir / (std::string("held-") + name);
    fs::create_directories(folder);
    write_file(folder / name, "precious");
    refuses({"merge", "--adapter", (dir / "model-run").string(), "--out", folder.string()},
            {folder.string()});
    CHECK(read_file(folder / name) == "precious");
    CHECK(std::distance(fs::directory_iterator(folder), {}) == 1);
  }
}

TEST_CASE("tokenizer: a run never writes into the folder of the tokenizer that it uses") {
  const TempDir dir;
  write_file(dir / "t.csv", reviews());
  const fs::path folder = tokenizer(dir);
  const std::string before = read_file(folder / "vocab.txt");
  works(finetune(dir, dir / "t.csv", "r"));
  CHECK(read_file(folder / "vocab.txt") == before);
  CHECK(std::distance(fs::directory_iterator(folder), {}) == 1);
  refuses({"merge", "--adapter", (dir / "r").string(), "--out", folder.string()},
          {folder.string()});
  CHECK(read_file(folder / "vocab.txt") == before);
  CHECK(std::distance(fs::directory_iterator(folder), {}) == 1);
}
