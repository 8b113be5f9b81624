#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "apps/common/output_file.h"
#include "apps/common/progress.h"
#include "apps/common/signals.h"
#include "apps/predict/command.h"
#include "apps/predict/request.h"
#include "engine/base/plain_file.h"
#include "engine/base/threads.h"
#include "run/predict_rows.h"

namespace apps {

namespace fs = std::filesystem;
using engine::check;
using engine::hint;

namespace {

// One model, or one for each name in a column.
class Model {
 public:
  Model(const ModelFlags& flags, std::string adapter_column)
      : column_(std::move(adapter_column)), given_(flags.columns) {
    if (column_.empty()) {
      one_ = std::make_unique<run::Predictor>(flags.request);
      check_head(*one_, "the model");
      return;
    }
    std::vector<std::pair<std::string, std::string>> folders;
    for (const NamedAdapter& adapter : flags.adapters)
      folders.emplace_back(adapter.name, adapter.folder);
    set_ = std::make_unique<run::AdapterSet>(flags.request, folders);
    for (size_t i = 0; i < set_->size(); ++i)
      check_head((*set_)[i], "the adapter " + set_->name(i));
  }

  run::Predictor& first() const { return one_ ? *one_ : (*set_)[0]; }
  data::OwnData columns() const { return run::columns_for(first(), given_); }
  // " to 128 tokens"; nothing where the adapters' limits differ.
  std::string limit_text() const {
    for (size_t i = 1; set_ && i < set_->size(); ++i)
      if ((*set_)[i].max_length() != first().max_length()) return "";
    return engine::concat(" to ", first().max_length(), " tokens");
  }
  run::Streamed predict(data::RowReader& rows, data::Format format, std::ostream& out,
                        const data::OwnData& columns, const run::RowProgress& progress) const {
    return one_ ? run::predict_rows(*one_, rows, format, out, columns, progress)
                : run::predict_rows(*set_, column_, rows, format, out, given_, progress);
  }

 private:
  static void check_head(const run::Predictor& predictor, const std::string& which) {
    check(predictor.fresh().empty(), "predict", which,
          " has no trained head: ", predictor.fresh().empty() ? "" : predictor.fresh().front(),
          " is in no file",
          hint("give the folder of a run, --adapter, or a model that was fine-tuned"));
  }

  std::string column_;
  data::ColumnNames given_;
  std::unique_ptr<run::Predictor> one_;
  std::unique_ptr<run::AdapterSet> set_;
};

}  // namespace

int predict_command(int argc, const char* const* argv) {
  if (argc == 1) {
    std::cout
        << "usage: peft predict RUN FILE [--out FILE]\n"
           "       peft predict --model M [--adapter A] --data FILE|- [--out FILE|-]\n"
           "       peft predict --adapter a=A --adapter b=B --adapter-column NAME --data FILE\n"
           "peft predict --help explains all flags.\n";
    return 2;
  }
  ModelFlags flags;
  std::string out = "-", to, adapter_column;
  CommandLine line(
      "peft predict",
      "Says what a trained model predicts for every row of a table, which may be of any "
      "length: the columns that came in, the prediction, and the probability of every "
      "class.");
  flags.add_to(line);
  auto add = line.options.add_options();
  add("out", "file to write, - is standard output (-)", cxxopts::value<std::string>(out), "FILE");
  add("out-format", "tsv, csv or jsonl (by --out's ending, or the data's)",
      cxxopts::value<std::string>(to), "NAME");
  add("adapter-column", "column that names the adapter of each row, of several --adapter NAME=DIR",
      cxxopts::value<std::string>(adapter_column), "NAME");
  line.parse(argc, argv);
  if (line.answered(std::cout)) return 0;
  flags.resolve("predict", {.several = !adapter_column.empty()});
  if (!adapter_column.empty() && flags.adapters.empty())
    throw UsageError(engine::concat("--adapter-column needs --adapter NAME=DIR",
                                    hint("give one for each name in the column")));
  watch_stop_signals();
  engine::set_threads(flags.threads);
  flags.precision.use();
  const Model model(flags, adapter_column);
  data::OwnData columns = model.columns();
  std::ifstream file;
  std::unique_ptr<std::istream> replay;
  std::istream* in = &std::cin;
  data::Format format{};
  std::string name = "standard input";
  if (flags.file == "-") {
    std::string first;
    replay = data::look_at_first_line(std::cin, first);
    in = replay.get();
    format = flags.format.empty() ? data::sniff_format(first, data::text_column_names(columns))
                                  : data::parse_format(flags.format);
  } else {
    name = flags.file;
    format = flags.format.empty() ? data::format_of(flags.file) : data::parse_format(flags.format);
    // What a shell hands over as a file (<(zcat F)) may be a pipe; one in a folder would wait.
    if (!flags.file.starts_with("/dev/fd/")) engine::check_plain_file(flags.file);
    file.open(flags.file, std::ios::binary);
    check(file.good(), flags.file, "cannot be opened");
    in = &file;
  }
  const data::Format out_format = !to.empty() ? data::parse_format(to)
                                  : out != "-" && fs::path(out).has_extension()
                                      ? data::format_of(out)
                                      : format;
  check(format != data::Format::lines || adapter_column.empty(), name, "has a text a line, and no ",
        "column that names adapters", hint("give TSV, CSV or JSONL; --format says which"));
  if (format == data::Format::lines) columns.text = "text";  // the whole line
  const auto rows = data::open_rows(*in, format, name);
  Progress progress(0, {.label = "predict"});
  const auto shown = [&](int64_t done) {
    if (progress.due(done)) progress.update(done, {});
    return !stop_requested();
  };
  run::Streamed done;
  if (out == "-") {
    done = model.predict(*rows, out_format, std::cout, columns, shown);
  } else {
    OutputFile to_file(out);
    done = model.predict(*rows, out_format, to_file.stream(), columns, shown);
    to_file.keep();
  }
  progress.finish();
  check(flags.file != "-" || !std::ferror(stdin), "standard input",
        "cannot be read (is it closed?)");
  std::cerr << rate_line(done.rows, done.seconds);
  if (done.cut > 0)
    std::cerr << "; " << format_count(done.cut) << " texts were cut" << model.limit_text();
  if (out != "-") std::cerr << "; written to " << out;
  std::cerr << '\n';
  return stop_requested() ? stop_exit_code() : 0;
}

}  // namespace apps
