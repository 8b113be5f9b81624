// Typed sites: the places of a model that a strategy may use, by role and layer.
//
// A hook is a module that a strategy adds at a site. It must be a no-op on the output at the start
// (LoRA B = 0, adapter up = 0, IA3 = 1). Several hooks at one site run in the order in which they
// were added, so strategies compose with '+'. Two of one kind at one site need names of their own
// (PEFT's adapter names): two parameters of one name are an error of ParameterStore.
//
// A model declares its sites by having modules there: Linear, HookPoint, KvPoint.
// collect_sites() finds them in the tree.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/autograd/graph.h"
#include "engine/nn/module.h"

namespace engine {

class Embedding;
class Linear;
class Norm;

// At a linear layer y = x W^T + b.
class LinearHook : public Module {
 public:
  // Before the product (IA3 at feed-forward sites scales x).
  virtual Tensor input(Graph& g, Tensor x) { return x; }
  // After it (LoRA adds scale (x A^T) B^T, IA3 scales y). `x` is the layer's own input, before any
  // hook.
  virtual Tensor output(Graph& g, const Tensor& x, Tensor y) { return y; }
  // Where all that output() does is y + u v^T: true, and u (n, r), v (out, r). For an output layer
  // that never holds all of y.
  virtual bool low_rank(Graph& g, const Tensor& x, Tensor& u, Tensor& v) { return false; }
};

// At a table of rows.
class EmbeddingHook : public Module {
 public:
  // (n, width): y with what belongs to the rows `ids` (n). The ids live as long as this call.
  virtual Tensor output(Graph& g, const int32_t* ids, Tensor y) = 0;
  // Rows of its own, which stand in front of every sequence as ids -1, -2, ... (prompt tuning). A
  // table with such a hook has negative ids.
  virtual int64_t prompt_length() const { return 0; }
};

// What is known at the end of a sub-layer, before the residual sum.
struct SubLayer {
  const Tensor& in;   // (rows, hidden) the residual
  const Tensor& out;  // (rows, hidden) what came out of its last linear layer and dropout
  Norm* norm;         // post-LN: the normalisation of the sum; null in a pre-LN layer

  // What the next sub-layer would read without a hook: norm(out + in), or out + in in pre-LN.
  Tensor sum(Graph& g) const;
};

// After a sub-layer (adapters): returns what takes the place of `out`.
class PointHook : public Module {
 public:
  virtual Tensor apply(Graph& g, const SubLayer& sub) = 0;
};

enum class Point { after_attention, after_ffn };
const char* point_name(Point point);

// The end of a sub-layer. Bears the name below which its hooks' parameters stand.
class HookPoint : public Module {
 public:
  HookPoint(Module& parent, std::string name, int64_t columns, Point where, Place at)
      : Module(parent, std::move(name)), width(columns), point(where), place(at) {}

  // (rows, width): `out` after all hooks. `in` and `norm` as in SubLayer.
  Tensor operator()(Graph& g, const Tensor& in, Tensor out, Norm* norm = nullptr);

  // The parameters of the hook are named below this module's name and `name`.
  void add_hook(std::unique_ptr<PointHook> hook, std::string name);
  const std::vector<std::unique_ptr<PointHook>>& hooks() const { return hooks_; }
  bool empty() const { return hooks_.empty(); }
  void remove_hooks();  // before a ParameterStore is made, or after its last use
  void add_sites(Sites& sites, const std::string& path) override;

  const int64_t width;
  const Point point;
  const Place place;

 private:
  std::vector<std::unique_ptr<PointHook>> hooks_;
};

struct KeyValue {
  Tensor key, value;  // (length, width) each; empty when there is no prefix
};

// Extra keys and values in front of every sequence, at every layer (prefix tuning).
class KvHook : public Module {
 public:
  // For the `slot`-th KvPoint of the model, in order of layer.
  virtual KeyValue prefix(Graph& g, int slot) = 0;
  virtual int64_t length() const = 0;  // rows of keys and of values
};

// In front of the keys and values of one attention; `width` is theirs (fewer heads than the
// queries' make it narrower).
class KvPoint : public Module {
 public:
  KvPoint(Module& parent, int64_t columns, Place at)
      : Module(parent, ""), width(columns), place(at) {}

  KeyValue operator()(Graph& g) { return hook_ ? hook_->prefix(g, slot_) : KeyValue{}; }

  // One hook serves all points of a model, so it is owned elsewhere: Sites::root adopts it.
  void set_hook(KvHook* hook, int slot) {
    hook_ = hook;
    slot_ = slot;
  }
  KvHook* hook() const { return hook_; }
  int64_t length() const { return hook_ ? hook_->length() : 0; }
  void add_sites(Sites& sites, const std::string& path) override;

  const int64_t width;
  const Place place;

 private:
  KvHook* hook_ = nullptr;
  int slot_ = 0;
};

struct LinearSite {
  Linear* linear;
  Role role;
  int layer;  // 0 .. layers - 1; `layers` for pooler and head
  // Columns of the output that have this role (GPT-2's c_attn is three sites).
  int64_t out_begin, out_end;
  std::string path;  // "bert.encoder.layer.0.attention.self.query"
  Stack stack = Stack::only;
  AttentionKind attention = AttentionKind::self;
};

struct EmbeddingSite {
  Embedding* embedding;
  int layer;
  std::string path;  // "bert.embeddings.word_embeddings"
  Stack stack = Stack::only;
};

struct PointSite {
  HookPoint* hook_point;
  Point point;
  int layer;
  int64_t width;
  std::string path;  // "bert.encoder.layer.0.attention.output"
  Stack stack = Stack::only;
  AttentionKind attention = AttentionKind::self;
};

// The places for prefixes.
struct KvSite {
  std::vector<KvPoint*> points;  // in order of layer
  int heads = 0;                 // of the keys

  int layers() const { return static_cast<int>(points.size()); }
  int64_t width() const { return points.empty() ? 0 : points.front()->width; }
  KvHook* hook() const { return points.empty() ? nullptr : points.front()->hook(); }
};

struct Sites {
  std::string model_type;                      // "bert", "roberta", "gpt2", ...
  int layers = 0, heads = 0;                   // layers: of the deeper stack
  int encoder_layers = 0, decoder_layers = 0;  // of an encoder-decoder
  int64_t hidden = 0;
  Module* root = nullptr;           // adopts what belongs to no single site
  std::vector<LinearSite> linears;  // in order of declaration, so of layer
  std::vector<PointSite> points;
  std::vector<EmbeddingSite> embeddings;
  const Embedding* words = nullptr;  // the one that the model reads its tokens from
  KvSite kv;
};

// The sites of a tree, in order of declaration; injected modules are none. The numbers of the model
// (type, layers, heads, hidden) are left to the caller.
Sites collect_sites(Module& root);
// Takes away what was added at linear layers and tables, once it is merged. A ParameterStore made
// before still points at the hooks' parameters.
void remove_merged_hooks(const Sites& sites);

}  // namespace engine
