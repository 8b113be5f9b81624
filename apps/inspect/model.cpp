#include "apps/inspect/model.h"

#include <filesystem>

#include "apps/common/main_guard.h"
#include "run/by_name.h"
#include "run/gguf_tokenizer.h"
#include "run/plan.h"
#include "run/session.h"

namespace apps {

namespace fs = std::filesystem;
using engine::check;
using engine::hint;

namespace {

void need_model(const InspectOptions& options) {
  if (options.model.empty())
    throw UsageError(engine::concat(
        "no --model was given",
        hint("a Hugging Face folder, a config.json, or random:layers=2,hidden=128")));
}

}  // namespace

Inspected open_inspected(const InspectOptions& options, const std::string& fallback) {
  need_model(options);
  Inspected out;
  int64_t vocabulary = 30522;
  if (models::is_random_model(options.model) && !options.tokenizer.empty())
    vocabulary = open_tokenizer(options)->vocab_size();
  // A folder with its configuration alone is enough to look at.
  fs::path model = run::by_name(options.model, run::Need::config);
  std::error_code ignored;
  if (fs::is_regular_file(model / "config.json", ignored) &&
      !fs::exists(model / "model.safetensors", ignored) &&
      !fs::exists(model / "model.safetensors.index.json", ignored))
    model /= "config.json";
  out.source = models::open_model(model.string(), vocabulary);
  out.source.config.head = run::planned_head(out.source.config, 0);
  out.model = std::make_unique<models::SequenceClassifier>(out.source.config);
  out.sites = out.model->sites();
  std::string spec = options.strategy.empty() ? fallback : options.strategy;
  if (!options.pattern.empty()) {
    check(options.strategy.empty(), "inspect", "--pattern and --strategy cannot both be given",
          hint("--strategy 'lora:pattern=...' is one spec"));
    spec = "lora:pattern=" + options.pattern;
  }
  if (!spec.empty()) {
    out.strategy = peft::make_strategy(spec);
    peft::apply(*out.strategy, out.sites, *out.model);
  }
  return out;
}

run::ModelRequest model_request(const InspectOptions& options) {
  run::ModelRequest request;
  request.model = options.model;
  request.adapter = options.adapter;
  request.tokenizer = options.tokenizer;
  request.seed = options.seed;
  return request;
}

std::unique_ptr<data::Tokenizer> open_tokenizer(const InspectOptions& options) {
  if (!options.tokenizer.empty())
    return run::load_tokenizer(run::by_name(options.tokenizer, run::Need::tokenizer));
  need_model(options);
  const std::string model = run::by_name(options.model, run::Need::tokenizer);
  std::error_code ignored;
  check(models::is_random_model(model) || fs::exists(model, ignored), "model", "there is no ",
        options.model);
  return run::load_tokenizer(run::tokenizer_folder(model, ""));
}

std::vector<TextInput> text_inputs(const InspectOptions& options) {
  std::vector<TextInput> out;
  for (const std::string& text : options.texts) {
    const size_t tab = text.find('\t');
    if (tab == std::string::npos)
      out.push_back({text, "", false});
    else
      out.push_back({text.substr(0, tab), text.substr(tab + 1), true});
  }
  if (!options.pair || (!out.empty() && out.front().pair)) return out;
  if (out.size() % 2 != 0)
    throw UsageError(engine::concat("--pair takes texts two by two, and there are ", out.size(),
                                    hint("or write a pair as one text with a TAB")));
  std::vector<TextInput> pairs;
  for (size_t i = 0; i < out.size(); i += 2) pairs.push_back({out[i].a, out[i + 1].a, true});
  return pairs;
}

data::Encoding encode(const data::Tokenizer& tokenizer, const TextInput& text, int max_length) {
  return text.pair ? tokenizer.encode_pair(text.a, text.b, max_length)
                   : tokenizer.encode(text.a, max_length);
}

}  // namespace apps
