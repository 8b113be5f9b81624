// The settings that a paper trains and writes with, by name: "lora-e2e".
//
// They are for the paper's model (GPT-2 medium, RoBERTa-base): a smaller one usually wants a higher
// rate. What no paper's setting says keeps its default.
#pragma once

#include <string>
#include <vector>

#include "run/settings.h"

namespace run {

struct Preset {
  std::string name;       // method and task: "prefix-webnlg"
  std::string about;      // a line: the method, the model, the paper
  engine::Json finetune;  // by the names of FinetuneSettings::to_json
  engine::Json generate;  // by transformers' names; empty where the task is not about texts
};

const std::vector<Preset>& presets();
// Throws engine::Error that lists the names.
const Preset& preset(const std::string& name);

// Sets what the preset says, and settings.preset; the rest of `settings` stays.
void use_preset(FinetuneSettings& settings, const Preset& preset);

// Lines for a person: the flags that stand for `sets`, a part of the preset, and those among them
// that have another value in `now` (by the same names), because it was given.
std::string preset_text(const Preset& preset, const engine::Json& sets, const engine::Json& now);

}  // namespace run
