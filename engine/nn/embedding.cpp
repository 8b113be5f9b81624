#include "engine/nn/embedding.h"

#include <array>

namespace engine {

void Embedding::add_hook(std::unique_ptr<EmbeddingHook> hook) {
  hooks_.push_back(&adopt(std::move(hook), ""));
}

void Embedding::remove_hooks() {
  for (const EmbeddingHook* hook : hooks_) disown(*hook);
  hooks_.clear();
}

void Embedding::add_sites(Sites& sites, const std::string& path) {
  if (weight.role == Role::injected) return;
  sites.embeddings.push_back({this, weight.layer, path, weight.stack});
}

int64_t Embedding::prompt_length() const {
  int64_t length = 0;
  for (const EmbeddingHook* hook : hooks_) length += hook->prompt_length();
  return length;
}

Tensor look_up(Graph& g, std::initializer_list<TableLookup> lookups, int64_t n) {
  std::array<Lookup, 4> tables;
  check(lookups.size() <= tables.size(), "look_up", lookups.size(), " tables; at most four");
  size_t count = 0;
  for (const TableLookup& each : lookups)
    tables[count++] = {g.use_weight(each.table.weight), each.ids, each.table.prompt_length() > 0};
  Tensor y = embedding_sum(g, std::span<const Lookup>(tables.data(), count), n);
  for (const TableLookup& each : lookups)
    for (EmbeddingHook* hook : each.table.hooks()) y = hook->output(g, each.ids, std::move(y));
  return y;
}

}  // namespace engine
