// Small runs of peft finetune for tests: their data, their settings, and what they say.
#pragma once

#include <filesystem>
#include <string>

#include "run/finetune.h"
#include "tests/run/stop_after.h"
#include "tests/support/errors.h"
#include "tests/support/paths.h"

namespace testing {

namespace fs = std::filesystem;
using run::FinetuneSettings;

inline constexpr const char* kTokenizer = "data/pretrained/peft-2x256";

// 24 short reviews in SST-2's format, 8 of them for dev, 3 for test.
inline void write_task(const fs::path& folder) {
  const char* good[] = {"a lovely warm film", "great food and kind people", "i liked every page",
                        "works well and looks good"};
  const char* bad[] = {"a dull cold film", "awful food and rude people", "i hated every page",
                       "breaks soon and looks bad"};
  std::string train = "sentence\tlabel\n", dev = train, test = "index\tsentence\n";
  for (int i = 0; i < 16; ++i)
    train += std::string(i % 2 ? good[i / 2 % 4] : bad[i / 2 % 4]) + " really\t" +
             (i % 2 ? "1\n" : "0\n");
  for (int i = 0; i < 8; ++i)
    dev += std::string(i % 2 ? good[i / 2 % 4] : bad[i / 2 % 4]) + "\t" + (i % 2 ? "1\n" : "0\n");
  for (int i = 0; i < 3; ++i) test += std::to_string(i) + "\t" + good[i] + "\n";
  write_file(folder / "train.tsv", train);
  write_file(folder / "dev.tsv", dev);
  write_file(folder / "test.tsv", test);
}

inline FinetuneSettings tiny(const fs::path& data, const fs::path& out) {
  FinetuneSettings s;
  s.task = "sst2";
  s.data = data.string();
  s.model = "random:layers=2,hidden=16,heads=2,ffn=32,positions=32";
  s.tokenizer = (source_dir() / kTokenizer).string();
  s.out = out.string();
  s.max_length = 16;
  s.batch_size = 4;
  s.epochs = 2;
  s.log_every = 1;
  s.threads = 2;
  s.lr = 1e-3;
  return s;
}

inline run::RunResult train(const FinetuneSettings& s, int stop_after = -1) {
  StopAfter watcher(stop_after);
  return run::finetune(s, watcher);
}

// What finetune complains of; empty: nothing.
inline std::string failure(const FinetuneSettings& s) {
  return message_of([&] { train(s); });
}

inline bool same_bytes(const fs::path& a, const fs::path& b) {
  return read_file(a) == read_file(b);
}

}  // namespace testing
