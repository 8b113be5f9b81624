// Parameters: what a model declares, what a strategy marks, and where the values live.
//
// Order of events: modules declare parameters (a name and a shape, no memory) -> the strategy
// injects its own and marks what trains -> ParameterStore::allocate() -> values are loaded or
// initialised. Trainable values, gradients (and the optimizer's moments) are contiguous blocks in
// one order, so a norm is one sum, AdamW one loop, and a checkpoint of a BitFit run is kilobytes.
// Frozen values may stay in a read-only mapped file.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/autograd/leaf.h"

namespace engine {

// What a parameter or a site is for. Strategies choose by role and layer, never by the spelling of
// a name: an "output.dense" suffix also hits attention.output.dense.
enum class Role {
  embedding,  // word, position and token-type tables
  embedding_norm,
  embedding_projection,  // ELECTRA: embedding size to hidden size
  query,
  key,
  value,
  attention_output,
  attention_norm,
  ffn_in,    // LLaMA: up_proj
  ffn_gate,  // LLaMA: gate_proj
  ffn_out,
  ffn_norm,
  fused,       // the parameters of a linear layer that serves several roles (GPT-2: c_attn)
  final_norm,  // behind the last layer of a pre-LN stack
  pooler,
  lm_head,   // a pretrained output layer over the vocabulary
  head,      // the task's own layers: always trained
  other,     // none of these: found by name only
  injected,  // added by a strategy
};
const char* role_name(Role role);  // "query", "attention_output", ...

// Which stack of layers. Models with one stack have `only`.
enum class Stack { only, encoder, decoder };
const char* stack_name(Stack stack);
// Which attention of a layer: a decoder that reads an encoder has both.
enum class AttentionKind { self, cross };
const char* attention_kind_name(AttentionKind kind);

// Where a module stands. A layer's number alone is a place in a model with one stack.
struct Place {
  Place(int number) : layer(number) {}
  Place(Stack which, int number, AttentionKind kind = AttentionKind::self)
      : layer(number), stack(which), attention(kind) {}

  int layer;  // from 0; -1: before the first, number of layers: after the last
  Stack stack = Stack::only;
  AttentionKind attention = AttentionKind::self;
};

// kaiming_uniform with a = sqrt(5), as torch.nn.Linear and LoRA's A; sinusoids over the rows, as
// the fixed positions of Vaswani et al. 2017, of init_std: the start of a position table.
// derived: by Parameter::derive, from other parameters' values.
enum class Init { normal, zeros, ones, kaiming_uniform, sinusoids, derived };

struct Parameter : Leaf {
  std::string name;           // the Hugging Face name, complete; set by ParameterStore
  std::vector<int64_t> dims;  // {n} for a vector of shape (1, n), {out, in} for a weight
  Role role = Role::injected;
  int layer = -1;  // as Place::layer
  Stack stack = Stack::only;
  AttentionKind attention = AttentionKind::self;
  bool bias = false;   // an additive bias of any module, LayerNorm included
  bool norm = false;   // belongs to a LayerNorm or an RMSNorm
  bool fixed = false;  // a constant of the model, which no strategy trains
  Init init = Init::normal;
  double init_std = 0.02;
  // Init::derived: writes count() first values, once all other parameters have theirs.
  std::function<void(Scalar* to, uint64_t seed)> derive;
  bool may_be_half = false;         // read by products and look-ups alone, which know of BF16
  bool looked_up = false;           // ops look rows up in it, as in an embedding
  bool transposed_in_file = false;  // GPT-2's Conv1D stores (in, out)
  // Must be in a checkpoint; false for heads and injected modules, which may start fresh.
  bool required = true;
  bool loaded = false;   // got its values from a file (set by loading)
  bool in_base = false;  // the base checkpoint has it; what it lacks is saved with an adapter

  int64_t count() const { return shape.size(); }
  // Of its values, as they are held: floats, BF16, or both.
  int64_t held_bytes() const {
    return count() *
           static_cast<int64_t>((value ? sizeof(Scalar) : 0) + (half ? sizeof(BFloat16) : 0));
  }
  // AdamW decays neither biases nor norms (Hugging Face's Trainer, BERT).
  bool decays() const { return !bias && !norm; }
};

}  // namespace engine
