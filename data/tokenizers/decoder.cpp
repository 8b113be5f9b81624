#include "data/tokenizers/decoder.h"

#include <functional>

#include "data/tokenizers/byte_level.h"
#include "data/tokenizers/part_json.h"
#include "data/tokenizers/pattern.h"
#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;
using Made = std::unique_ptr<TokenDecoder>;
using Tokens = std::vector<std::string>;

class Step final : public TokenDecoder {
 public:
  explicit Step(std::function<void(Tokens&)> change) : change_(std::move(change)) {}
  void apply(Tokens& tokens) const override { change_(tokens); }

 private:
  std::function<void(Tokens&)> change_;
};
Made step(std::function<void(Tokens&)> change) { return std::make_unique<Step>(std::move(change)); }

class SequenceOf final : public TokenDecoder {
 public:
  std::vector<Made> steps;
  void apply(Tokens& tokens) const override {
    for (const auto& s : steps) s->apply(tokens);
  }
};

std::string joined(const Tokens& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += token;
  return text;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  if (from.empty()) return;
  std::string out;
  size_t done = 0;
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, done)) {
    out.append(text, done, at - done).append(to);
    done = at + from.size();
  }
  if (done > 0) text = out.append(text, done);
}

// A token with a character that is none of ByteLevel's (an added token) is written as it is.
void byte_level(Tokens& tokens) {
  std::string bytes;
  for (const std::string& token : tokens) bytes += from_byte_characters(token).value_or(token);
  tokens = {is_utf8(bytes) ? bytes : to_utf8(bytes)};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Runs of tokens "<0xE2>" become the characters of their bytes, or one U+FFFD a byte.
void byte_fallback(Tokens& tokens) {
  Tokens out;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    if (is_utf8(bytes)) {
      out.push_back(bytes);
    } else {
      out.insert(out.end(), bytes.size(), "\uFFFD");
    }
    bytes.clear();
  };
  for (std::string& token : tokens) {
    const bool byte = token.size() == 6 && token.starts_with("<0x") && token.back() == '>' &&
                      hex_digit(token[3]) >= 0 && hex_digit(token[4]) >= 0;
    if (byte) {
      bytes.push_back(static_cast<char>(hex_digit(token[3]) * 16 + hex_digit(token[4])));
    } else {
      flush();
      out.push_back(std::move(token));
    }
  }
  flush();
  tokens = std::move(out);
}

Made metaspace(const PartJson& part) {
  const bool prepends =
      part.text("prepend_scheme", "always") != "never" && part.flag("add_prefix_space", true);
  return step([mark = part.character("replacement"), prepends](Tokens& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i)
      replace_all(tokens[i], mark, i == 0 && prepends ? "" : " ");
  });
}

Made wordpiece(const PartJson& part) {
  return step([prefix = part.text("prefix"), cleanup = part.flag("cleanup")](Tokens& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (i > 0) {
        if (tokens[i].starts_with(prefix)) {
          tokens[i].erase(0, prefix.size());
        } else {
          tokens[i].insert(0, 1, ' ');
        }
      }
      if (cleanup) tokens[i] = clean_up_spaces(std::move(tokens[i]));
    }
  });
}

// Takes up to `start` characters off the front of each token, and up to `stop` off its end.
Made strip(const PartJson& part) {
  return step([content = part.character("content"), start = part.number("start"),
               stop = part.number("stop")](Tokens& tokens) {
    for (std::string& token : tokens) {
      std::string_view rest = token;
      for (int32_t i = 0; i < start && rest.starts_with(content); ++i)
        rest.remove_prefix(content.size());
      for (int32_t i = 0; i < stop && rest.ends_with(content); ++i)
        rest.remove_suffix(content.size());
      token = std::string(rest);
    }
  });
}

Made make(const Json& json, const std::string& where, int depth) {
  engine::check(depth < kDeepest, where, "the decoder nests sequences ", kDeepest, " deep");
  const PartJson part(json, "decoder", where);
  const std::string& type = part.type();
  if (type == "Sequence") {
    auto all = std::make_unique<SequenceOf>();
    for (const Json& one : part.list("decoders")) all->steps.push_back(make(one, where, depth + 1));
    return all;
  }
  if (type == "ByteLevel") return step(byte_level);
  if (type == "ByteFallback") return step(byte_fallback);
  if (type == "Fuse") return step([](Tokens& tokens) { tokens = {joined(tokens)}; });
  if (type == "Metaspace") return metaspace(part);
  if (type == "WordPiece") return wordpiece(part);
  if (type == "Strip") return strip(part);
  if (type == "BPEDecoder")
    return step([suffix = part.text("suffix")](Tokens& tokens) {
      for (size_t i = 0; i < tokens.size(); ++i)
        replace_all(tokens[i], suffix, i + 1 == tokens.size() ? "" : " ");
    });
  if (type == "Replace")
    return step([pattern = Pattern::from_json(part.at("pattern"), where),
                 content = part.text("content")](Tokens& tokens) {
      for (std::string& token : tokens) token = pattern.replace(token, content);
    });
  part.unknown(
      "ByteLevel, WordPiece, Metaspace, BPEDecoder, ByteFallback, Fuse, Strip, Replace "
      "and Sequence");
}

}  // namespace

std::unique_ptr<TokenDecoder> TokenDecoder::from_json(const Json& json, const std::string& where) {
  return json.is_null() ? nullptr : make(json, where, 0);
}

std::string clean_up_spaces(std::string text, bool negations) {
  static constexpr std::pair<const char*, const char*> kChanges[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kChanges)
    if (negations || std::string_view(from) != " do not") replace_all(text, from, to);
  return text;
}

}  // namespace data
