#include "course/lib/check.h"
#include "task.h"

static const std::set<std::string> kVocabulary = {
    "un", "u",   "##n", "want", "##want", "##ed",   "##able", "##a",   "a",        "##b",
    "ab", "abc", "##c", "##cd", "run",    "##ning", "able",   "[UNK]", "##wanted", "the"};

int main() {
  course::Test t = course::test("From text to numbers");
  const auto is = [&](const std::string& word, const std::vector<std::string>& expected,
                      const std::vector<course::Mistake<std::vector<std::string>>>& mistakes = {}) {
    t.equal("pieces of " + word, task::wordpiece(word, kVocabulary), expected, mistakes);
  };

  t.check("a word of the vocabulary is one piece", [&] { is("the", {"the"}); });
  t.check("longest piece first", [&] {
    is("unwanted", {"un", "##wanted"},
       {{{"un", "wanted"}, "pieces inside of a word have ## in front"},
        {{"u", "##n", "##want", "##ed"}, "take the longest piece that fits, not the shortest"},
        {{"un", "##want", "##ed"}, "##wanted is in the vocabulary, and longer than ##want"},
        {{"[UNK]"}, "look for the pieces inside of a word with ## in front"}});
    is("running", {"run", "##ning"});
    is("runable", {"run", "##able"},
       {{{"run", "able"}, "inside of a word, ##able is meant, not able"}});
  });
  t.check("greedy, even where that fails", [&] {
    is("abcd", {"[UNK]"},
       {{{"ab", "##cd"},
         "that would fit, but the rule is greedy: abc is longer than ab, and what "
         "is left, ##d, is not in the vocabulary"},
        {{"abc", "[UNK]"}, "if something is left that does not fit, the whole word is [UNK]"},
        {{"abc"}, "the d was lost"}});
  });
  t.check("nothing fits", [&] {
    is("xyz", {"[UNK]"});
    is("unx", {"[UNK]"},
       {{{"un", "[UNK]"}, "if something is left that does not fit, the whole word is [UNK]"},
        {{"un"}, "the x was lost"}});
  });
  t.check("the pieces joined are the word", [&] {
    course::Numbers numbers(5);
    const std::vector<std::string> starts = {"un", "u", "a", "ab", "want"};
    const std::vector<std::string> ends = {"n", "want", "ed", "able", "a", "b", "c"};
    for (int i = 0; i < 200; ++i) {
      std::string word = starts[static_cast<size_t>(numbers.below(5))];
      for (int k = numbers.below(5); k > 0; --k)
        word += ends[static_cast<size_t>(numbers.below(7))];
      const std::vector<std::string> pieces = task::wordpiece(word, kVocabulary);
      t.require(!pieces.empty(), "no pieces for " + word);
      if (pieces[0] == "[UNK]") continue;
      std::string joined;
      for (const std::string& piece : pieces) {
        t.require(kVocabulary.count(piece) == 1, piece + " is not in the vocabulary");
        joined += piece.rfind("##", 0) == 0 ? piece.substr(2) : piece;
      }
      t.equal("joined", std::vector<std::string>{joined}, {word});
    }
  });
  t.check("pieces as text", [&] {
    const std::vector<std::string> pieces = {"[CLS]", "the", "un",    "##want",
                                             "##ed",  "run", "[SEP]", "[PAD]"};
    t.equal("text", std::vector<std::string>{task::text_of(pieces)}, {"the unwanted run"},
            {{{" the unwanted run"}, "there is a blank at the front"}});
  });
  return t.result();
}
