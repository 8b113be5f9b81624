// GLUE without --data: a task's files from GLUE's official addresses, kept in a folder of ours in
// Hugging Face's home: $HF_HOME/peft_cpp/glue/SST-2/train.tsv.
//
// Not in hub/, where huggingface_hub calls everything damaged that is no repository, and not in
// datasets/, which holds Arrow files under names that the datasets package computes.
#pragma once

#include <filesystem>
#include <string>

namespace run {

// $HF_HOME/peft_cpp/glue: a folder for each task that was fetched.
std::filesystem::path glue_cache();

// The folder of a task's files, fetched first if it is not there. No network is used for what is
// there. PEFT_GLUE_URL replaces https://dl.fbaipublicfiles.com, HF_HUB_OFFLINE forbids asking, and
// hub::watcher() sees the progress. Throws engine::Error that says what was looked for, where, and
// how to place the files by hand.
std::string glue_by_name(const std::string& task);

}  // namespace run
