// Predictions for a table of any length, row by row.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "data/rows.h"
#include "run/adapter_set.h"

namespace run {

struct Streamed {
  int64_t rows = 0, cut = 0;  // texts that max_length cut
  double seconds = 0;
};

// Gets the rows done so far and says whether to go on.
using RowProgress = std::function<bool(int64_t)>;

// Predicts some thousand rows at a time, so that a table of any length needs no memory. Written is
// what came in, then "prediction" and the probabilities by class.
Streamed predict_rows(Predictor& predictor, data::RowReader& rows, data::Format format,
                      std::ostream& out, const data::OwnData& columns,
                      const RowProgress& progress = {});

// The same with the adapter that the column `adapter` of each row names. Texts are in the columns
// that `given` names, else in those of each adapter's run. In a table, a class that an adapter does
// not have is an empty cell. Throws engine::Error with the line for a name that is not in the set.
Streamed predict_rows(AdapterSet& adapters, const std::string& adapter, data::RowReader& rows,
                      data::Format format, std::ostream& out, const data::ColumnNames& given,
                      const RowProgress& progress = {});

}  // namespace run
