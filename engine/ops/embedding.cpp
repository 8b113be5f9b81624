// y[i] = sum over lookups k of T_k[ids_k[i]];   dT_k[ids_k[i]] += dy[i].
// Saves the ids of trainable tables. Only the rows that get a term are written
// (engine/autograd/written_rows.h); a frozen table costs nothing in backward.
#include "engine/ops/embedding.h"

#include <algorithm>
#include <array>

#include "engine/tensor/parallel.h"

namespace engine {

Tensor embedding_sum(Graph& g, std::span<const Lookup> lookups, int64_t n) {
  constexpr size_t kMost = 4;
  check(lookups.size() > 0 && lookups.size() <= kMost, "embedding_sum", lookups.size(),
        " lookups; one to four are possible");
  std::array<Lookup, kMost> all;
  std::array<Tensor, kMost> tables;
  std::array<HalfWeight, kMost> halves{};
  size_t count = 0;
  for (const Lookup& lookup : lookups) {
    check(lookup.table.cols() == lookups[0].table.cols(), "embedding_sum", "tables ",
          lookup.table.shape(), " and ", lookups[0].table.shape(), " have rows of different sizes");
    for (int64_t i = 0; i < n; ++i)
      check((lookup.sparse || lookup.ids[i] >= 0) && lookup.ids[i] < lookup.table.rows(),
            "embedding_sum", "id ", lookup.ids[i], " at position ", i, " is outside a table of ",
            lookup.table.rows(), " rows",
            hint("does the tokenizer belong to this model, and is the text short enough for its "
                 "position table?"));
    // A table that is an output layer's weight too may be held as BF16.
    if (!lookup.table.has_data()) halves[count] = g.half(lookup.table);
    check(lookup.table.has_data() || (count == 0 && halves[0]), "embedding_sum", "the table ",
          lookup.table.shape(), " has no floats", hint("only the first table may be of BF16"));
    tables[count] = lookup.table;
    all[count++] = lookup;
  }
  const int64_t d = all[0].table.cols();
  Tensor y = g.make({n, d});
  parallel_for(n, d * static_cast<int64_t>(count), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      RowMap row = y.row_array(i);
      if (all[0].ids[i] < 0)
        row.setZero();
      else if (halves[0])
        widen(halves[0].data + all[0].ids[i] * d, d, row.data());
      else
        row = all[0].table.row_array(all[0].ids[i]);
      for (size_t k = 1; k < count; ++k)
        if (all[k].ids[i] >= 0) row += all[k].table.row_array(all[k].ids[i]);
    }
  });
  struct Source {
    Tensor table;
    const int32_t *ids, *written;  // written: those that are not negative
    int64_t count;
  };
  std::array<Source, kMost> sources;
  for (size_t k = 0; k < count; ++k) {
    const int32_t* ids =
        g.hold(std::span(all[k].ids, static_cast<size_t>(n)), g.needs(all[k].table));
    sources[k] = {all[k].table.ghost(), ids, ids, n};
    if (!ids || !all[k].sparse) continue;
    const std::span<int32_t> some = g.take<int32_t>(n);
    sources[k].written = some.data();
    sources[k].count =
        std::copy_if(ids, ids + n, some.begin(), [](int32_t id) { return id >= 0; }) - some.begin();
  }
  return g.record("embedding_sum", y, {tables[0], tables[1], tables[2], tables[3]},
                  [=](Backward& bw) {
                    for (size_t k = 0; k < count; ++k) {
                      Scalar* const gradient =
                          bw.into_rows(sources[k].table, sources[k].written, sources[k].count);
                      if (!gradient) continue;
                      // Threads share columns, so that repeated ids are summed in the order of the
                      // batch.
                      parallel_for(
                          d, n,
                          [&](int64_t begin, int64_t end) {
                            const int64_t width = end - begin;
                            for (int64_t i = 0; i < n; ++i)
                              if (sources[k].ids[i] >= 0)
                                RowMap(gradient + sources[k].ids[i] * d + begin, width) +=
                                    RowMap(bw.dy().row(i) + begin, width);
                          },
                          16);
                    }
                  });
}

}  // namespace engine
