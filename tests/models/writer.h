// A small encoder-decoder with random weights, odd sizes and stacks that differ, and pairs for it.
#pragma once

#include "tests/models/subject.h"

namespace testing {

inline constexpr const char* kEncoderDecoderTypes[] = {"bart", "mbart", "t5"};

// Odd sizes, and stacks that differ.
inline Json config_of(const std::string& type) {
  if (type == "t5")
    return {{"model_type", type},
            {"vocab_size", 41},
            {"d_model", 12},
            {"d_kv", 5},
            {"d_ff", 20},
            {"num_layers", 2},
            {"num_decoder_layers", 3},
            {"num_heads", 2},
            {"relative_attention_num_buckets", 6},
            {"relative_attention_max_distance", 5},
            {"dropout_rate", 0.0},
            {"feed_forward_proj", "gated-gelu"},
            {"decoder_start_token_id", 2}};
  return {{"model_type", type},
          {"vocab_size", 41},
          {"max_position_embeddings", 24},
          {"d_model", 12},
          {"encoder_layers", 2},
          {"decoder_layers", 3},
          {"encoder_attention_heads", 3},
          {"decoder_attention_heads", 2},
          {"encoder_ffn_dim", 20},
          {"decoder_ffn_dim", 14},
          {"activation_function", "gelu"},
          {"dropout", 0.0},
          {"attention_dropout", 0.0},
          {"init_std", 0.3},
          {"scale_embedding", type == "mbart"},
          {"decoder_start_token_id", 2}};
}

struct Pair {
  std::vector<int32_t> source, output;
};
inline const std::vector<Pair> kPairs = {{{5, 9, 33, 7}, {2, 17, 4}},
                                         {{8}, {2, 6, 11, 29, 3}},
                                         {{12, 13, 40, 1, 0, 22, 9}, {2}},
                                         {{3, 3, 3}, {2, 38}}};

inline engine::Batch batch_of(const std::vector<Pair>& pairs) {
  engine::Batch batch;
  for (const Pair& pair : pairs) {
    batch.ids.insert(batch.ids.end(), pair.source.begin(), pair.source.end());
    batch.segments.add(static_cast<int32_t>(pair.source.size()));
    batch.output.ids.insert(batch.output.ids.end(), pair.output.begin(), pair.output.end());
    batch.output.segments.add(static_cast<int32_t>(pair.output.size()));
    for (size_t i = 0; i < pair.output.size(); ++i)
      batch.targets.push_back(i + 1 < pair.output.size() ? pair.output[i + 1] : 4);
  }
  return batch;
}

struct Writer {
  explicit Writer(const std::string& type, const std::string& spec = "frozen", bool values = true) {
    models::ModelConfig config = models::config_from_json(config_of(type), type);
    config.head = models::HeadKind::language_model;
    model = std::make_unique<models::SequenceClassifier>(config);
    strategy = peft::make_strategy(spec);
    auto sites = model->sites();
    peft::apply(*strategy, sites, *model);
    if (!values) return;
    store = std::make_unique<engine::ParameterStore>(*model);
    store->allocate();
    store->initialise(3);
    workspace.pool.set_poison(true);
  }
  // Away from the neutral start, where half the gradients are zero.
  void leave_neutral() {
    engine::Random random(7);
    for (engine::Parameter* p : store->all())
      if (p->role == engine::Role::injected)
        for (int64_t i = 0; i < p->count(); ++i)
          store->own(*p)[i] += static_cast<Scalar>(0.2 * random.normal());
  }
  engine::Tensor loss(engine::Graph& g, const engine::Batch& batch) {
    return model->vocabulary().loss(g, model->encode(g, batch), batch.targets);
  }
  Matrix logits(const engine::Batch& batch) {
    engine::Graph g(workspace, {.record = false});
    return model->vocabulary().logits(g, model->encode(g, batch)).mat();
  }

  engine::Workspace workspace;
  std::unique_ptr<models::SequenceClassifier> model;
  std::unique_ptr<peft::Strategy> strategy;
  std::unique_ptr<engine::ParameterStore> store;
};

}  // namespace testing
