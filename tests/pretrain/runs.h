// Short pretraining runs on the toy corpus, and what two of them must have in common.
#pragma once

#include "run/pretrain/pretrainer.h"
#include "tests/pretrain/toy.h"

namespace toy {

inline run::PretrainSettings options_of(const toy::Folder& f, const std::string& out) {
  run::PretrainSettings o;
  o.corpus = {(f.dir / "corpus.txt").string()};
  o.tokenizer = f.dir / "tokenizer";
  o.cache = f.dir / "cache";
  o.out = f.dir / out;
  o.model = "random:layers=2,hidden=32,heads=2,ffn=64,positions=64";
  o.steps = 30;
  o.max_length = 32;
  o.batch_tokens = 512;
  o.held_out = 10;
  o.eval_every = 10;
  o.log_every = 4;
  o.warmup_ratio = 0.1;
  o.lr = 3e-3;
  o.peak_gflops = 100;
  o.quiet = true;
  return o;
}

inline run::PretrainWatcher nobody;  // looks on

inline std::vector<float> values(const run::Pretrainer& p) {
  const auto& block = p.store().block();
  return {block.value, block.value + block.size};
}

// What two runs must have in common: everything but times.
inline std::vector<std::string> curve(const std::filesystem::path& out) {
  std::vector<std::string> lines;
  for (engine::Json line : engine::read_metrics(out / "metrics.jsonl")) {
    for (const char* key : {"seconds", "tokens_per_second", "part_of_peak"}) line.erase(key);
    lines.push_back(engine::json_text(line));
  }
  return lines;
}

}  // namespace toy
