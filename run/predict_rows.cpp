#include "run/predict_rows.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <ostream>

#include "data/tsv.h"
#include "engine/base/timer.h"

namespace run {

using engine::check;
using engine::hint;

namespace {

// The words of a row: a JSON array "tokens" or "words", else the text between blanks.
std::vector<std::string> words_of(const data::RowReader& rows, const data::Row& row,
                                  const data::OwnData& columns) {
  std::vector<std::string> words;
  for (const char* name : {"tokens", "words"})
    if (row.object.is_object() && row.object.contains(name) && row.object[name].is_array()) {
      for (const auto& word : row.object[name])
        words.push_back(word.is_string() ? word.get<std::string>() : word.dump());
      check(!words.empty(), rows.where(row), "has no word");
      return words;
    }
  const std::string& text = rows.text(row, data::text_columns(rows, false, columns).text);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find_first_of(" \t", begin), text.size());
    if (end > begin) words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (words.empty()) words.push_back("");
  return words;
}

// Who answers a row, and with which columns.
struct Answerer {
  Predictor& predictor;
  data::OwnData columns;
  std::vector<std::string> names = predictor.task().output_names();
  std::optional<data::TextColumns> in = {};  // once it is asked

  data::Example read(const data::RowReader& rows, const data::Row& row) {
    data::Example example;
    if (predictor.task().head() == models::HeadKind::token_classification) {
      example.words = words_of(rows, row, columns);
      return example;
    }
    if (!in) in = data::text_columns(rows, predictor.info().pair, columns);
    example.a = rows.text(row, in->text);
    if (in->text_b) example.b = rows.text(row, *in->text_b);
    return example;
  }
};

using Values = std::vector<nlohmann::ordered_json>;

// The cells of a prediction; `header` has the classes of the table's columns.
Values values_of(const Answerer& who, const tasks::Predictions& p, size_t i,
                 const std::vector<std::string>& header, bool json) {
  const tasks::Task& task = who.predictor.task();
  const auto at = static_cast<int64_t>(i);
  const double* outputs = p.outputs.data() + i * static_cast<size_t>(p.width);
  // Six digits say what a float knows of a probability.
  const auto rounded = [&](size_t c) { return std::round(outputs[c] * 1e6) / 1e6; };
  Values values;
  if (json) {
    values.push_back(task.answer_json(p, at));
    nlohmann::ordered_json all = nlohmann::ordered_json::object();
    for (size_t c = 0; c < who.names.size(); ++c) all[who.names[c]] = rounded(c);
    if (!header.empty()) values.push_back(std::move(all));
    return values;
  }
  values.emplace_back(task.answer(p, at));
  for (const std::string& name : header) {
    const auto it = std::find(who.names.begin(), who.names.end(), name);
    if (it == who.names.end())
      values.emplace_back("");
    else
      values.emplace_back(rounded(static_cast<size_t>(it - who.names.begin())));
  }
  return values;
}

// `choose` says which of them answers a row.
Streamed predict_each(std::vector<Answerer> all,
                      const std::function<size_t(const data::Row&)>& choose, data::RowReader& rows,
                      data::Format format, std::ostream& out, const RowProgress& progress) {
  constexpr size_t kAtATime = 2048;
  const bool json = format == data::Format::jsonl;
  std::vector<std::string> header;
  for (const Answerer& who : all) {
    check(who.predictor.info().kind != "lm", "predict",
          "a language model writes text, it has no classes",
          hint("peft generate writes, peft evaluate scores texts"));
    for (const std::string& name : who.names)
      if (std::find(header.begin(), header.end(), name) == header.end()) header.push_back(name);
    // Before anything is written.
    if (all.size() == 1 && who.predictor.task().head() != models::HeadKind::token_classification)
      all[0].in = data::text_columns(rows, who.predictor.info().pair, who.columns);
  }
  std::vector<std::string> added = {"prediction"};
  if (json && !header.empty())
    added.push_back("probabilities");
  else
    for (const std::string& name : header) added.push_back("p_" + name);
  data::RowWriter writer(out, format, rows.columns(), added);

  Streamed done;
  const engine::Timer timer;
  std::vector<data::Row> some;
  std::vector<std::vector<data::Example>> examples(all.size());  // by who answers them
  std::vector<std::vector<size_t>> places(all.size());           // in `some`
  const auto flush = [&] {
    std::vector<Values> values(some.size());
    for (size_t w = 0; w < all.size(); ++w) {
      if (examples[w].empty()) continue;
      const data::EncodedSplit split = all[w].predictor.encode(examples[w]);
      const tasks::Predictions p = all[w].predictor.predict(split);
      done.cut += split.truncated();
      for (size_t i = 0; i < places[w].size(); ++i)
        values[places[w][i]] = values_of(all[w], p, i, header, json);
      examples[w].clear();
      places[w].clear();
    }
    for (size_t i = 0; i < some.size(); ++i) writer.write(some[i], values[i]);
    done.rows += static_cast<int64_t>(some.size());
    some.clear();
  };
  for (data::Row row; rows.next(row);) {
    const size_t w = choose(row);
    examples[w].push_back(all[w].read(rows, row));
    places[w].push_back(some.size());
    some.push_back(std::move(row));
    row = {};
    if (some.size() < kAtATime) continue;
    flush();
    if (progress && !progress(done.rows)) break;
  }
  flush();
  out.flush();
  check(out.good(), "predict", "the output could not be written (is the disk full?)");
  done.seconds = timer.seconds();
  return done;
}

}  // namespace

Streamed predict_rows(Predictor& predictor, data::RowReader& rows, data::Format format,
                      std::ostream& out, const data::OwnData& columns,
                      const RowProgress& progress) {
  return predict_each(
      {Answerer{predictor, columns}}, [](const data::Row&) { return size_t{0}; }, rows, format, out,
      progress);
}

Streamed predict_rows(AdapterSet& adapters, const std::string& adapter, data::RowReader& rows,
                      data::Format format, std::ostream& out, const data::ColumnNames& given,
                      const RowProgress& progress) {
  const auto column = rows.find(adapter);
  check(column.has_value(), rows.name(), "has no column named '", adapter, "'",
        hint("its columns are ", data::listed(rows.columns()),
             "; --adapter-column names the one of the adapters"));
  std::vector<Answerer> all;
  for (size_t i = 0; i < adapters.size(); ++i)
    all.push_back(Answerer{adapters[i], columns_for(adapters[i], given)});
  return predict_each(
      std::move(all),
      [&](const data::Row& row) { return adapters.find(rows.text(row, *column), rows.where(row)); },
      rows, format, out, progress);
}

}  // namespace run
