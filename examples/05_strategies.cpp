// One pretrained model, every strategy: how many parameters learn, and which matrix products a
// training step then needs. A frozen weight needs no gradient of its own; its input needs one only
// if something below it learns.
//
// Output:
//                                 learn | MFLOP forward   inputs  weights
//   full                        3875074 |          41.7     42.0     41.4
//   top:layers=1                 856066 |          41.7      2.7      8.4
//   bitfit                         6658 |          41.7     42.0      0.0
//   norm                           3074 |          41.7     42.0      0.0
//   lora:r=4                       8706 |          42.0     33.8      0.3
//   adapter:size=16               34370 |          42.4     31.0      0.8
//   prefix:length=8,flat=true      8706 |          41.9     33.6      0.0
//   ia3                            3586 |          41.7     33.6      0.0
//   frozen                          514 |          41.7      0.0      0.0

#include <cstdio>
#include <string>

#include "data/tokenizer.h"
#include "engine/base/counters.h"
#include "run/model.h"

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : "data/pretrained/peft-2x256";
  const auto tokenizer = data::load_tokenizer(folder);
  engine::Batch batch;  // two texts, packed, with a class each
  for (const char* text :
       {"a lovely warm film", "the food was cold and nobody came to take it back"}) {
    const data::Encoding encoded = tokenizer->encode(text);
    batch.ids.insert(batch.ids.end(), encoded.ids.begin(), encoded.ids.end());
    batch.types.insert(batch.types.end(), encoded.types.begin(), encoded.types.end());
    batch.segments.add(static_cast<int32_t>(encoded.size()));
    batch.labels.push_back(batch.labels.empty() ? 1 : 0);
  }

  std::printf("%-25s %9s | %13s %8s %8s\n", "", "learn", "MFLOP forward", "inputs", "weights");
  for (const std::string spec : {"full", "top:layers=1", "bitfit", "norm", "lora:r=4",
                                 "adapter:size=16", "prefix:length=8,flat=true", "ia3", "frozen"}) {
    run::OpenModel open = run::open_model(models::open_model(folder), spec);
    engine::counters() = {};
    engine::Workspace workspace;
    engine::Graph g(workspace);
    open.store->clear_gradients();
    g.backward(open.model->loss(g, open.model->logits(g, batch), batch));
    open.store->settle_gradients();  // and now an optimizer would make its step

    const engine::Counters& did = engine::counters();
    std::printf("%-25s %9lld | %13.1f %8.1f %8.1f\n", spec.c_str(),
                static_cast<long long>(open.store->trainable_count()), did.forward.flops / 1e6,
                did.input_gradient.flops / 1e6, did.weight_gradient.flops / 1e6);
  }
}
