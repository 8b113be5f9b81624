// Several adapters on one base model, whose values are in memory once.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "run/predictor.h"

namespace run {

class AdapterSet {
 public:
  // `adapters`: a name, and the folder of an adapter or a run. Of `request` all but run and adapter
  // counts. Throws engine::Error as Predictor does, with the adapter's name in front, and for
  // adapters of other base models or with heads of other kinds.
  AdapterSet(const PredictRequest& request,
             const std::vector<std::pair<std::string, std::string>>& adapters);

  size_t size() const { return members_.size(); }
  const std::string& name(size_t i) const { return names_[i]; }
  Predictor& operator[](size_t i) { return *members_[i]; }
  // Throws engine::Error that opens with `where` and lists the names.
  size_t find(const std::string& name, const std::string& where) const;
  // Of all values: the base's once, and what each adapter has of its own.
  int64_t held_bytes() const;

 private:
  SharedBase base_;
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<Predictor>> members_;
};

}  // namespace run
