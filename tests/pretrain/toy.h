// A small vocabulary, a small corpus and a small tokenizer folder for the tests of pretraining.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/wordpiece_trainer.h"
#include "engine/base/philox.h"
#include "tests/support/paths.h"

namespace toy {

inline std::vector<std::string> tokens() {
  std::vector<std::string> list{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "."};
  for (const char* word : {"red", "green", "blue", "cat", "dog", "bird", "runs", "sleeps", "sings",
                           "the", "a", "in", "on", "house", "tree"})
    list.push_back(word);
  for (const char* piece : {"##s", "##ing", "##er", "##ness"}) list.push_back(piece);
  return list;
}

inline std::unique_ptr<data::Tokenizer> tokenizer() { return data::trained_wordpiece(tokens()); }

// Documents of sentences with a rule in them: the colour decides the animal, the animal what it
// does.
inline std::string corpus(int documents, uint64_t seed = 1) {
  engine::Random random(seed);
  const char* colours[] = {"red", "green", "blue"};
  const char* animals[] = {"cat", "dog", "bird"};
  const char* verbs[] = {"sleeps", "runs", "sings"};
  const char* places[] = {"house", "tree"};
  std::string text;
  for (int d = 0; d < documents; ++d) {
    const auto paragraphs = 1 + random.below(4);
    for (uint64_t p = 0; p < paragraphs; ++p) {
      const auto sentences = 1 + random.below(5);
      for (uint64_t s = 0; s < sentences; ++s) {
        const auto kind = random.below(3);
        text += std::string(s ? " " : "") + "the " + colours[kind] + " " + animals[kind] + " " +
                verbs[kind] + " in the " + places[random.below(2)] + ".";
      }
      text += "\n";
    }
    text += "\n";
  }
  return text;
}

// A folder with a tokenizer, a corpus and its cache.
struct Folder {
  explicit Folder(int documents = 60) {
    tokenizer = toy::tokenizer();
    std::filesystem::create_directories(dir / "tokenizer");
    tokenizer->save(dir / "tokenizer");
    testing::write_file(dir / "corpus.txt", corpus(documents));
  }
  testing::TempDir dir;
  std::unique_ptr<data::Tokenizer> tokenizer;
};

}  // namespace toy
