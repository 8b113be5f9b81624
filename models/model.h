// A transformer of any family, as tasks and strategies see it.
//
//   const auto model = make_model(json_file("config.json"), "config.json");     // registry.h
//   const Tensor x = model->encode(g, batch);                                   // (tokens, hidden)
//
// The model is the root of its tree: a head is declared in it (heads.h) and has its name there, as
// in Hugging Face: "bert.encoder..." and "classifier.weight". It holds no state of a step, so it
// may be called several times in one graph.
#pragma once

#include <string>

#include "engine/base/token_batch.h"
#include "engine/io/json.h"
#include "engine/nn/embedding.h"
#include "engine/nn/hooks.h"
#include "engine/ops/activation.h"
#include "engine/ops/kv_cache.h"

namespace models {

// What the rest of the program asks about a model.
struct Facts {
  std::string model_type;  // config.json's "model_type"
  int layers = 0;
  int64_t hidden = 0;
  int heads = 0;
  int kv_heads = 0;        // of keys and values; `heads` unless several queries share one
  int64_t ffn = 0;         // inner width of the feed-forward
  int64_t embedding = 0;   // width of the word table; `hidden` but in ELECTRA
  int64_t vocab = 0;       // rows of the word table
  int64_t types = 0;       // token types; 0: the model has none
  int64_t longest = 0;     // tokens of a sequence, special ones included
  double init_std = 0.02;  // of fresh weights ("initializer_range")
  bool causal = false;     // a token sees those before it only

  // Of an encoder-decoder; all above is its encoder's then, and `vocab` of both.
  int decoder_layers = 0;      // 0: the model has one stack
  int64_t longest_output = 0;  // tokens that the decoder reads, the first included
  int32_t decoder_start = -1;  // the id that every output begins with; -1: the config has none

  bool encodes_and_decodes() const { return decoder_layers > 0; }
  bool writes() const { return causal || encodes_and_decodes(); }
};

enum class HeadKind {
  classification,        // a label (or a number) a sequence
  token_classification,  // a label a token
  masked_lm,             // the word behind a mask
  replaced_token,        // was this token put in? (ELECTRA)
  language_model,        // the next word
};
const char* head_kind_name(HeadKind kind);  // "classification", ...

// A family's head of one kind, as Hugging Face builds it:
//   x -> [drop] -> [dense -> act -> [norm]] -> [drop] -> out
// where out is a layer of its own or the table of words (tied).
enum class Pooling { token, mean };  // what a label of a sequence is read from

struct HeadNames {
  std::string architecture;  // "BertForSequenceClassification", for config.json
  std::string dense;         // name of the first layer; empty: there is none
  engine::Role dense_role = engine::Role::head;
  engine::Activation act = engine::Activation::gelu;
  int64_t width = 0;  // of dense; 0: the model's hidden size
  bool dense_bias = true;
  bool drop_first = true;     // dropout before dense, too
  double first_dropout = -1;  // of that; -1: as dropout
  std::string norm;           // name of a LayerNorm after act; empty: none
  double norm_eps = 1e-12;
  bool norm_bias = true;
  Pooling pooling = Pooling::token;  // of classification: the first (causal: last) token, or all
  std::string out;                   // name of the last layer
  bool out_bias = true;              // of a last layer of its own
  bool tied = false;                 // the last layer is the table of words ...
  std::string tied_bias;             // ... with this bias; empty: without one
  bool fixed_bias = false;           // that bias never learns, and is there untied too (BART)
  double dropout = 0;
};

class CrossMemory;  // models/cross.h

// What is asked of an encoder beside the batch.
struct Ask {
  const engine::RowSelection* rows = nullptr;  // only these rows of the result; null: all
  // What the batch's sequences continue, each from its own length; it grows by the batch. Only for
  // causal models, in a graph that does not record.
  engine::KvCache* cache = nullptr;
  // Whether a prompt in front (prompt tuning) belongs to the sequence, as for PEFT's classifiers on
  // an encoder: a row that is its sequence's first means the prompt's first, and without `rows` the
  // result has the prompt's rows too, in front of each sequence's.
  bool counts_prompt = false;
  // With `cache`, of an encoder-decoder: what the decoder knows of the sources. Empty: the batch's
  // input is read and kept there; else the input is not looked at.
  CrossMemory* sources = nullptr;
};

class Model : public engine::Module {
 public:
  virtual const Facts& facts() const = 0;
  // (tokens, hidden) of the last layer, with the last norm of a pre-LN model; or (rows, hidden) at
  // ask.rows: the same values there for less work (dropout masks are drawn for fewer rows). Errors:
  // a sequence longer than facts().longest, an id outside the table.
  // Of an encoder-decoder the rows are batch.output's: one output for each sequence of the input.
  // A prompt in front of the words is computed with them, and is no row of the result unless
  // ask.counts_prompt.
  engine::Tensor encode(engine::Graph& g, const engine::Batch& batch, const Ask& ask = {});
  // The table of words, for tied heads.
  virtual engine::Embedding& words() = 0;
  // Throws for a kind of head that the family does not have.
  virtual HeadNames names(HeadKind kind) const = 0;
  // config.json: what was read, completed by the defaults that were used.
  virtual engine::Json to_json() const = 0;

  // The places for strategies in the model and its head; pointers into it.
  engine::Sites sites();

 protected:
  // encode() of a family: the batch as it is, where negative ids are a prompt's rows (look_up).
  virtual engine::Tensor forward(engine::Graph& g, const engine::Batch& batch, const Ask& ask) = 0;
  [[noreturn]] void no_head(HeadKind kind) const;
};

}  // namespace models
