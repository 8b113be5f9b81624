// Prefix tuning (Li and Liang 2021): `length` learned keys and values in front of every sequence,
// at every layer.
//
//   table (length, 2 layers width): slot 2i is the key, 2i+1 the value of layer i
//   flat:  the table is the parameter, "prompt_embeddings"
//   else:  table = W2 tanh(W1 E + b1) + b2,
//          E (length, width), W1 (hidden, width), W2 (2 layers width, hidden)
// The paper found the table itself hard to train. Names and sizes are those of PEFT's
// prefix_projection, hidden = 512 that of the paper's code.
//
// In an encoder-decoder it stands at three places: the attention of the encoder, of the decoder,
// and of the decoder to the encoder, each with keys and values of its own (the paper's summaries).
// "At every layer" then means at each of these; stacks= chooses among them.
//
// form=peft is the prefix of PEFT's encoder-decoders, which has a table of as many layers as the
// encoder and stands in the decoder's own attention alone: there layer i of L reads the slots of
// layer 2i mod L, for PEFT lays the table out twice and gives every layer two pairs of it, of which
// the second is dropped. So some slots serve two layers and the others none.
//
// placement=infix, [x; INFIX; y]: only the tokens of y see them (models/infix.h says where y
// begins), and x is read as without a strategy. The paper's embedding-only placement is prompt.
//
// A flat table may begin as the keys and values that the model itself computes for words:
// init=words draws them from the vocabulary, init=text,text=... names them. With causal models a
// prefix then begins as these words in front of every text, the same numbers.
//
// The one strategy whose start is no no-op: the softmax runs over length more keys, and even keys
// and values of zero take their share of it. So a flat table begins small, N(0, std) with std 0.02;
// PEFT and AdapterHub draw N(0, 1). Nothing can be merged: keys and values that depend on no token
// belong to no weight.
#include "peft/prefix.h"

#include "engine/base/error.h"
#include "engine/nn/linear.h"
#include "engine/nn/placed_hook.h"
#include "engine/ops/elementwise.h"
#include "peft/composite.h"
#include "peft/registry.h"

namespace peft {

using namespace engine;

struct PrefixShape {
  int64_t length;
  int layers;  // of the table
  int64_t width;
  bool inside;  // an infix
  int points;   // that read it, in order
  bool twice;   // as PEFT lays it out for an encoder-decoder
};

class PrefixHook : public PlacedKvHook {
 public:
  explicit PrefixHook(const PrefixShape& shape)
      : layers_(shape.layers),
        last_(shape.points - 1),
        width_(shape.width),
        length_(shape.length),
        inside_(shape.inside),
        twice_(shape.twice) {}

  int64_t length() const override { return length_; }
  bool inside() const override { return inside_; }

  // Slots 2 layer and 2 layer + 1 of the table, for the layer that a point reads.
  KeyValue slots(Graph& g, const Tensor& table, int point) const {
    const int layer = twice_ ? 2 * point % layers_ : point;
    return {select_columns(g, table, 2 * layer * width_, width_),
            select_columns(g, table, (2 * layer + 1) * width_, width_)};
  }
  virtual Tensor table(Graph& g) = 0;

 protected:
  int layers_, last_;
  int64_t width_, length_;
  bool inside_, twice_;
};

namespace {

class FlatPrefix : public PrefixHook {
 public:
  FlatPrefix(const PrefixShape& s, double std) : PrefixHook(s) {
    declare(prompt, "prompt_embeddings", {s.length, 2 * s.layers * s.width}, Role::injected, -1);
    prompt.init_std = std;
  }
  Tensor table(Graph& g) override { return g.use(prompt); }
  KeyValue prefix(Graph& g, int layer) override { return slots(g, g.use(prompt), layer); }

  Parameter prompt;
};

class MlpPrefix : public PrefixHook {
 public:
  MlpPrefix(const PrefixShape& s, int64_t hidden)
      : PrefixHook(s),
        first(*this, "prefix_encoder.transform.0", s.width, hidden, Role::injected, -1),
        second(*this, "prefix_encoder.transform.2", hidden, 2 * s.layers * s.width, Role::injected,
               -1) {
    declare(embedding, "prefix_encoder.embedding.weight", {s.length, s.width}, Role::injected, -1);
    embedding.init_std = 1;  // torch.nn.Embedding
    first.weight.init = second.weight.init = Init::kaiming_uniform;
  }

  Tensor table(Graph& g) override {
    return second(g, first(g, g.use(embedding), Activation::tanh));
  }

  // The MLP runs once a step. Its result is kept until the last layer has read it (no longer: its
  // storage belongs to the graph's workspace), and a parameter's stamp tells a new graph from the
  // one that made it.
  KeyValue prefix(Graph& g, int layer) override {
    const uint64_t before = embedding.graph;
    g.use(embedding);
    if (!table_ || embedding.graph != before) table_ = table(g);
    KeyValue kv = slots(g, table_, layer);
    if (layer == last_) table_ = Tensor();
    return kv;
  }

  Parameter embedding;
  Linear first, second;

 private:
  Tensor table_;
};

}  // namespace

Prefix::Prefix(const Options& o)
    : length_(o.integer("length", 1, 1 << 20)),
      flat_(o.flag("flat")),
      infix_(o.choice("placement", {"prefix", "infix"}) == "infix"),
      init_(o.choice("init", {"random", "words", "text"})),
      text_(o.text("text")) {
  stacks_ = StackSet(o);
  peft_ = o.choice("form", {"paper", "peft"}) == "peft";
  o.exclusive("form", "stacks");
  if (!text_.empty() && !o.given("init")) init_ = "text";
  check((init_ == "text") == !text_.empty(), "prefix", "init=", init_,
        text_.empty() ? " without a text" : " and a text",
        hint("write prefix:flat=true,init=text,text=..., or neither"));
  check(init_ == "random" || flat_, "prefix", "init=", init_,
        " gives a table its first values, and here an MLP makes the table", hint("add flat=true"));
  check(init_ == "random" || !o.given("std"), "prefix",
        "std= is the spread of random values, and "
        "init=",
        init_, " draws none");
  check(!flat_ || !o.given("hidden"), "prefix",
        "hidden= is the width of the MLP, and flat=true has none");
  check(flat_ || !o.given("std"), "prefix",
        "std= is the spread of a flat table's first values, and flat=false draws the MLP's",
        hint("add flat=true"));
  if (flat_)
    std_ = o.number("std", 0, 100);
  else
    hidden_ = o.integer("hidden", 1, 1 << 20);
}

Json Prefix::options() const {
  Json out = {{"length", length_}, {"flat", flat_}};
  if (!flat_) out["hidden"] = hidden_;
  if (flat_ && init_ == "random") out["std"] = std_;
  if (infix_) out["placement"] = "infix";
  if (init_ != "random") out["init"] = init_;
  if (!text_.empty()) out["text"] = text_;
  stacks_.add_to(out);
  if (peft_) out["form"] = "peft";
  return out;
}

// Flat tables need large steps (PEFT's examples and P-tuning v2 use about 1e-2); the MLP spreads a
// step over the table, and lies between the paper's 5e-5 (GPT-2) and t-few's 1e-2 (T5).
double Prefix::default_learning_rate() const { return flat_ ? 1e-2 : 1e-3; }

void Prefix::inject(Sites& sites) {
  stacks_.check_fits(sites.decoder_layers, "prefix");
  one_stack_ = sites.decoder_layers == 0;
  KvSite site = sites.kv;
  std::erase_if(site.points, [&](const KvPoint* point) {
    const bool own =
        point->place.stack == Stack::decoder && point->place.attention == AttentionKind::self;
    return peft_ ? !own : !stacks_.contains(point->place.stack, point->place.attention);
  });
  check(!peft_ || sites.decoder_layers > 0, "prefix",
        "form=peft is of an encoder-decoder, and this model has one stack",
        hint("leave form= out: in other models PEFT's prefix and the paper's are one"));
  const int layers = peft_ ? sites.encoder_layers : site.layers();
  check(!peft_ || site.layers() <= layers, "prefix", "form=peft has slots for ", layers,
        " layers, those of the encoder, and the decoder has ", site.layers());
  check(site.layers() > 0 && sites.root, "prefix", "this ", sites.model_type,
        " has no place for a prefix");
  check(!site.hook(), "prefix", "this model has a prefix already");
  for (const KvPoint* point : site.points)
    check(point->width == site.width(), "prefix", "the keys of this ", sites.model_type, " are ",
          site.width(), " wide in one layer and ", point->width,
          " in another; one table has one width");
  const PrefixShape shape{length_, layers, site.width(), infix_, site.layers(), peft_};
  std::unique_ptr<PrefixHook> hook;
  if (flat_) {
    auto flat = std::make_unique<FlatPrefix>(shape, std_);
    if (init_ != "random") {
      flat->prompt.init = Init::derived;
      flat->prompt.derive = [this](Scalar* to, uint64_t seed) { begin(to, seed); };
    }
    hook = std::move(flat);
  } else {
    hook = std::make_unique<MlpPrefix>(shape, hidden_);
  }
  points_ = site.points;
  hook_ = &sites.root->adopt(std::move(hook), "");
  for (int i = 0; i < site.layers(); ++i) site.points[static_cast<size_t>(i)]->set_hook(hook_, i);
}

void Prefix::begin(Scalar* to, uint64_t seed) const {
  check(activations_ != nullptr, "prefix", "init=", init_, " needs the model's own activations",
        hint("they are read with a causal model and its tokenizer, and here is none"));
  // The model is read as it is without the prefix.
  for (KvPoint* point : points_) point->set_hook(nullptr, 0);
  const Matrix first = activations_(length_, seed);
  for (size_t i = 0; i < points_.size(); ++i) points_[i]->set_hook(hook_, static_cast<int>(i));
  const int64_t width = 2 * static_cast<int64_t>(points_.size()) * points_.front()->width;
  check(first.rows() == length_ && first.cols() == width, "prefix", "the activations are ",
        first.rows(), " rows of ", first.cols(), ", and the table has ", length_, " of ", width);
  std::copy_n(first.data(), first.size(), to);
}

Prefix* prefix_of(Strategy& strategy) { return part_of<Prefix>(strategy); }

Matrix Prefix::table() const {
  check(hook_ != nullptr, "prefix", "there is no table before inject()");
  Workspace workspace;
  GraphOptions options;
  options.record = false;
  Graph g(workspace, options);
  return hook_->table(g).mat();
}

StrategyInfo prefix_strategy() {
  return {"prefix",
          "learned keys and values in front of every sequence (Li and Liang 2021)",
          {{"length", "20", "how many"},
           {"flat", "false", "true: learn the table itself; false: an MLP makes it"},
           {"hidden", "512", "width of the MLP, if not flat"},
           {"std", "0.02", "spread of a flat table's first values"},
           {"placement", "prefix", "prefix; infix: between a prompt and its completion"},
           {"init", "random",
            "random; words, text: a flat table begins as the keys and values of "
            "words of the vocabulary, or of a text (causal models)"},
           {"text", "", "that text, cut or repeated to the length"},
           {"form", "paper",
            "of an encoder-decoder: at all its attentions (paper), or as PEFT has it, in the "
            "decoder's own (peft)"},
           StackSet::option()},
          [](const peft::Options& o) -> std::unique_ptr<Strategy> {
            return std::make_unique<Prefix>(o);
          }};
}

}  // namespace peft
