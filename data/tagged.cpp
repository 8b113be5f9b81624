#include "data/tagged.h"

#include <algorithm>
#include <fstream>
#include <set>

#include "data/batcher.h"
#include "data/in_order.h"
#include "data/rows.h"
#include "data/tsv.h"
#include "engine/base/error.h"
#include "engine/base/plain_file.h"

namespace data {
namespace {

using engine::check;
using engine::concat;
using engine::hint;
using OrderedJson = nlohmann::ordered_json;

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  const char* blanks = line.find('\t') != std::string::npos ? "\t" : " ";
  for (size_t begin = 0; begin < line.size();) {
    const size_t end = std::min(line.find_first_of(blanks, begin), line.size());
    if (end > begin) fields.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return fields;
}

std::vector<TaggedSentence> read_conll(std::istream& in, const std::string& name) {
  std::vector<TaggedSentence> sentences;
  TaggedSentence sentence;
  const auto end = [&] {
    if (!sentence.words.empty()) sentences.push_back(std::move(sentence));
    sentence = {};
  };
  const auto rows = open_rows(in, Format::lines, name);
  for (Row row; rows->next(row);) {
    const std::vector<std::string> fields = fields_of(row.cells[0]);
    if (fields.empty()) {
      end();
      continue;
    }
    if (fields.front() == "-DOCSTART-") continue;
    check(fields.size() >= 2, rows->where(row), "has one column ('", row.cells[0],
          "'), expected a word and its tag",
          hint("a line is a word, maybe more columns, and the tag, between blanks or tabs"));
    if (sentence.words.empty()) sentence.line = row.line;
    sentence.words.push_back(fields.front());
    sentence.tags.push_back(fields.back());
  }
  end();
  return sentences;
}

std::vector<std::string> texts(const OrderedJson& list, const std::string& where,
                               const char* what) {
  check(list.is_array(), where, what, " is no array");
  std::vector<std::string> out;
  for (const OrderedJson& item : list) {
    check(item.is_primitive() && !item.is_null(), where, what, " holds ", item.dump(),
          ", expected text");
    out.push_back(item.is_string() ? item.get<std::string>() : item.dump());
  }
  return out;
}

std::vector<TaggedSentence> read_json(std::istream& in, const std::string& name) {
  std::vector<TaggedSentence> sentences;
  const auto rows = open_rows(in, Format::jsonl, name);
  for (Row row; rows->next(row);) {
    const auto field = [&](std::initializer_list<const char*> names) -> const OrderedJson* {
      for (const char* one : names)
        if (const auto it = row.object.find(one); it != row.object.end()) return &*it;
      return nullptr;
    };
    const OrderedJson* words = field({"tokens", "words"});
    check(words != nullptr, rows->where(row), "has neither 'tokens' nor 'words'");
    TaggedSentence sentence{texts(*words, rows->where(row), "the words"), {}, row.line};
    if (const OrderedJson* tags = field({"tags", "ner_tags", "labels"}); tags && !tags->is_null())
      sentence.tags = texts(*tags, rows->where(row), "the tags");
    check(sentence.tags.empty() || sentence.tags.size() == sentence.words.size(), rows->where(row),
          "has ", sentence.words.size(), " words and ", sentence.tags.size(), " tags");
    check(!sentence.words.empty(), rows->where(row), "has no word");
    sentences.push_back(std::move(sentence));
  }
  return sentences;
}

Split split_of(const TaskInfo& task, const std::string& name, const std::filesystem::path& file,
               std::vector<TaggedSentence> sentences) {
  Split split{.name = name, .file = file, .examples = {}};
  const bool tagged = std::all_of(sentences.begin(), sentences.end(),
                                  [](const TaggedSentence& s) { return !s.tags.empty(); });
  for (TaggedSentence& sentence : sentences) {
    Example example;
    example.id = static_cast<int64_t>(split.examples.size());
    if (tagged) {
      example.label = 0;
      for (const std::string& tag : sentence.tags) {
        const auto index = task.label_index(tag);
        check(index.has_value(), concat(file.string(), ":", sentence.line), "the tag '", tag,
              "' is not one of the training data", hint("its tags are: " + listed(task.labels)));
        example.labels.push_back(*index);
      }
    }
    example.words = std::move(sentence.words);
    split.examples.push_back(std::move(example));
  }
  return split;
}

}  // namespace

std::vector<TaggedSentence> read_tagged(const std::filesystem::path& file) {
  engine::check_plain_file(file);
  std::ifstream in(file, std::ios::binary);
  check(in.good(), file.string(), "cannot be opened");
  const std::string ending = ascii_lower(file.extension().string());
  const bool json = ending == ".jsonl" || ending == ".json" || ending == ".ndjson";
  auto sentences = json ? read_json(in, file.string()) : read_conll(in, file.string());
  check(!sentences.empty(), file.string(), "has no sentence");
  return sentences;
}

TaskData load_tagged(const OwnData& own) {
  std::vector<TaggedSentence> train = read_tagged(own.train);
  TaskData data;
  data.info = {.key = "own",
               .name = own.train.stem().string(),
               .kind = "tag",
               .labels = {},
               .metrics = {"f1"}};
  std::set<std::string> seen;
  for (const TaggedSentence& sentence : train) {
    check(!sentence.tags.empty(), concat(own.train.string(), ":", sentence.line), "has no tags");
    for (const std::string& tag : sentence.tags)
      if (seen.insert(tag).second) data.info.labels.push_back(tag);
  }
  check(data.info.labels.size() > 1, own.train.string(),
        "has one tag only: ", listed(data.info.labels));
  data.splits["train"] = split_of(data.info, "train", own.train, std::move(train));
  if (own.dev) {
    data.splits["dev"] = read_tagged_file(data.info, "dev", *own.dev);
    check(data.splits["dev"].labelled(), own.dev->string(), "has sentences without tags");
  } else {
    std::vector<Example>& all = data.splits["train"].examples;
    const auto n = static_cast<int64_t>(all.size());
    check(n > 1, own.train.string(), "has one sentence, of which none can be held out");
    const auto held = std::clamp<int64_t>(
        static_cast<int64_t>(own.held_out * static_cast<double>(n) + 0.5), 1, n - 1);
    std::vector<bool> is_dev(all.size());
    const auto order = shuffled(n, own.seed, 0);
    for (int64_t i = 0; i < held; ++i)
      is_dev[static_cast<size_t>(order[static_cast<size_t>(i)])] = true;
    Split dev{.name = "dev", .file = own.train, .examples = {}};
    std::vector<Example> rest;
    for (size_t i = 0; i < all.size(); ++i)
      (is_dev[i] ? dev.examples : rest).push_back(std::move(all[i]));
    all = std::move(rest);
    data.splits["dev"] = std::move(dev);
  }
  if (own.test) data.splits["test"] = read_tagged_file(data.info, "test", *own.test);
  return data;
}

Split read_tagged_file(const TaskInfo& task, const std::string& name,
                       const std::filesystem::path& file) {
  return split_of(task, name, file, read_tagged(file));
}

WordEncoding encode_words(const Tokenizer& tokenizer, const std::vector<std::string>& words,
                          int max_length) {
  using Kind = SpecialTemplate::Part::Kind;
  const std::vector<SpecialTemplate::Part>& parts = tokenizer.special_template().single;
  const int specials = SpecialTemplate::specials(parts);
  check(max_length == 0 || max_length > specials, "tokenizer", "a maximum length of ", max_length,
        " has no room for ", specials, " special tokens and a word");
  std::vector<int32_t> pieces;
  WordEncoding out;
  for (const std::string& word : words) {
    const size_t before = pieces.size();
    tokenizer.tokenize(" " + word, pieces);  // a blank before it, as in running text
    // A word of nothing that the tokenizer keeps is the unknown one: every word has a piece.
    if (pieces.size() == before) pieces.push_back(tokenizer.special().unk.value_or(0));
    out.first.push_back(static_cast<int32_t>(before));
  }
  const size_t room = max_length == 0 ? pieces.size() : static_cast<size_t>(max_length - specials);
  if (pieces.size() > room) {
    out.encoding.removed = static_cast<int32_t>(pieces.size() - room);
    pieces.resize(room);
  }
  int32_t begin = 0;
  for (const auto& part : parts) {
    if (part.kind == Kind::special) {
      out.encoding.ids.push_back(part.id);
    } else {
      begin = static_cast<int32_t>(out.encoding.ids.size());
      out.encoding.ids.insert(out.encoding.ids.end(), pieces.begin(), pieces.end());
    }
    out.encoding.types.resize(out.encoding.ids.size(), static_cast<uint8_t>(part.type));
  }
  for (int32_t& row : out.first)
    row = row >= 0 && static_cast<size_t>(row) < room ? row + begin : -1;
  return out;
}

EncodedSplit encode_tagged(const Tokenizer& tokenizer, std::span<const Example> examples,
                           int max_length) {
  EncodedSplit split;
  in_order(
      examples,
      [&](const Example& example) { return encode_words(tokenizer, example.words, max_length); },
      [&](const Example& example, const WordEncoding& words) {
        split.add_words(words.encoding, words.first, example.labels, example.id);
      });
  return split;
}

}  // namespace data
