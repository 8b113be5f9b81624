#include "data/special_template.h"

#include <algorithm>
#include <string>

#include "engine/base/error.h"

namespace data {
namespace {

using Json = nlohmann::json;
using Part = SpecialTemplate::Part;
using Kind = SpecialTemplate::Part::Kind;

Part special(int32_t id, int32_t type = 0) { return {Kind::special, id, type}; }
Part text_a() { return {Kind::text_a, 0, 0}; }
Part text_b(int32_t type) { return {Kind::text_b, 0, type}; }

// TemplateProcessing: {"single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence":
// {"id": "A", ...}}, ...], "pair": ..., "special_tokens": {"[CLS]": {"ids": [101], ...}, ...}}. One
// special token may stand for several ids.
std::vector<Part> read_parts(const Json& list, const Json& special_tokens) {
  std::vector<Part> parts;
  for (const Json& item : list) {
    if (item.contains("Sequence")) {
      const Json& sequence = item.at("Sequence");
      const bool a = sequence.at("id").get<std::string>() == "A";
      parts.push_back({a ? Kind::text_a : Kind::text_b, 0, sequence.at("type_id").get<int32_t>()});
    } else {
      const Json& token = item.at("SpecialToken");
      for (const Json& id : special_tokens.at(token.at("id").get<std::string>()).at("ids"))
        parts.push_back(special(id.get<int32_t>(), token.at("type_id").get<int32_t>()));
    }
  }
  return parts;
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

SpecialTemplate SpecialTemplate::plain() { return {{text_a()}, {text_a(), text_b(0)}}; }

SpecialTemplate SpecialTemplate::from_json(const Json& processor) {
  if (processor.is_null()) return plain();
  const std::string type = processor.at("type").get<std::string>();
  if (type == "ByteLevel") return plain();
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    const int32_t cls = processor.at("cls").at(1).get<int32_t>();
    const int32_t sep = processor.at("sep").at(1).get<int32_t>();
    return type == "BertProcessing" ? bert(cls, sep) : roberta(cls, sep);
  }
  if (type == "TemplateProcessing") {
    const Json& tokens = processor.at("special_tokens");
    return {read_parts(processor.at("single"), tokens), read_parts(processor.at("pair"), tokens)};
  }
  if (type == "Sequence") {  // ByteLevel only moves offsets, which are not kept here: what is left
                             // is one template
    SpecialTemplate result = plain();
    for (const Json& step : processor.at("processors"))
      if (step.at("type") != "ByteLevel") result = from_json(step);
    return result;
  }
  engine::fail("tokenizer.json", "post_processor of type '", type, "' is not known",
               engine::hint("known are BertProcessing, RobertaProcessing, TemplateProcessing, "
                            "ByteLevel and Sequence"));
}

int SpecialTemplate::specials(const std::vector<Part>& parts) {
  return static_cast<int>(std::count_if(parts.begin(), parts.end(),
                                        [](const Part& p) { return p.kind == Kind::special; }));
}

}  // namespace data
