#include "engine/nn/hooks.h"

#include "engine/nn/embedding.h"
#include "engine/nn/layer_norm.h"
#include "engine/nn/linear.h"
#include "engine/ops/elementwise.h"

namespace engine {

Tensor SubLayer::sum(Graph& g) const {
  Tensor total = add(g, out, in);
  return norm ? (*norm)(g, total) : total;
}

const char* point_name(Point point) {
  return point == Point::after_attention ? "after_attention" : "after_ffn";
}

Tensor HookPoint::operator()(Graph& g, const Tensor& in, Tensor out, Norm* norm) {
  for (const auto& hook : hooks_) out = hook->apply(g, {in, out, norm});
  return out;
}

void HookPoint::add_hook(std::unique_ptr<PointHook> hook, std::string name) {
  Module::adopt(*hook, std::move(name));
  hooks_.push_back(std::move(hook));
}

void HookPoint::remove_hooks() {
  for (const auto& hook : hooks_) disown(*hook);
  hooks_.clear();
}

void HookPoint::add_sites(Sites& sites, const std::string& path) {
  sites.points.push_back({this, point, place.layer, width, path, place.stack, place.attention});
}

void KvPoint::add_sites(Sites& sites, const std::string&) { sites.kv.points.push_back(this); }

void remove_merged_hooks(const Sites& sites) {
  for (const LinearSite& site : sites.linears) site.linear->remove_hooks();
  for (const EmbeddingSite& site : sites.embeddings) site.embedding->remove_hooks();
}

Sites collect_sites(Module& root) {
  Sites sites;
  sites.root = &root;
  root.walk([&](Module& module, const std::string& path) { module.add_sites(sites, path); });
  return sites;
}

}  // namespace engine
