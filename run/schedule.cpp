#include "run/schedule.h"

#include <algorithm>

namespace run {

int64_t total_updates(const FinetuneSettings& settings, int64_t batches_per_epoch) {
  if (settings.max_steps > 0) return settings.max_steps;
  const int64_t micro_batches = settings.grad_accumulation;
  return settings.epochs * ((batches_per_epoch + micro_batches - 1) / micro_batches);
}

engine::Schedule make_schedule(const FinetuneSettings& settings, int64_t updates) {
  int64_t warmup = settings.warmup_steps > 0
                       ? std::min(settings.warmup_steps, updates)
                       : engine::warmup_updates(updates, settings.warmup_ratio);
  if (settings.schedule.starts_with("hf_")) return {settings.schedule.substr(3), updates, warmup};
  warmup = std::min(warmup, std::max<int64_t>(0, updates - 1));
  return {settings.schedule, updates, warmup, engine::Warmup::above_zero};
}

}  // namespace run
