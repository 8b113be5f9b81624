// Modules that declare themselves, and the sites that are found in their tree.
#include <doctest/doctest.h>

#include "engine/nn/embedding.h"
#include "engine/nn/layer_norm.h"
#include "engine/nn/linear.h"
#include "engine/nn/parameter_store.h"
#include "engine/ops/elementwise.h"
#include "tests/engine/autograd/support.h"

using namespace engine;
using testing::PoisonedWorkspace;

namespace sites_test {
namespace {

// Pre-LN, as GPT-2: one fused layer for query, key and value.
struct Layer : Module {
  Layer(Module& parent, std::string name, int number)
      : Module(parent, std::move(name)), layer(number) {}
  const int layer;
  LayerNorm attention_norm{*this, "ln_1", 4, 1e-5, Role::attention_norm, layer};
  Linear qkv{*this, "attn.c_attn", 4, {{Role::query, 4}, {Role::key, 2}, {Role::value, 2}}, layer};
  Linear output{*this, "attn.c_proj", 4, 4, Role::attention_output, layer};
  HookPoint after_attention{*this, "attn", 4, Point::after_attention, layer};
  KvPoint front{*this, 2, layer};
};

struct Net : Module {
  Embedding words{*this, "wte", 7, 4};
  Layer first{*this, "h.0", 0}, second{*this, "h.1", 1};
  Linear head{*this, "score", 4, 2, Role::head, 2, false};
};

struct Add : PointHook {
  explicit Add(Scalar by) : by_(by) { declare(p, "p", {1}, Role::injected, 0); }
  Tensor apply(Graph& g, const SubLayer& sub) override {
    has_norm = sub.norm != nullptr;
    Tensor y = scale(g, sub.out, 1);
    y.flat() += by_;
    return y;
  }
  Parameter p;
  Scalar by_;
  bool has_norm = true;
};

struct Prefix : KvHook {
  Prefix() { declare(p, "prompt", {1}, Role::injected, -1); }
  KeyValue prefix(Graph& g, int slot) override {
    asked = slot;
    return {g.make({3, 2}), g.make({3, 2})};
  }
  int64_t length() const override { return 3; }
  Parameter p;
  int asked = -1;
};

std::vector<std::string> names(Module& m) {
  std::vector<std::string> all;
  m.visit([&](Parameter& p) { all.push_back(p.name); });
  return all;
}

}  // namespace

TEST_CASE("members declare themselves, in their order") {
  Net net;
  const auto all = names(net);
  REQUIRE(all.size() == 1 + 2 * 6 + 1);
  CHECK(all[0] == "wte.weight");
  CHECK(all[1] == "h.0.ln_1.weight");
  CHECK(all[3] == "h.0.attn.c_attn.weight");
  CHECK(all.back() == "score.weight");
  CHECK(net.words.weight.role == Role::embedding);
  CHECK(net.words.weight.layer == -1);
  std::vector<std::string> paths;
  net.walk([&](Module&, const std::string& path) { paths.push_back(path); });
  CHECK(paths[0] == "");
  CHECK(paths[1] == "wte");
  CHECK(paths[2] == "h.0");
  CHECK(paths[4] == "h.0.attn.c_attn");
}

TEST_CASE("sites are found in the tree: a fused layer is one for each of its roles") {
  Net net;
  const Sites sites = collect_sites(net);
  REQUIRE(sites.linears.size() == 2 * 4 + 1);
  const LinearSite& key = sites.linears[5];
  CHECK(key.role == Role::key);
  CHECK(key.layer == 1);
  CHECK(key.path == "h.1.attn.c_attn");
  CHECK(key.out_begin == 4);
  CHECK(key.out_end == 6);
  CHECK(key.linear == &net.second.qkv);
  CHECK(net.second.qkv.out() == 8);
  CHECK(net.second.qkv.weight.role == Role::fused);
  CHECK(sites.linears.back().role == Role::head);
  REQUIRE(sites.points.size() == 2);
  CHECK(sites.points[1].path == "h.1.attn");
  CHECK(sites.points[1].width == 4);
  CHECK(sites.points[1].hook_point == &net.second.after_attention);
  CHECK(sites.kv.layers() == 2);
  CHECK(sites.kv.width() == 2);  // of keys and values, not of the queries
  CHECK(sites.root == &net);
}

TEST_CASE("a place says which stack and which attention of it") {
  struct Cross : Module {
    Linear query{*this, "encoder_attn.q_proj", 4,
                 4,     Role::query,           {Stack::decoder, 3, AttentionKind::cross}};
  } net;
  const LinearSite site = collect_sites(net).linears.at(0);
  CHECK(site.layer == 3);
  CHECK(site.stack == Stack::decoder);
  CHECK(site.attention == AttentionKind::cross);
  CHECK(net.query.weight.stack == Stack::decoder);
  CHECK(std::string(stack_name(site.stack)) == "decoder");
  CHECK(std::string(attention_kind_name(site.attention)) == "cross");
}

TEST_CASE("hooks at a point: names below it, in their order, with no norm in a pre-LN layer") {
  Net net;
  HookPoint& point = net.first.after_attention;
  auto one = std::make_unique<Add>(Scalar(1));
  const Add& first = *one;
  point.add_hook(std::move(one), "adapter");
  point.add_hook(std::make_unique<Add>(Scalar(10)), "adapter_second");
  const auto all = names(net);
  CHECK(std::count(all.begin(), all.end(), "h.0.attn.adapter.p") == 1);
  CHECK(std::count(all.begin(), all.end(), "h.0.attn.adapter_second.p") == 1);
  CHECK_NOTHROW(ParameterStore{net});
  PoisonedWorkspace ws;
  Graph g(ws);
  Tensor in = ws.tensor({1, 4}), out = ws.tensor({1, 4});
  in.flat() = 0;
  out.flat() = 5;
  CHECK(*point(g, in, out).data() == 16);
  CHECK_FALSE(first.has_norm);
  CHECK(collect_sites(net).linears.size() == 9);
  point.remove_hooks();
  CHECK(point.empty());
  CHECK(names(net).size() == 14);
}

TEST_CASE("one prefix serves every layer, and the root owns it") {
  Net net;
  const Sites sites = collect_sites(net);
  PoisonedWorkspace ws;
  Graph g(ws);
  CHECK_FALSE(net.first.front(g).key);
  Prefix& prefix = sites.root->adopt(std::make_unique<Prefix>(), "");
  for (int i = 0; i < sites.kv.layers(); ++i)
    sites.kv.points[static_cast<size_t>(i)]->set_hook(&prefix, i);
  CHECK(sites.kv.hook() == &prefix);
  CHECK(net.second.front(g).key.rows() == 3);
  CHECK(prefix.asked == 1);
  CHECK(names(net).back() == "prompt");
  net.disown(prefix);
  CHECK(names(net).back() == "score.weight");
}

TEST_CASE("the spread of fresh weights is set for what is drawn from a normal distribution") {
  Net net;
  set_init_std(net, 0.5);
  CHECK(net.words.weight.init_std == 0.5);
  CHECK(net.first.qkv.weight.init_std == 0.5);
  CHECK(net.first.qkv.bias.init == Init::zeros);
}

}  // namespace sites_test
