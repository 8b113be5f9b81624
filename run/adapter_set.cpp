#include "run/adapter_set.h"

#include <algorithm>
#include <map>

#include "data/tsv.h"

namespace run {

using engine::check;
using engine::hint;

AdapterSet::AdapterSet(const PredictRequest& request,
                       const std::vector<std::pair<std::string, std::string>>& adapters) {
  for (const auto& [name, folder] : adapters) {
    PredictRequest one = request;
    one.run.clear();
    one.adapter = folder;
    try {
      Located found = locate(one, "predict");
      if (base_.model) {
        const models::ModelSource& first = base_.model->source;
        check(found.source.folder == first.folder && found.source.spec == first.spec, "base model",
              "is ", found.source.spec, ", and ", names_.front(), " has ", first.spec,
              hint("adapters of one base can be asked together; if it is the same one, name it "
                   "with --model"));
      }
      members_.push_back(std::make_unique<Predictor>(std::move(found), one, &base_));
    } catch (const engine::Error& e) {
      engine::fail("adapter " + name, e.what());
    }
    names_.push_back(name);
  }
}

size_t AdapterSet::find(const std::string& name, const std::string& where) const {
  const auto it = std::find(names_.begin(), names_.end(), name);
  if (it != names_.end()) return static_cast<size_t>(it - names_.begin());
  engine::fail(where, "'", name, "' is no adapter", hint("known are ", data::listed(names_)));
}

int64_t AdapterSet::held_bytes() const {
  std::map<const void*, int64_t> held;
  const auto add = [&](const engine::ParameterStore& store) {
    for (const engine::Parameter* p : store.all()) {
      if (p->value) held[p->value] = p->count() * static_cast<int64_t>(sizeof(engine::Scalar));
      if (p->half) held[p->half.data] = p->count() * static_cast<int64_t>(sizeof(engine::BFloat16));
    }
  };
  if (base_.model) add(*base_.model->store);
  for (const auto& member : members_) add(*member->model().store);
  int64_t bytes = 0;
  for (const auto& [address, size] : held) bytes += size;
  return bytes;
}

}  // namespace run
