// Slot errors of E2E outputs: values of the table that the text leaves out, and values that it says
// without the table, found by patterns of words.
//
// A definition of this project, in the manner of Dusek et al. 2019 ("Semantic Noise Matters"): it
// knows the eight slots and their values, and a few phrases for each ("low-priced", "in the heart
// of the city"). A new way to say a thing counts as a missing value, so compare systems by it, and
// read the cases that it names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/table_text/table_text.h"

namespace data {

struct SlotErrors {
  int64_t slots = 0;  // values in the tables
  int64_t missing = 0, invented = 0;
  // One for each error: example (from 0), slot and value, and which it is.
  struct Case {
    size_t example;
    Relation value;
    bool missing;
  };
  std::vector<Case> cases;
  double rate() const {
    return slots > 0 ? static_cast<double>(missing + invented) / static_cast<double>(slots) : 0;
  }
};

// tables[i] are the relations of texts[i].
SlotErrors e2e_slot_errors(const std::vector<const TableEntry*>& tables,
                           const std::vector<std::string>& texts);

}  // namespace data
