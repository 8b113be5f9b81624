#include "data/tagged.h"

#include <doctest/doctest.h>

#include "data/batcher.h"
#include "engine/base/error.h"
#include "engine/io/json.h"
#include "engine/train/pieces.h"
#include "tests/support/paths.h"

using namespace data;
using Cells = std::vector<std::string>;

TEST_CASE("tagged sentences: CoNLL's columns and JSON lines") {
  testing::TempDir folder;
  testing::write_file(
      folder / "a.conll",
      "-DOCSTART- -X- O O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\r\n\n\nPeter NNP I-NP "
      "B-PER\n");
  testing::write_file(folder / "a.tsv", "EU\tB-ORG\nnew york\tO\n\nPeter\tB-PER\n");
  testing::write_file(folder / "a.jsonl",
                      "{\"tokens\": [\"EU\", \"rejects\"], \"ner_tags\": [\"B-ORG\", \"O\"]}\n"
                      "{\"words\": [\"Peter\"], \"tags\": [\"B-PER\"]}\n");
  const auto conll = read_tagged(folder / "a.conll");
  REQUIRE(conll.size() == 2);
  CHECK(conll[0].words == Cells{"EU", "rejects"});
  CHECK(conll[0].tags == Cells{"B-ORG", "O"});
  CHECK(conll[0].line == 3);
  CHECK(read_tagged(folder / "a.tsv")[0].words == Cells{"EU", "new york"});
  const auto json = read_tagged(folder / "a.jsonl");
  CHECK(json[0].words == conll[0].words);
  CHECK(json[1].tags == Cells{"B-PER"});

  const TaskData data = load_tagged({.train = folder / "a.conll", .dev = folder / "a.jsonl"});
  CHECK(data.info.kind == "tag");
  CHECK(data.info.labels == Cells{"B-ORG", "O", "B-PER"});
  CHECK(data.split("dev").examples[1].labels == std::vector<int32_t>{2});
  testing::write_file(folder / "dev.conll", "a X\n");
  CHECK_THROWS_WITH_AS(load_tagged({.train = folder / "a.conll", .dev = folder / "dev.conll"}),
                       doctest::Contains("dev.conll:1: the tag 'X' is not one"), engine::Error);
  testing::write_file(folder / "bad.conll", "alone\n");
  CHECK_THROWS_WITH_AS(read_tagged(folder / "bad.conll"),
                       doctest::Contains("bad.conll:1: has one column"), engine::Error);
  testing::write_file(folder / "bad.jsonl", "{\"tokens\": [\"a\"], \"tags\": [\"O\", \"O\"]}\n");
  CHECK_THROWS_WITH_AS(read_tagged(folder / "bad.jsonl"), doctest::Contains("1 words and 2 tags"),
                       engine::Error);
}

TEST_CASE(
    "words as token ids, with the row of each word's first piece, as Hugging Face's tokenizers") {
  int cases = 0;
  for (const engine::Json& c : engine::json_file(testing::golden("words.json"))) {
    const auto tokenizer =
        load_tokenizer(testing::source_dir() / c["tokenizer"].get<std::string>());
    const WordEncoding e = encode_words(*tokenizer, c["words"].get<Cells>(), c["max_length"]);
    CAPTURE(c["words"]);
    CHECK(e.encoding.ids == c["ids"].get<std::vector<int32_t>>());
    CHECK(e.first == c["first"].get<std::vector<int32_t>>());
    ++cases;
  }
  CHECK(cases == 24);
}

TEST_CASE(
    "a batch of tagged sentences has a target at each word's first piece, also in micro-batches") {
  const auto tokenizer = load_tokenizer(testing::source_dir() / "data/pretrained/peft-2x256");
  std::vector<Example> examples(3);
  examples[0].words = {"EU", "rejects"};  // [CLS] eu re ##jects [SEP]
  examples[0].labels = {1, 2};
  examples[1].words = {"Peter"};
  examples[1].labels = {0};
  examples[2].words = {"a", "b", "c"};
  examples[2].labels = {2, 2, 1};
  const EncodedSplit split = encode_tagged(*tokenizer, examples, 4);  // two pieces of text
  CHECK(split.labelled());
  CHECK(split.words(2) == 3);
  CHECK(split.tags(2)[2] == 1);  // known also where the word was cut
  engine::TokenBatch batch;
  EvalBatches(split, 3).next(batch);
  const std::vector<int32_t> all = {-1, 1, 2, -1, -1, 0, -1, -1, 2, 2, -1};
  CHECK(batch.targets == all);
  engine::Pieces pieces;
  pieces.cut(batch, 4);
  std::vector<int32_t> cut;
  for (int i = 0; i < pieces.count(); ++i) {
    const auto& targets = pieces.get(i).targets;
    cut.insert(cut.end(), targets.begin(), targets.end());
  }
  CHECK(pieces.count() == 3);
  CHECK(cut == all);
}
