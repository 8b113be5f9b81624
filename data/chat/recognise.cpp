#include <map>
#include <optional>

#include "data/chat/format.h"
#include "data/fingerprint.h"
#include "engine/base/error.h"

namespace data {
namespace {

// Fingerprints of chat templates as their models bring them, with the form that each writes. Line
// breaks count alike however they are spelled, and one at the end does not count.
const std::map<std::string_view, std::string_view>& known_templates() {
  static const std::map<std::string_view, std::string_view> known = {
      {"9a0f4426e310c4ef8459fccd66f5113c", "alpaca"},
      {"fcdd4379806635670f904db8d967a295", "alpaca-several"},
      {"2358eae13be98a7ba04c0d765923822c", "chatml"},
      {"f0a6a8278439fdb056191e205a440263", "chatml"},
      {"a344e8c84fb0282dda206a9e46a4ac01", "chatml"},
      {"8e97edd67aec54a4588e6e4c9418a799", "chatml"},
      {"c584e01eaf25c0b84c1f3557de33e6ff", "hermes"},
      {"97aac26c37e4a675cb7c5112dfc4a3b0", "llama2"},
      {"c8de346e3b46d2d7f1df0025c844d5f8", "llama2"},
      {"0fa6e98e284aa8ad3e9f94835b29d00e", "llama2"},
      {"848be123721a9679d8a2bf0556e03726", "llama2"},
      {"09facc0e4aa943189799ad6e2dea0594", "llama3"},
      {"8f20b9eda669ce10b97891b7adc1beb8", "llama3-open"},
      {"05ac78533d6fb928da8ae4616203881a", "llama3.1"},
      {"51839d38c9ee4e80ba28f0d41aa45594", "llama3.2"},
      {"e580c2da83415028d5d943bd0bd9082f", "qwen"},
      {"38a80c450ee0db641dc335944ecff1a0", "qwen"},
      {"bcec3fb9a2dc873a40cea3094dcb3811", "qwen"},
      {"e3c699cb55b0c32df9a29021c9d093ad", "qwen2.5"},
      {"fc05d573912dab443200902b45d03ab3", "qwen2.5"},
      {"1a34baef41fc1c63df737c161336d49d", "qwen2.5-math"},
      {"83d392b44d383ef682e218588d994df0", "qwen2.5-math"},
      {"39df3fa40a20c7605a33498785c53d45", "qwen3"},
      {"205bbe22d93805964372a702009a6e39", "qwen3"},
      {"98f63cc3d421d28f99ab995e9629dacd", "smollm2"},
      {"5ae4edc1a6c08aa61db34e9fc60441d8", "zephyr"},
      {"a6ccabfd8f8a214706313202cb9cca62", "zephyr"},
      {"649a2a57b1f7915059b45444879a71e0", "zephyr"},
  };
  return known;
}

std::string normal(std::string text) {
  for (size_t at = 0; (at = text.find("\\n", at)) != std::string::npos;) text.replace(at, 2, "\n");
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

// A template as a file has it: text, or a list of which "default" is the one.
std::optional<std::string> template_text(const nlohmann::json& json, const std::string& where) {
  if (!json.is_object() || !json.contains("chat_template")) return std::nullopt;
  const nlohmann::json& given = json["chat_template"];
  if (given.is_null()) return std::nullopt;
  if (given.is_string()) return given.get<std::string>();
  if (given.is_array())
    for (const auto& each : given)
      if (each.is_object() && each.value("name", "") == "default" && each.contains("template") &&
          each["template"].is_string())
        return each["template"].get<std::string>();
  engine::fail(where, "chat_template is neither text nor a list with a 'default'");
}

std::optional<std::string> find_template(const TokenizerFiles& files, std::string& where) {
  where = files.where("chat_template.jinja");
  if (files.has("chat_template.jinja")) return files.bytes("chat_template.jinja");
  for (const char* name : {"chat_template.json", "tokenizer_config.json"}) {
    where = files.where(name);
    if (auto text = template_text(files.json(name), where)) return text;
  }
  return std::nullopt;
}

}  // namespace

std::string chat_template_of(const TokenizerFiles& files) {
  std::string where;
  return find_template(files, where).value_or("");
}

const ChatFormat& own_chat_format(const Tokenizer& tokenizer) {
  const std::string choose =
      "\nhint: say with --chat-format how a chat is to be written: " + chat_format_names();
  std::string where;
  const auto text = find_template(tokenizer.files(), where);
  engine::check(text.has_value(), tokenizer.files().where(),
                "the tokenizer brings no chat_template, and the data are chats", choose);
  const auto found = known_templates().find(fingerprint(normal(*text)));
  engine::check(found != known_templates().end(), where,
                "this chat_template is a program that is not known here, and guessing would train "
                "on another form than the model is used with",
                choose);
  return chat_format(found->second);
}

}  // namespace data
