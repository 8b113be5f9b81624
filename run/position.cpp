#include "run/position.h"

#include "engine/io/hash.h"

namespace run {

using engine::check;
using engine::Json;

void check_rules(const FinetuneSettings& settings) {
  const std::filesystem::path file = std::filesystem::path(settings.out) / "run.json";
  if (!settings.resume || settings.out.empty() || !std::filesystem::exists(file)) return;
  const Json record = engine::json_file(file);
  if (!engine::has(record, "settings")) return;
  const int rules = FinetuneSettings::from_json(record["settings"], file.string()).rules;
  engine::check(
      rules == kRules, "--resume", "the run in ", settings.out, " was begun under rules ", rules,
      ", and this program has rules ", kRules,
      engine::hint("finish it with the version that began it (",
                   engine::get_or<std::string>(record, "engine_version", "?", "run.json"), ", ",
                   engine::get_or<std::string>(record, "git_revision", "?", "run.json"),
                   "), or begin a new one; nothing was changed"));
}

std::string run_identity(Json identity) {
  for (const std::string& key : FinetuneSettings::may_change()) identity.erase(key);
  const std::string text = engine::json_text(identity);
  return engine::hash_bytes(text.data(), text.size());
}

void check_belongs(const engine::TrainingState& state, const Position& position,
                   const std::string& run, const Length& length, const std::string& where) {
  const auto advice = engine::hint(
      "put the run's own training_state.safetensors back, or begin a new run; nothing was changed");
  check(position.run.empty() || position.run == run, where, "is the state of another run", advice);
  const int64_t each = length.grad_accumulation;
  const bool in_range = state.step >= 0 && state.step <= length.updates && state.epoch >= 0 &&
                        state.epoch <= state.step && state.batch >= 0 &&
                        state.batch < length.batches;
  // The last update of an epoch takes what is left of it.
  const bool reached = in_range && state.epoch * ((length.batches + each - 1) / each) +
                                           (state.batch + each - 1) / each ==
                                       state.step;
  check(reached && state.optimizer_steps == state.step, where, "is at step ", state.step,
        " (of the optimizer ", state.optimizer_steps, "), epoch ", state.epoch, ", batch ",
        state.batch, ", where this run of ", length.updates, " steps and ", length.batches,
        " batches an epoch never is", advice);
}

}  // namespace run
