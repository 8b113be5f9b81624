// Tagged sentences: words with a tag each, as CoNLL's shared tasks write them, or JSON lines.
//
//   .conll .bio .iob .txt .tsv   a word a line, its columns between blanks or tabs, the tag last;
//   an
//                                empty line between sentences; "-DOCSTART-" lines are left out
//   .jsonl .json                 {"tokens": ["EU", ...], "tags": ["B-ORG", ...]} a line; the names
//   may
//                                also be "words", and "ner_tags" or "labels"
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/encode.h"
#include "data/own.h"
#include "data/task.h"
#include "data/tokenizer.h"

namespace data {

struct TaggedSentence {
  std::vector<std::string> words;
  std::vector<std::string> tags;  // as many, or none
  int64_t line = 0;               // of the file, where it begins, from 1
};

// Throws engine::Error with file, line and what was found.
std::vector<TaggedSentence> read_tagged(const std::filesystem::path& file);

// A task of kind "tag" from such files: classes are the tags of the training file, in its order.
// Without a dev file every tenth sentence, by the seed, is held out.
TaskData load_tagged(const OwnData& own);

// One file as a split of a task that exists already; an unknown tag is an error.
Split read_tagged_file(const TaskInfo& task, const std::string& split,
                       const std::filesystem::path& file);

// A sentence of words as token ids, as Hugging Face's is_split_into_words: every word is tokenised
// on its own. first[w] is the row of word w's first piece; -1 if it was cut off.
struct WordEncoding {
  Encoding encoding;
  std::vector<int32_t> first;
};
WordEncoding encode_words(const Tokenizer& tokenizer, const std::vector<std::string>& words,
                          int max_length = 0);

// All sentences of `examples` (Example::words, and Example::labels as tags), on all threads.
EncodedSplit encode_tagged(const Tokenizer& tokenizer, std::span<const Example> examples,
                           int max_length = 0);

}  // namespace data
