// Task 8.3: what has a training changed?
#pragma once

#include <map>
#include <string>
#include <vector>

namespace task {

// Values by parameter name: "encoder.layer.0.attention.self.query.bias".
using Values = std::map<std::string, std::vector<double>>;

// Mean of |after - before| by kind: the name without "encoder.layer.N.", the mean over all numbers
// of all layers. Names without a layer are their own kind. What is only in `after` (a fresh head)
// is left out; what is only in `before`, or has another size, is std::invalid_argument that names
// it.
std::map<std::string, double> mean_change(const Values& before, const Values& after);

// The kinds, most changed first; of equal ones the alphabet decides.
std::vector<std::string> ranking(const std::map<std::string, double>& changes);

}  // namespace task
