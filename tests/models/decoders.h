// Tiny decoders with what transformers and PEFT compute for them (tools/goldens/decoders.py).
#pragma once

#include <filesystem>

#include "engine/io/checkpoint.h"
#include "models/heads.h"
#include "models/registry.h"
#include "peft/adapter_file.h"
#include "tests/models/trainer.h"

namespace testing {

inline const std::vector<std::string> kDecoders = {"gpt2",       "gpt2-scaled", "llama", "llama3",
                                                   "llama-yarn", "mistral",     "qwen2", "qwen3"};

// A decoder's by its name, or another folder of goldens with its parent's.
inline std::filesystem::path folder_of(const std::string& name) {
  return golden(name.find('/') == std::string::npos ? "decoders/" + name : name);
}
inline Json golden_of(const std::string& name) {
  return engine::json_file(folder_of(name) / "golden.json");
}

using Prompts = std::vector<std::vector<int32_t>>;
inline Prompts prompts_of(const Json& golden) { return golden["prompts"].get<Prompts>(); }

// Sequences packed under one another, each token's successor as its target.
inline engine::Batch packed(const Prompts& prompts) {
  engine::Batch batch;
  for (const auto& ids : prompts) {
    batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
    batch.targets.insert(batch.targets.end(), ids.begin() + 1, ids.end());
    batch.targets.push_back(-1);
    batch.segments.add(static_cast<int32_t>(ids.size()));
  }
  return batch;
}

// A language model with a strategy, its values loaded.
struct Decoder {
  // `adapter`: "lora" or "prefix", PEFT's folder beside the model, or any folder; else `spec` is
  // used.
  explicit Decoder(const std::string& name, const std::string& spec = "full",
                   const std::string& adapter = "")
      : model(models::make_model(engine::json_file(folder_of(name) / "config.json"), name)),
        head(*model, models::HeadKind::language_model) {
    peft::AdapterFile file;
    if (!adapter.empty()) file = peft::load_adapter(folder_of(name) / adapter);
    strategy = peft::make_strategy(adapter.empty() ? spec : file.spec);
    engine::Sites sites = model->sites();
    peft::apply(*strategy, sites, *model);
    store = std::make_unique<engine::ParameterStore>(*model);
    store->allocate();
    engine::load_checkpoint(folder_of(name), *store);
    store->initialise(1);
    if (!adapter.empty()) peft::apply_adapter(file, *store, "");
    workspace.pool.set_poison(true);
  }

  Matrix logits(const engine::Batch& batch, const models::Ask& ask = {}) {
    engine::Graph g(workspace, {.record = false});
    return head.logits(g, model->encode(g, batch, ask)).mat();
  }
  std::vector<double> nll(const engine::Batch& batch) {
    std::vector<double> values(batch.targets.size());
    engine::Graph g(workspace, {.record = false});
    head.loss(g, model->encode(g, batch), batch.targets, {.nll = values.data()});
    return values;
  }
  engine::Trainer::Loss training_loss() {
    return [this](engine::Graph& g, const engine::Batch& batch) {
      return head.loss(g, model->encode(g, batch), batch.targets);
    };
  }

  engine::Workspace workspace;
  std::unique_ptr<models::Model> model;
  models::VocabularyHead head;
  std::unique_ptr<peft::Strategy> strategy;
  std::unique_ptr<engine::ParameterStore> store;
};

// Every token's loss, and the last logits.
inline void check_values(Decoder& decoder, const Json& wanted, const Prompts& prompts) {
  const engine::Batch batch = packed(prompts);
  const std::vector<double> nll = decoder.nll(batch);
  const Matrix logits = decoder.logits(batch);
  for (size_t p = 0; p < prompts.size(); ++p) {
    CAPTURE(p);
    const int32_t begin = batch.segments.begin(static_cast<int>(p));
    const auto length = static_cast<int32_t>(prompts[p].size());
    for (int32_t i = 0; i + 1 < length; ++i)
      CHECK(std::abs(nll[static_cast<size_t>(begin + i)] -
                     wanted["nll"][p][static_cast<size_t>(i)].get<double>()) < 2e-5);
    const auto last = wanted["last_logits"][p].get<std::vector<double>>();
    double worst = 0, size = 0;
    for (size_t c = 0; c < last.size(); ++c) {
      const double mine = logits(begin + length - 1, static_cast<Eigen::Index>(c));
      worst = std::max(worst, std::abs(mine - last[c]));
      size = std::max(size, std::abs(last[c]));
    }
    CHECK(worst < 1e-5 * size);
  }
}

// Ten AdamW steps; the prompts are the batches, in turns of two.
inline void check_losses(Decoder& decoder, const Json& wanted, const Prompts& prompts) {
  const engine::Batch first = packed({prompts[0], prompts[1]}),
                      second = packed({prompts[2], prompts[3]});
  Training training(decoder, 1e-3);
  for (size_t step = 0; step < 10; ++step) {
    CAPTURE(step);
    const double loss = training.step(step % 2 == 0 ? first : second).loss;
    CHECK(std::abs(loss - wanted[step].get<double>()) < 1e-4);
  }
}

}  // namespace testing
