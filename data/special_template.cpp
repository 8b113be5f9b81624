#include "data/special_template.h"

#include <algorithm>
#include <string>

#include "data/tokenizer_files.h"
#include "data/tokenizers/part_json.h"
#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;
using Part = SpecialTemplate::Part;
using Kind = SpecialTemplate::Part::Kind;

Part special(int32_t id, int32_t type = 0) { return {Kind::special, id, type}; }
Part text_a() { return {Kind::text_a, 0, 0}; }
Part text_b(int32_t type) { return {Kind::text_b, 0, type}; }

int32_t id_of(const Json& json, const std::string& token, int32_t vocab_size,
              const std::string& where) {
  return read_id(json, token, vocab_size - 1, where);
}

// TemplateProcessing: {"single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence":
// {"id": "A", ...}}, ...], "pair": ..., "special_tokens": {"[CLS]": {"ids": [101], ...}, ...}}. One
// special token may stand for several ids.
std::vector<Part> read_parts(const PartJson& processor, const char* key, int32_t vocab_size) {
  const std::string& where = processor.where();
  const Json& special_tokens = processor.at("special_tokens");
  std::vector<Part> parts;
  const auto damaged = [&](const Json& item) {
    engine::fail(where, "post_processor TemplateProcessing: \"", key, "\" holds ",
                 item.dump().substr(0, 100), ", which is no part of a template");
  };
  for (const Json& item : processor.list(key)) {
    if (!item.is_object() || item.size() != 1) damaged(item);
    const Json& body = item.begin().value();
    if (!body.is_object() || !body.contains("id") || !body["id"].is_string() ||
        !body.contains("type_id"))
      damaged(item);
    const std::string id = body["id"].get<std::string>();
    const int32_t type = processor.whole_number(body["type_id"], "type_id");
    engine::check(type < 256, where, "post_processor TemplateProcessing: the type_id ", type);
    if (item.contains("Sequence")) {
      if (id != "A" && id != "B") damaged(item);
      parts.push_back({id == "A" ? Kind::text_a : Kind::text_b, 0, type});
    } else if (item.contains("SpecialToken")) {
      const auto token = special_tokens.find(id);
      engine::check(token != special_tokens.end() && token->is_object() && token->contains("ids") &&
                        (*token)["ids"].is_array(),
                    where, "post_processor TemplateProcessing: the special token '", id,
                    "' is not among its special_tokens");
      for (const Json& one : (*token)["ids"])
        parts.push_back(special(id_of(one, id, vocab_size, where), type));
    } else {
      damaged(item);
    }
  }
  return parts;
}

void check_texts(const std::vector<Part>& parts, bool pair, const std::string& where) {
  const auto count = [&](Kind kind) {
    return std::count_if(parts.begin(), parts.end(), [&](const Part& p) { return p.kind == kind; });
  };
  const char* name = pair ? "\"pair\"" : "\"single\"";
  engine::check(count(Kind::text_a) == 1, where, "post_processor TemplateProcessing: ", name,
                " has the text A ", count(Kind::text_a), " times, expected once");
  engine::check(count(Kind::text_b) == (pair ? 1 : 0), where,
                "post_processor TemplateProcessing: ", name, " has the text B ",
                count(Kind::text_b), " times, expected ", pair ? "once" : "none");
}

SpecialTemplate from_template(const PartJson& processor, int32_t vocab_size) {
  SpecialTemplate made{read_parts(processor, "single", vocab_size),
                       read_parts(processor, "pair", vocab_size)};
  check_texts(made.single, false, processor.where());
  check_texts(made.pair, true, processor.where());
  return made;
}

SpecialTemplate make(const Json& json, int32_t vocab_size, const std::string& where, int depth) {
  engine::check(depth < kDeepest, where, "the post_processor nests sequences ", kDeepest, " deep");
  const PartJson processor(json, "post_processor", where);
  const std::string& type = processor.type();
  if (type == "ByteLevel") return SpecialTemplate::plain();
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    const auto id = [&](const char* key) {
      const Json& pair = processor.list(key);
      engine::check(pair.size() == 2 && pair[0].is_string(), where, "post_processor ", type, ": \"",
                    key, "\" should be a token and its id");
      return id_of(pair[1], pair[0].get<std::string>(), vocab_size, where);
    };
    return type == "BertProcessing" ? SpecialTemplate::bert(id("cls"), id("sep"))
                                    : SpecialTemplate::roberta(id("cls"), id("sep"));
  }
  if (type == "TemplateProcessing") return from_template(processor, vocab_size);
  if (type == "Sequence") {  // ByteLevel moves offsets only, which are not kept here
    std::optional<SpecialTemplate> result;
    for (const Json& step : processor.list("processors")) {
      if (step.is_object() && step.value("type", Json()) == "ByteLevel") continue;
      engine::check(!result, where, "the post_processor is a Sequence of two templates",
                    engine::hint("one after another they are not known here"));
      result = make(step, vocab_size, where, depth + 1);
    }
    return result ? *result : SpecialTemplate::plain();
  }
  processor.unknown(
      "BertProcessing, RobertaProcessing, TemplateProcessing, ByteLevel and Sequence");
}

}  // namespace

SpecialTemplate SpecialTemplate::bert(int32_t cls, int32_t sep) {
  return {{special(cls), text_a(), special(sep)},
          {special(cls), text_a(), special(sep), text_b(1), special(sep, 1)}};
}

SpecialTemplate SpecialTemplate::roberta(int32_t cls, int32_t sep) {
  return {{special(cls), text_a(), special(sep)},
          {special(cls), text_a(), special(sep), special(sep), text_b(0), special(sep)}};
}

SpecialTemplate SpecialTemplate::plain() { return {{text_a()}, {text_a(), text_b(1)}}; }

SpecialTemplate SpecialTemplate::begin_end(std::optional<int32_t> bos, std::optional<int32_t> eos) {
  SpecialTemplate made;
  const auto add = [&](std::vector<Part>& parts, Part text, int32_t type) {
    if (bos) parts.push_back(special(*bos, type));
    parts.push_back(text);
    if (eos) parts.push_back(special(*eos, type));
  };
  add(made.single, text_a(), 0);
  add(made.pair, text_a(), 0);
  add(made.pair, text_b(1), 1);
  return made;
}

SpecialTemplate SpecialTemplate::from_json(const Json& processor, int32_t vocab_size,
                                           const std::string& where) {
  return processor.is_null() ? plain() : make(processor, vocab_size, where, 0);
}

int SpecialTemplate::specials(const std::vector<Part>& parts) {
  return static_cast<int>(std::count_if(parts.begin(), parts.end(),
                                        [](const Part& p) { return p.kind == Kind::special; }));
}

int32_t SpecialTemplate::opening() const {
  return !single.empty() && single.front().kind == Kind::special ? single.front().id : -1;
}

int32_t SpecialTemplate::closing() const {
  return !single.empty() && single.back().kind == Kind::special ? single.back().id : -1;
}

}  // namespace data
