// Typed sites: the places of a model that a strategy may use, by role and layer.
//
// A hook is a module that a strategy adds at a site. It must be a no-op on the output at the start
// (LoRA B = 0, adapter up = 0, IA3 = 1). Several hooks at one site run in the order in which they
// were added, so strategies compose with '+'.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/autograd/graph.h"
#include "engine/nn/module.h"

namespace engine {

class Linear;
class LayerNorm;

// At a linear layer y = x W^T + b.
class LinearHook : public Module {
 public:
  // Before the product (IA3 at feed-forward sites scales x).
  virtual Tensor input(Graph& g, Tensor x) { return x; }
  // After it (LoRA adds scale (x A^T) B^T, IA3 scales y). `x` is the layer's own input, before any
  // hook.
  virtual Tensor output(Graph& g, const Tensor& x, Tensor y) { return y; }
};

// What is known at the end of a sub-layer, before the residual sum and the LayerNorm.
struct SubLayer {
  const Tensor& in;   // (tokens, hidden) what went into the sub-layer: the residual
  const Tensor& out;  // (tokens, hidden) what came out of its last linear layer and dropout
  LayerNorm& norm;    // the LayerNorm that follows
};

// After a sub-layer (adapters): returns what takes the place of `out`.
class PointHook : public Module {
 public:
  virtual Tensor apply(Graph& g, const SubLayer& sub) = 0;
};

struct KeyValue {
  Tensor key, value;  // (length, hidden) each; empty when there is no prefix
};

// Extra keys and values in front of every sequence, at every layer (prefix tuning).
class KvHook : public Module {
 public:
  virtual KeyValue prefix(Graph& g, int layer) = 0;
};

struct LinearSite {
  Linear* linear;
  Role role;
  int layer;  // 0 .. layers - 1; `layers` for pooler and head
  int64_t out_begin,
      out_end;       // columns of the output that have this role (GPT-2's c_attn is three sites)
  std::string path;  // "bert.encoder.layer.0.attention.self.query"
};

enum class Point { after_attention, after_ffn };

struct PointSite {
  Point point;
  int layer;
  int64_t width;
  std::vector<std::unique_ptr<PointHook>>* hooks;
  Module* owner;     // the hook's names go below it ...
  std::string path;  // "bert.encoder.layer.0.attention.output"
};

struct KvSite {
  int layers = 0, heads = 0;
  int64_t width = 0;
  std::unique_ptr<KvHook>* hook = nullptr;
  Module* owner = nullptr;
};

struct Sites {
  std::string model_type;  // "bert", "roberta", "electra", "distilbert"
  int layers = 0, heads = 0;
  int64_t hidden = 0;
  std::vector<LinearSite> linears;  // in order of layer
  std::vector<PointSite> points;
  KvSite kv;
};

}  // namespace engine
