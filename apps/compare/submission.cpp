#include "apps/compare/submission.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "engine/base/number.h"
#include "engine/io/mapped_file.h"

namespace apps {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void failed(archive* a) {
  engine::fail("zip", archive_error_string(a) ? archive_error_string(a) : "writing failed");
}

la_ssize_t append(archive*, void* to, const void* data, size_t bytes) {
  static_cast<std::string*>(to)->append(static_cast<const char*>(data), bytes);
  return static_cast<la_ssize_t>(bytes);
}

// A zip with a fixed date, so that its bytes follow from the files alone.
std::string zip(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string out;
  const std::unique_ptr<archive, int (*)(archive*)> a(archive_write_new(), archive_write_free);
  if (archive_write_set_format_zip(a.get()) != ARCHIVE_OK ||
      archive_write_set_bytes_per_block(a.get(), 0) != ARCHIVE_OK ||
      archive_write_open(a.get(), &out, nullptr, append, nullptr) != ARCHIVE_OK)
    failed(a.get());
  for (const auto& [name, text] : files) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                         archive_entry_free);
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(text.size()));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_mtime(entry.get(), 315619200, 0);  // 1980-01-02: zip's dates begin in 1980
    if (archive_write_header(a.get(), entry.get()) != ARCHIVE_OK ||
        archive_write_data(a.get(), text.data(), text.size()) !=
            static_cast<la_ssize_t>(text.size()))
      failed(a.get());
  }
  if (archive_write_close(a.get()) != ARCHIVE_OK) failed(a.get());
  return out;
}

bool allowed(const SubmissionFile& file, std::string_view prediction) {
  if (!file.labels.empty())
    return std::find(file.labels.begin(), file.labels.end(), prediction) != file.labels.end();
  const auto score = engine::to_number<double>(prediction);
  return score && *score >= 0 && *score <= 5;
}

std::string filled(const SubmissionFile& file) {
  const std::string label = file.labels.empty() ? "2.5" : file.labels.front();
  std::string out = "index\tprediction\n";
  for (int64_t i = 0; i < file.rows; ++i) out += std::to_string(i) + '\t' + label + '\n';
  return out;
}

// The run whose predictions are sent for a task, or null.
const Run* chosen_run(const Summary& summary, const std::string& task, const std::string& spec) {
  const auto at = std::find(summary.tasks.begin(), summary.tasks.end(), task);
  if (at == summary.tasks.end()) return nullptr;
  const auto t = static_cast<size_t>(at - summary.tasks.begin());
  const Group* best = nullptr;
  for (const Row& row : summary.rows) {
    const Group* group = row.cells[t].group;
    if (!group || !group->score || (!spec.empty() && row.spec != spec)) continue;
    if (!best || group->score.mean > best->score.mean) best = group;
  }
  const Run* run = nullptr;
  if (best)
    for (const Run& one : best->runs)
      if (one.score && (!run || *one.score > *run->score)) run = &one;
  return run;
}

}  // namespace

const std::vector<SubmissionFile>& submission_files() {
  static const std::vector<std::string> digits = {"0", "1"},
                                        words = {"entailment", "not_entailment"},
                                        three = {"entailment", "neutral", "contradiction"};
  static const std::vector<SubmissionFile> files = {
      {"CoLA.tsv", "cola", 1063, digits},   {"SST-2.tsv", "sst2", 1821, digits},
      {"MRPC.tsv", "mrpc", 1725, digits},   {"STS-B.tsv", "stsb", 1379, {}},
      {"QQP.tsv", "qqp", 390965, digits},   {"MNLI-m.tsv", "mnli", 9796, three},
      {"MNLI-mm.tsv", "mnli", 9847, three}, {"QNLI.tsv", "qnli", 5463, words},
      {"RTE.tsv", "rte", 3000, words},      {"WNLI.tsv", "wnli", 146, digits},
      {"AX.tsv", "mnli", 1104, three}};
  return files;
}

std::string read_submission(const SubmissionFile& file, const fs::path& path) {
  std::error_code error;
  engine::check(fs::is_regular_file(path, error), path.string(), "is not a plain file");
  const auto mapped = engine::MappedFile::open(path);
  const std::string_view text(reinterpret_cast<const char*>(mapped->data()), mapped->size());
  int64_t row = -1;
  for (size_t begin = 0; begin < text.size(); ++row) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    if (row < 0) {
      engine::check(line == "index\tprediction", path.string(),
                    "does not begin with the header of a submission, index and prediction");
      continue;
    }
    const std::string index = std::to_string(row) + "\t";
    engine::check(line.starts_with(index) && allowed(file, line.substr(index.size())),
                  path.string(), "line ", row + 2, " is not index ", row, " and a prediction of ",
                  file.name);
  }
  engine::check(row == file.rows, path.string(), "has ", std::max<int64_t>(row, 0),
                " predictions, GLUE's test set has ", file.rows,
                engine::hint("the site takes predictions of the whole test set only: run the task "
                             "with its official test file"));
  return std::string(text);
}

Submission make_submission(const Summary& summary, const std::string& spec) {
  Submission out;
  std::vector<std::pair<std::string, std::string>> files;
  int64_t found = 0;
  for (const SubmissionFile& file : submission_files()) {
    const Run* run = chosen_run(summary, file.task, spec);
    const fs::path path = run ? run->folder / "submission" / file.name : fs::path();
    std::error_code error;
    if (run && fs::exists(path, error)) {
      files.emplace_back(file.name, read_submission(file, path));
      out.lines.push_back(file.name + ": " + run->spec + ", " + run->folder_text());
      ++found;
      continue;
    }
    files.emplace_back(file.name, filled(file));
    out.lines.push_back(
        file.name + ": filled with one label, " +
        (run ? run->folder_text() + " has no predictions of it" : "no run of " + file.task));
  }
  engine::check(found > 0, "submission", "no run ", spec.empty() ? "" : "of " + spec + " ",
                "has predictions of a test set of GLUE",
                engine::hint("they are in the folder submission/ of a run of a GLUE task whose "
                             "data has test.tsv"));
  out.zip = zip(files);
  return out;
}

}  // namespace apps
