#include "data/task.h"

#include <algorithm>

#include "data/tsv.h"
#include "engine/base/error.h"

namespace data {

const std::string& TaskInfo::label_name(int64_t index) const {
  engine::check(!regression, name, "is a regression and has no classes");
  engine::check(index >= 0 && index < static_cast<int64_t>(labels.size()), name, "has no class ",
                index, ", its ", labels.size(), " classes are: ", listed(labels));
  return labels[static_cast<size_t>(index)];
}

std::optional<int> TaskInfo::label_index(std::string_view label) const {
  const auto found = std::find(labels.begin(), labels.end(), label);
  if (found == labels.end()) return std::nullopt;
  return static_cast<int>(found - labels.begin());
}

nlohmann::ordered_json TaskInfo::to_json() const {
  nlohmann::ordered_json json = {{"key", key},
                                 {"name", name},
                                 {"kind", kind},
                                 {"pair", pair},
                                 {"regression", regression},
                                 {"labels", labels},
                                 {"metrics", metrics}};
  if (kind == "lm")
    json["text"] = {{"all", text.all}, {"chat_format", text.chat_format},
                    {"cut", text.cut}, {"separator", text.separator},
                    {"end", text.end}, {"linearization", text.linearization}};
  if (key == "seq2seq" || text.encoder)
    json["text"].update({{"encoder", text.encoder},
                         {"start", text.start},
                         {"max_target_length", text.max_target_length},
                         {"source", text.source},
                         {"target", text.target},
                         {"source_prefix", text.source_prefix}});
  return json;
}

TaskInfo TaskInfo::from_json(const nlohmann::ordered_json& json) {
  try {
    TaskInfo info;
    json.at("key").get_to(info.key);
    json.at("name").get_to(info.name);
    json.at("pair").get_to(info.pair);
    json.at("regression").get_to(info.regression);
    info.kind = info.regression ? "regress" : "classify";  // what older records do not say
    if (json.contains("kind")) json.at("kind").get_to(info.kind);
    json.at("labels").get_to(info.labels);
    json.at("metrics").get_to(info.metrics);
    if (json.contains("text")) {
      const nlohmann::ordered_json& text = json.at("text");
      text.at("all").get_to(info.text.all);
      text.at("chat_format").get_to(info.text.chat_format);
      text.at("cut").get_to(info.text.cut);
      text.at("separator").get_to(info.text.separator);
      text.at("end").get_to(info.text.end);
      text.at("linearization").get_to(info.text.linearization);
      if (text.contains("encoder")) {
        text.at("encoder").get_to(info.text.encoder);
        text.at("start").get_to(info.text.start);
        text.at("max_target_length").get_to(info.text.max_target_length);
        text.at("source").get_to(info.text.source);
        text.at("target").get_to(info.text.target);
        text.at("source_prefix").get_to(info.text.source_prefix);
      }
    }
    return info;
  } catch (const nlohmann::json::exception& e) {
    engine::fail("task", "not the description of a task: ", e.what());
  }
}

const Split& TaskData::split(const std::string& split_name) const {
  const auto found = splits.find(split_name);
  if (found != splits.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [name, split] : splits) names.push_back(name);
  engine::fail(info.name, "there is no split '", split_name, "'",
               engine::hint("found were: " + listed(names)));
}

}  // namespace data
