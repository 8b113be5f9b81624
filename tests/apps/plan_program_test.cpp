// peft plan as a program: what it prints, and how little memory it takes.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/io/json.h"
#include "tests/apps/plan_configs.h"
#include "tests/support/paths.h"

using engine::Json;
using testing::bert_json;

namespace {

struct Program {
  int code;
  std::string out;
  int64_t resident_bytes;
};

Program peft_program(std::vector<std::string> words) {
  const testing::TempDir dir;
  const std::string program = (testing::binary_dir() / "bin" / "peft").string();
  words.insert(words.begin(), "peft");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string log = (dir / "out").string();
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    ::dup2(fd, 1);
    ::dup2(fd, 2);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  int status = 0;
  rusage usage{};
  ::wait4(child, &status, 0, &usage);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, testing::read_file(log),
          usage.ru_maxrss * 1024};
}

struct Planned {
  Json plan;
  int64_t resident_bytes;
};

// `peft plan --json` of a config.json.
Planned plan_of(const std::string& file, const std::vector<std::string>& more) {
  std::vector<std::string> words = {"plan", "--model", file, "--json"};
  words.insert(words.end(), more.begin(), more.end());
  const Program p = peft_program(words);
  CAPTURE(p.out);
  REQUIRE(p.code == 0);
  return {engine::parse_json(p.out, "plan")[0], p.resident_bytes};
}

}  // namespace

TEST_CASE("peft plan: BERT-large at 512 x 512 tokens needs little memory") {
  const testing::TempDir dir;
  const std::string file = (dir / "config.json").string();
  testing::write_file(file, engine::json_text(bert_json(1024, 24, 16)));
  const auto [plan, resident_bytes] =
      plan_of(file, {"--strategy", "full", "--batch-size", "512", "--max-length", "512"});
  CHECK(plan["trainable_parameters"] == 335143938);
  CHECK(plan["step"]["tokens"] == 512 * 512);
  CHECK(plan["step"]["pieces"] == 512);
  // Forward and twice that for backward, over 2 FLOPs a weight and token at least.
  CHECK(plan["step"]["gemm_flops"].get<double>() > 3 * 2 * 302e6 * 512 * 511);
  CHECK(plan["memory"]["total_bytes"].get<int64_t>() > 16 * int64_t{335143938});
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(resident_bytes < 100 << 20);
#endif
}

TEST_CASE("peft plan: the config.json of LLaMA 2, as it is published") {
  const testing::TempDir dir;
  const std::string file = (dir / "config.json").string();
  testing::write_file(file, R"({
  "_name_or_path": "meta-llama/Llama-2-7b-hf", "architectures": ["LlamaForCausalLM"],
  "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 4096,
  "initializer_range": 0.02, "intermediate_size": 11008, "max_position_embeddings": 4096,
  "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 32,
  "num_key_value_heads": 32, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": null,
  "tie_word_embeddings": false, "torch_dtype": "float16", "transformers_version": "4.31.0.dev0",
  "use_cache": true, "vocab_size": 32000})");
  const Json plan =
      plan_of(file, {"--strategy", "lora:r=8", "--batch-size", "4", "--max-length", "256"}).plan;
  CHECK(plan["base_parameters"] == 6738415616);
  CHECK(plan["trainable_parameters"] == 4194304);
  CHECK(plan["head_parameters"] == 0);
  CHECK(plan["step"]["saved_bytes"].get<int64_t>() > 0);
  CHECK(plan["memory"]["pool_bytes"] > plan["step"]["saved_bytes"]);
  CHECK(plan["step"]["forward"]["flops"].get<double>() > 2 * 6.6e9 * 1024);
  // All strategies side by side, and as a classifier of three classes.
  const Program table = peft_program({"plan", "--model", file, "--num-labels", "3"});
  CHECK(table.code == 0);
  CHECK(table.out.find("12,288 in the head") != std::string::npos);
  CHECK(table.out.find("bitfit") != std::string::npos);
  CHECK(peft_program({"plan", "--strategy", "full"}).code == 2);
  CHECK(peft_program({"plan", "--model", file, "--batch-size", "0"}).code == 1);
}

TEST_CASE("peft plan: a GGUF file says what a config.json does") {
  const std::vector<std::string> more = {"--strategy", "lora:r=2", "--max-length", "16"};
  const Json gguf = plan_of(testing::golden("gguf/llama.gguf").string(), more).plan,
             folder = plan_of(testing::golden("decoders/llama/config.json").string(), more).plan;
  CHECK(gguf["base_parameters"] == folder["base_parameters"]);
  CHECK(gguf["step"]["gemm_flops"] == folder["step"]["gemm_flops"]);
}
