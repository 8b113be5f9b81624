// Task 6.1: WordPiece.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace task {

// The pieces of one word (no blanks in it): always the longest one in the vocabulary that the rest
// of the word begins with. Pieces that do not begin the word stand in the vocabulary with "##" in
// front, and are returned so. If at some place nothing fits, the whole word is {"[UNK]"}.
std::vector<std::string> wordpiece(const std::string& word,
                                   const std::set<std::string>& vocabulary);

// Pieces as text again: "##" pieces are joined to the one before, others are set off by a blank.
// "[CLS]", "[SEP]" and "[PAD]" are left out.
std::string text_of(const std::vector<std::string>& pieces);

}  // namespace task
