// A table of rows with Hugging Face's name "weight" (entries, width), and the hooks of a strategy.
#pragma once

#include <initializer_list>

#include "engine/nn/hooks.h"
#include "engine/ops/embedding.h"

namespace engine {

class Embedding : public Module {
 public:
  Embedding(Module& parent, std::string name, int64_t entries, int64_t width, Place place = -1)
      : Module(parent, std::move(name)) {
    declare(weight, "weight", {entries, width}, Role::embedding, place);
  }

  // The parameters of the hook are named beside the table's own.
  void add_hook(std::unique_ptr<EmbeddingHook> hook);
  // The same with a hook that another module owns.
  void attach(EmbeddingHook& hook) { hooks_.push_back(&hook); }
  const std::vector<EmbeddingHook*>& hooks() const { return hooks_; }
  void remove_hooks();  // before a ParameterStore is made, or after its last use
  void add_sites(Sites& sites, const std::string& path) override;
  // Rows that a hook puts in front of every sequence.
  int64_t prompt_length() const;

  int64_t entries() const { return weight.shape.rows; }
  int64_t width() const { return weight.shape.cols; }

  Parameter weight;

 private:
  std::vector<EmbeddingHook*> hooks_;
};

// y[i] = sum over tables of table[ids[i]], and what their hooks add; (n, width). One to four
// tables. Where a table has a prompt, id -1 - j is the prompt's row j.
struct TableLookup {
  Embedding& table;
  const int32_t* ids;
};
Tensor look_up(Graph& g, std::initializer_list<TableLookup> lookups, int64_t n);

}  // namespace engine
