// The flags that say which model: a run's folder, or --model with --adapter.
#pragma once

#include <string>
#include <vector>

#include "apps/common/command_line.h"
#include "apps/common/named_adapter.h"
#include "apps/common/precision_flags.h"
#include "run/predictor.h"

namespace apps {

// What a command allows.
struct ResolveRules {
  bool several = false;  // adapters
  bool needs_data = true;
};

struct ModelFlags {
  std::vector<std::string> words;  // positional: RUN, FILE
  run::PredictRequest request;
  std::vector<std::string> given_adapters;  // --adapter, each [NAME=]DIR
  std::vector<NamedAdapter> adapters;       // the same; one alone is in `request`
  data::ColumnNames columns;
  std::string file, format;
  int threads = 0;
  PrecisionFlags precision;

  void add_to(CommandLine& line);
  // After parsing: a first word is the run unless --model or --adapter is given, the next one the
  // data. Throws UsageError if there is no model, no data that rules.needs_data asks for, and for
  // several adapters unless rules.several.
  void resolve(const char* command, const ResolveRules& rules = {});
};

// "123 rows in 4.5s, 27 rows/s"
std::string rate_line(int64_t rows, double seconds);

}  // namespace apps
