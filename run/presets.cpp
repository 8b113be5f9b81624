// Sources:
//   lora (tables)  Hu et al. 2021, table 11 (GPT-2); n-grams and lengths from microsoft/LoRA,
//                  examples/NLG
//   lora (GLUE)    the same, table 9 (RoBERTa-base); its scripts have alpha 16
//   prefix         Li and Liang 2021, by the defaults of XiangLi1999/PrefixTuning (train_e2e.py,
//                  its README for WebNLG). Its loss sums over a text, ours is a mean over tokens
//   adapter, full, top2
//                  the same code's other modes; sizes of adapters are the 3 % and 0.1 % of
//                  GPT-2 medium
//   bitfit         Ben Zaken et al. 2022, by the defaults of its code
#include "run/presets.h"

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/nearest.h"

namespace run {

using engine::Json;

namespace {

Preset lora_tables(const std::string& task) {
  const bool dart = task == "dart";
  return {"lora-" + task,
          "LoRA on GPT-2 medium (Hu et al. 2021, table 11)",
          {{"task", task},
           {"linearization", "lora"},
           {"strategy", dart ? "lora:r=4,alpha=32,roles=query+value"
                             : "lora:r=4,alpha=32,dropout=0.1,roles=query+value"},
           {"lr", 2e-4},
           {"schedule", "linear"},
           {"warmup_steps", 500},
           {"weight_decay", dart ? 0.0 : 0.01},
           {"label_smoothing", dart ? 0.0 : 0.1},
           {"batch_size", 8},
           {"epochs", 5}},
          {{"num_beams", 10},
           {"length_penalty", task == "e2e" ? 0.9 : 0.8},
           {"no_repeat_ngram_size", 4},
           {"max_new_tokens", 64}}};
}

// One of the methods of prefix-tuning's code, which differ in the strategy alone.
Preset prefix_tables(const std::string& method, const std::string& about, const std::string& task,
                     const std::string& strategy) {
  return {method + "-" + task,
          about + " on GPT-2 medium (Li and Liang 2021, its code)",
          {{"task", task},
           {"linearization", "prefix-tuning"},
           {"strategy", strategy},
           {"lr", 5e-5},
           {"schedule", "linear"},
           {"warmup_ratio", 0.0},
           {"weight_decay", 0.0},
           {"batch_size", task == "webnlg" ? 5 : 10},
           {"epochs", 5}},
          {{"num_beams", 5}, {"max_new_tokens", 100}}};
}

struct LoraGlue {
  const char* task;
  int batch, epochs;
  double lr;
};
constexpr LoraGlue kLoraGlue[] = {
    {"mnli", 16, 30, 5e-4}, {"sst2", 16, 60, 5e-4}, {"mrpc", 16, 30, 4e-4}, {"cola", 32, 80, 4e-4},
    {"qnli", 32, 25, 4e-4}, {"qqp", 16, 25, 5e-4},  {"rte", 32, 80, 5e-4},  {"stsb", 16, 40, 4e-4},
};

Preset lora_glue(const LoraGlue& g) {
  return {std::string("lora-") + g.task,
          "LoRA on RoBERTa-base (Hu et al. 2021, table 9)",
          {{"task", g.task},
           {"strategy", "lora:r=8,alpha=8,roles=query+value"},
           {"lr", g.lr},
           {"schedule", "linear"},
           {"warmup_ratio", 0.06},
           {"batch_size", g.batch},
           {"epochs", g.epochs},
           {"max_length", 512}},
          Json::object()};
}

Preset bitfit_glue(const std::string& task) {
  return {"bitfit-" + task,
          "BitFit on BERT-base, cased (Ben Zaken et al. 2022, its code)",
          {{"task", task},
           {"strategy", "bitfit"},
           {"lr", 1e-3},
           {"schedule", "constant"},
           {"warmup_ratio", 0.0},
           {"weight_decay", 0.0},
           {"batch_size", 8},
           {"epochs", 16},
           {"max_length", 128}},
          Json::object()};
}

std::vector<Preset> make_presets() {
  std::vector<Preset> all;
  const char* const tables[] = {"e2e", "webnlg", "dart"};
  for (const std::string task : tables) all.push_back(lora_tables(task));
  for (const std::string task : tables)
    all.push_back(prefix_tables(
        "prefix", "prefix-tuning", task,
        task == "webnlg" ? "prefix:length=5,hidden=512" : "prefix:length=10,hidden=512"));
  for (const std::string task : tables)
    all.push_back(
        prefix_tables("adapter", "adapters of 3 %", task, "adapter:kind=pfeiffer,size=224"));
  for (const std::string task : tables)
    all.push_back(
        prefix_tables("adapter-small", "adapters of 0.1 %", task, "adapter:kind=pfeiffer,size=6"));
  for (const std::string task : tables)
    all.push_back(prefix_tables("full", "full fine-tuning", task, "full"));
  for (const std::string task : tables)
    all.push_back(prefix_tables("top2", "the last two layers", task, "top:layers=2"));
  for (const LoraGlue& g : kLoraGlue) all.push_back(lora_glue(g));
  for (const LoraGlue& g : kLoraGlue) all.push_back(bitfit_glue(g.task));
  return all;
}

}  // namespace

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = make_presets();
  return all;
}

const Preset& preset(const std::string& name) {
  std::vector<std::string> names;
  for (const Preset& each : presets()) {
    if (each.name == name) return each;
    names.push_back(each.name);
  }
  std::string list;
  for (const std::string& each : names) list += (list.empty() ? "" : ", ") + each;
  const std::string near = engine::nearest(name, names);
  engine::fail("preset", "there is no preset '", name, "'",
               near.empty() ? "" : ", did you mean " + near + "?", engine::hint("known: ", list));
}

void use_preset(FinetuneSettings& settings, const Preset& preset) {
  settings.take(preset.finetune, "preset " + preset.name);
  settings.generation = preset.generate;
  settings.preset = preset.name;
}

std::string preset_text(const Preset& preset, const Json& sets, const Json& now) {
  std::string taken, given;
  for (const auto& [name, value] : sets.items()) {
    std::string flag = "--" + name;
    std::replace(flag.begin(), flag.end(), '_', '-');
    const auto it = now.find(name);
    const Json& stands = it == now.end() ? value : *it;
    const std::string word = stands.is_string() ? stands.get<std::string>() : stands.dump();
    (stands == value ? taken : given) += " " + flag + " " + word;
  }
  return "preset    " + preset.name + ", " + preset.about + ":" + taken + "\n" +
         (given.empty() ? "" : "          given instead:" + given + "\n");
}

}  // namespace run
