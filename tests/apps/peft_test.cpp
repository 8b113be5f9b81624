// The program peft: its commands, their help, and how flags may be spelled.
#include <doctest/doctest.h>

#include <algorithm>
#include <iostream>
#include <sstream>

#include "apps/common/command_line.h"
#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/finetune/command.h"
#include "apps/peft/commands.h"

namespace {

struct Said {
  int code;
  std::string out;
};

Said peft(std::vector<const char*> arguments, const char* program = "peft") {
  arguments.insert(arguments.begin(), program);
  std::ostringstream out;
  std::streambuf* before = std::cout.rdbuf(out.rdbuf());
  int code = -1;
  try {
    code = apps::run_command(static_cast<int>(arguments.size()), arguments.data());
  } catch (const apps::UsageError& e) {
    code = 2;
    out << e.what();
  } catch (...) {
    std::cout.rdbuf(before);
    throw;
  }
  std::cout.rdbuf(before);
  return {code, out.str()};
}

run::FinetuneSettings settings(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "finetune");
  return apps::parse_finetune(static_cast<int>(arguments.size()), arguments.data()).settings;
}

}  // namespace

TEST_CASE("every command explains itself in 80 columns, and says its version") {
  REQUIRE(apps::commands().size() >= 6);
  for (const apps::Command& c : apps::commands()) {
    CAPTURE(c.name);
    for (const char* flag : {"--help", "-h"}) {
      const Said help = peft({c.name.c_str(), flag});
      CHECK(help.code == 0);
      CHECK(help.out.find("Usage:") != std::string::npos);
      CHECK(help.out.find("peft " + c.name) != std::string::npos);
      std::istringstream lines(help.out);
      for (std::string line; std::getline(lines, line);)
        CHECK_MESSAGE(apps::display_width(line) <= 80, line);
    }
    CHECK(peft({c.name.c_str(), "--version"}).out == apps::version_text());
    CHECK(peft({"help", c.name.c_str()}).out == peft({c.name.c_str(), "--help"}).out);
    CHECK(peft({"--help"}).out.find("  " + c.name) != std::string::npos);
    if (c.program.empty()) continue;
    CHECK(peft({"--help"}, ("/usr/bin/" + c.program).c_str()).out ==
          peft({c.name.c_str(), "--help"}).out);
    CHECK(peft({"--version"}, c.program.c_str()).out == apps::version_text());
  }
}

TEST_CASE("without arguments a short usage, for a wrong command the nearest") {
  const Said none = peft({});
  CHECK(none.code == 2);
  CHECK(std::count(none.out.begin(), none.out.end(), '\n') <= 6);
  const Said finetune = peft({"finetune"});
  CHECK(finetune.code == 2);
  CHECK(std::count(finetune.out.begin(), finetune.out.end(), '\n') <= 6);
  const Said wrong = peft({"finetun"});
  CHECK(wrong.code == 2);
  CHECK(wrong.out.find("did you mean finetune?") != std::string::npos);
}

TEST_CASE("flags may be spelled as Hugging Face's scripts spell them") {
  const run::FinetuneSettings s = settings({"--model_name_or_path",
                                            "m",
                                            "--task_name=sst2",
                                            "--data_dir",
                                            "d",
                                            "--learning_rate",
                                            "3e-4",
                                            "--num_train_epochs=2",
                                            "--per_device_train_batch_size",
                                            "8",
                                            "--per-device-eval-batch-size",
                                            "9",
                                            "--max_seq_length",
                                            "77",
                                            "--output_dir",
                                            "o",
                                            "--gradient_accumulation_steps",
                                            "4",
                                            "--weight_decay",
                                            "0.1",
                                            "--warmup_ratio",
                                            "0.2",
                                            "--lr_scheduler_type",
                                            "cosine",
                                            "--max_grad_norm",
                                            "2",
                                            "--label_smoothing_factor",
                                            "0.3",
                                            "--seed",
                                            "5"});
  CHECK(s.model == "m");
  CHECK(s.task == "sst2");
  CHECK(s.data == "d");
  CHECK(s.lr == doctest::Approx(3e-4));
  CHECK(s.epochs == 2);
  CHECK(s.batch_size == 8);
  CHECK(s.eval_batch_size == 9);
  CHECK(s.max_length == 77);
  CHECK(s.out == "o");
  CHECK(s.grad_accumulation == 4);
  CHECK(s.weight_decay == doctest::Approx(0.1));
  CHECK(s.warmup_ratio == doctest::Approx(0.2));
  CHECK(s.schedule == "cosine");
  CHECK(s.max_grad_norm == doctest::Approx(2));
  CHECK(s.label_smoothing == doctest::Approx(0.3));
  CHECK(settings({"--train_file", "a.csv", "--validation_file", "b.csv", "--test_file", "c.csv"})
            .dev == "b.csv");
  // Those that mean something else here are refused with what to do.
  for (const char* flag : {"--save_steps=500", "--do_train", "--fp16", "--lora_r=8"})
    CHECK_THROWS_AS(settings({flag}), apps::UsageError);
  // Values are left as they are, and what follows -- too.
  CHECK(settings({"--text", "my_text"}).text == "my_text");
}

TEST_CASE("long lines are broken at spaces") {
  CHECK(apps::wrap("one two three\nfour", 9, 2) == "one two\n  three\nfour\n");
  CHECK(apps::wrap("unbreakable_word", 4, 2) == "unbreakable_word\n");
  CHECK(apps::wrap("          a=1   help", 12, 4) == "          a=1\n    help\n");
}
