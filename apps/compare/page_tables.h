// The tables of the HTML page. All text is escaped.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "apps/compare/summary.h"

namespace apps {

// Distinct texts in order of first sight; text() has at most six.
class Distinct {
 public:
  void add(const std::string& text);  // empty ones are not kept
  std::string text() const;

 private:
  std::vector<std::string> all_;
};

// A setting of a run as text; empty if it is not there.
std::string setting(const Run& run, const char* key);

void write_matrix(std::ostream& out, const Summary& summary);  // strategies by task
// The settings of a task with every seed: only the chosen ones, or all.
void write_details(std::ostream& out, const Summary& summary, size_t task, bool only_chosen);
// What each costs, measured and predicted, and a sentence a strategy why.
void write_costs(std::ostream& out, const Summary& summary, size_t task);
void write_published(std::ostream& out, const Summary& summary);
void write_settings(std::ostream& out, const Summary& summary);

}  // namespace apps
