// Rows of text, completions and chats: what is read, what is learned, what is cut.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "data/batcher.h"
#include "data/language/encode_language.h"
#include "data/language/rows.h"
#include "engine/base/error.h"
#include "tests/support/errors.h"
#include "tests/support/paths.h"

using namespace data;
using Json = nlohmann::json;

namespace {

constexpr int32_t kBegin = 1, kEnd = 2;  // of the golden's tokenizer

struct Language {
  testing::TempDir temp;
  std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(testing::golden("language_model"));
  Json golden = Json::parse(testing::read_file(testing::golden("language_model/golden.json")));
  TextRules rules{.end = kEnd};

  Split read(const std::string& name, const std::string& text) {
    testing::write_file(temp / name, text);
    return read_language_file("train", temp / name);
  }
  EncodedSplit encode(const std::string& name, const std::string& text, int most, bool training) {
    return encode_language(*tokenizer, read(name, text).examples, most, rules, training);
  }
  std::string complaint(const std::string& name, const std::string& text) {
    return testing::message_of([&] { encode(name, text, 64, true); });
  }
  std::string rows_of(const std::string& kind) const {
    std::string text;
    for (const Json& row : golden["rows"][kind]) text += row.dump() + "\n";
    return text;
  }
  std::vector<int32_t> plain(const std::string& text) const {
    std::vector<int32_t> ids;
    tokenizer->tokenize(text, ids);
    return ids;
  }
};

std::vector<int32_t> list(std::span<const int32_t> ids) { return {ids.begin(), ids.end()}; }
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The targets that labels (-100: none) of a row give.
std::vector<int32_t> targets_of(const Json& labels) {
  std::vector<int32_t> targets;
  for (size_t i = 1; i <= labels.size(); ++i)
    targets.push_back(i < labels.size() && labels[i] != -100 ? labels[i].get<int32_t>() : -1);
  return targets;
}

}  // namespace

TEST_CASE("language: ids and labels in training are transformers'") {
  Language l;
  for (const std::string kind : {"text", "completion", "chat"}) {
    CAPTURE(kind);
    const EncodedSplit split = l.encode("d.jsonl", l.rows_of(kind), 64, true);
    REQUIRE(split.size() == static_cast<int64_t>(l.golden["ids"][kind].size()));
    for (int64_t i = 0; i < split.size(); ++i) {
      const auto at = static_cast<size_t>(i);
      CHECK(list(split.ids(i)) == l.golden["ids"][kind][at].get<std::vector<int32_t>>());
      CHECK(list(split.targets(i)) == targets_of(l.golden["labels"][kind][at]));
    }
  }
}

TEST_CASE("language: the end token is learned though it is the padding's, once, after each") {
  Language l;
  CHECK(l.tokenizer->special().pad == l.tokenizer->special().eos);
  for (const std::string kind : {"text", "completion"}) {
    const EncodedSplit split = l.encode("d.jsonl", l.rows_of(kind), 64, true);
    for (int64_t i = 0; i < split.size(); ++i) {
      const auto targets = list(split.targets(i));
      CHECK(targets.back() == -1);
      CHECK(targets[targets.size() - 2] == kEnd);
      CHECK(std::count(targets.begin(), targets.end(), kEnd) == 1);
    }
  }
  // A text that is scored ends as it is.
  const EncodedSplit scored = l.encode("d.jsonl", l.rows_of("text"), 64, false);
  for (int64_t i = 0; i < scored.size(); ++i) {
    CHECK(scored.ids(i).front() == kBegin);
    CHECK(scored.ids(i).back() != kEnd);
    CHECK(list(scored.ids(i)) ==
          l.tokenizer->encode(l.golden["rows"]["text"][size_t(i)]["text"].get<std::string>()).ids);
  }
}

TEST_CASE("language: a completion is encoded apart from its prompt, and only it is learned") {
  Language l;
  // Together "o" + "ld" would be one piece.
  const EncodedSplit split =
      l.encode("d.jsonl", R"({"prompt": "o", "completion": "ld"})", 64, true);
  std::vector<int32_t> wanted = l.tokenizer->encode("o").ids;
  const size_t prompt = wanted.size();
  const auto completion = l.plain("ld");
  wanted.insert(wanted.end(), completion.begin(), completion.end());
  wanted.push_back(kEnd);
  CHECK(list(split.ids(0)) == wanted);
  CHECK(list(split.ids(0)) != l.tokenizer->encode("old").ids);
  // The prompt's last token predicts the first of the completion, and the last one the end.
  for (size_t t = 0; t < wanted.size(); ++t) {
    const bool predicts = t + 1 >= prompt && t + 1 < wanted.size();
    CHECK(split.targets(0)[t] == (predicts ? wanted[t + 1] : -1));
  }
  CHECK(split.terms() == static_cast<int64_t>(completion.size()) + 1);
  l.rules.all = true;
  CHECK(l.encode("d.jsonl", R"({"prompt": "o", "completion": "ld"})", 64, true).terms() ==
        static_cast<int64_t>(wanted.size()) - 1);
  l.rules.separator = true;
  wanted.insert(wanted.begin() + static_cast<std::ptrdiff_t>(prompt), kEnd);
  CHECK(list(l.encode("d.jsonl", R"({"prompt": "o", "completion": "ld"})", 64, true).ids(0)) ==
        wanted);
}

TEST_CASE("language: what is too long is cut on the side that is named, and counted") {
  Language l;
  const std::string row = R"({"prompt": "the old man", "completion": " sang a song"})";
  const auto whole = list(l.encode("d.jsonl", row, 64, true).ids(0));
  const auto n = static_cast<std::ptrdiff_t>(whole.size());
  EncodedSplit split = l.encode("d.jsonl", row, static_cast<int>(n) - 2, true);
  CHECK(split.truncated() == 1);
  CHECK(list(split.ids(0)) == std::vector<int32_t>(whole.begin(), whole.end() - 2));
  l.rules.cut = "left";  // the begin token stays
  split = l.encode("d.jsonl", row, static_cast<int>(n) - 2, true);
  std::vector<int32_t> wanted(whole.begin() + 2, whole.end());
  wanted.front() = kBegin;
  CHECK(list(split.ids(0)) == wanted);
  CHECK(split.targets(0)[static_cast<size_t>(n) - 4] == kEnd);
  l.rules.cut = "right";
  // Nothing is left of the completion: left out, and an error if that is so of all.
  split = l.encode("d.jsonl", row + "\n" + R"({"text": "a"})", 3, true);
  CHECK(split.left_out() == 1);
  CHECK(split.size() == 1);
  try {
    l.encode("d.jsonl", row, 3, true);
    CHECK(false);
  } catch (const engine::Error& e) {
    CHECK(has(e.what(), "--max-length"));
  }
}

TEST_CASE("language: documents of plain text share rows without seeing one another") {
  Language l;
  const std::string text = "the sea\n\nthe old man\nsang.\n\n\na boat came late\n";
  const Split read = l.read("d.txt", text);
  REQUIRE(read.examples.size() == 3);
  CHECK(read.examples[1].a == "the old man\nsang.");
  CHECK(read.examples[1].line == 3);
  std::vector<std::vector<int32_t>> documents;
  for (const Example& e : read.examples) {
    documents.push_back(l.tokenizer->encode(e.a).ids);
    documents.back().push_back(kEnd);
  }
  const auto first = static_cast<int32_t>(documents[0].size());
  const EncodedSplit split = l.encode("d.txt", text, first + 4, true);
  std::vector<int32_t> all, laid;
  for (const auto& ids : documents) all.insert(all.end(), ids.begin(), ids.end());
  engine::TokenBatch batch;
  for (int64_t i = 0; i < split.size(); ++i) {
    CHECK(split.length(i) <= first + 4);
    laid.insert(laid.end(), split.ids(i).begin(), split.ids(i).end());
    split.append(i, batch);
  }
  CHECK(laid == all);
  CHECK(batch.segments.length(0) == first);
  CHECK(batch.segments.length(1) == 4);
  CHECK(batch.examples[0] == 0);
  CHECK(batch.examples[1] == 0);
  CHECK(batch.segments.rows() == static_cast<int32_t>(all.size()));
  CHECK(batch.examples.size() == static_cast<size_t>(batch.sequences()));
  // No target from one document to the next.
  for (int s = 0; s < batch.sequences(); ++s)
    CHECK(batch.targets[static_cast<size_t>(batch.segments.begin(s) + batch.segments.length(s) -
                                            1)] == -1);
  // Scored one by one, in rows that go on where a document is too long.
  const EncodedSplit scored = l.encode("d.txt", text, 5, false);
  laid.clear();
  for (int64_t i = 0; i < scored.size(); ++i)
    laid.insert(laid.end(), scored.ids(i).begin(), scored.ids(i).end());
  std::vector<int32_t> without_end;
  for (const int32_t id : all)
    if (id != kEnd) without_end.push_back(id);
  CHECK(laid == without_end);
}

TEST_CASE("language: bad rows are refused by file and line") {
  Language l;
  const auto said = [&](const std::string& row) {
    return l.complaint("d.jsonl", R"({"text": "a"})" + std::string("\n") + row + "\n");
  };
  CHECK(has(said(R"({"prompt": "", "completion": "b"})"), "d.jsonl:2: the prompt is empty"));
  CHECK(has(said(R"({"prompt": "a", "completion": ""})"), "the completion is empty"));
  CHECK(has(said(R"({"prompt": "a"})"), "\"completion\""));
  CHECK(has(said(R"({"text": 3})"), "'text' is number"));
  CHECK(has(said(R"({"text": ""})"), "the text is empty"));
  CHECK(has(said(R"({"messages": []})"), "list of"));
  CHECK(has(said(R"({"messages": [{"role": "human", "content": "x"}]})"), "the role 'human'"));
  CHECK(has(said(R"({"messages": [{"role": "user", "content": ["x"]}]})"), "no text"));
  CHECK(
      has(said(R"({"messages": [{"role": "user", "content": "x"}]})"), "no turn of the assistant"));
  CHECK(has(said(R"({"messages": [{"role": "assistant", "content": "", "tool_calls": [1]}]})"),
            "tool_calls"));
  CHECK(has(said("not json"), "d.jsonl:2"));
  CHECK(has(l.complaint("empty.txt", "\n\n"), "has no text"));
  CHECK(has(l.complaint("d.csv", "sentence,label\na,b\n"), "sentence, label"));
  l.rules.chat_format = "llama2";
  CHECK(has(said(R"({"messages": [{"role": "assistant", "content": "x"}]})"), "line 2"));
}

TEST_CASE("language: columns of a table, and a column that is named") {
  Language l;
  const Split split = l.read("d.csv", "prompt,completion\nsea,calm\n");
  CHECK(split.examples[0].a == "sea");
  CHECK(split.examples[0].b == "calm");
  testing::write_file(l.temp / "e.jsonl", R"({"messages": 3, "body": "the sea"})");
  CHECK(read_language_file("x", l.temp / "e.jsonl", "body").examples[0].a == "the sea");
}

TEST_CASE("batches in the file's order when nothing is shuffled") {
  Language l;
  const EncodedSplit split = l.encode("d.jsonl", l.rows_of("text"), 64, true);
  TrainBatches batches(split, 4, 7, false);
  engine::TokenBatch batch;
  for (int epoch = 0; epoch < 2; ++epoch) {
    batches.next(batch);
    CHECK(batch.examples == std::vector<int64_t>{0, 1, 2, 3});
    batches.next(batch);
    CHECK(batch.examples == std::vector<int64_t>{4, 5});
  }
}
