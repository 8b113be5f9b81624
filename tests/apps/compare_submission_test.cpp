// The archive is read back by libarchive, file by file.
#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>

#include <map>

#include "apps/compare/submission.h"
#include "tests/apps/compare_runs.h"

using namespace apps;
using testing::run_record;
using testing::write_run;

namespace {

std::map<std::string, std::string> unzipped(const std::string& bytes) {
  std::map<std::string, std::string> files;
  archive* a = archive_read_new();
  REQUIRE(archive_read_support_format_zip(a) == ARCHIVE_OK);
  REQUIRE(archive_read_open_memory(a, bytes.data(), bytes.size()) == ARCHIVE_OK);
  for (archive_entry* entry; archive_read_next_header(a, &entry) == ARCHIVE_OK;) {
    std::string& text = files[archive_entry_pathname(entry)];
    char buffer[8192];
    for (la_ssize_t n; (n = archive_read_data(a, buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<size_t>(n));
  }
  archive_read_free(a);
  return files;
}

std::string predictions(int64_t rows, const std::string& label) {
  std::string out = "index\tprediction\n";
  for (int64_t i = 0; i < rows; ++i) out += std::to_string(i) + "\t" + label + "\n";
  return out;
}

void add_run(const std::filesystem::path& folder, const std::string& spec, int seed, double score,
             const std::string& task, const std::string& file, const std::string& text) {
  write_run(folder, run_record(spec, 100, seed, score, 1e-3, task));
  std::filesystem::create_directories(folder / "submission");
  testing::write_file(folder / "submission" / file, text);
}

}  // namespace

TEST_CASE("submission: eleven files, of the best strategy's best seed, others filled and named") {
  testing::TempDir dir;
  add_run(dir / "a", "lora", 1, 0.6, "wnli", "WNLI.tsv", predictions(146, "1"));
  add_run(dir / "b", "lora", 2, 0.7, "wnli", "WNLI.tsv",
          "index\tprediction\n0\t0\n" + predictions(146, "1").substr(21));
  add_run(dir / "c", "full", 1, 0.5, "wnli", "WNLI.tsv", predictions(146, "1"));
  add_run(dir / "d", "full", 1, 0.9, "stsb", "STS-B.tsv", predictions(1379, "4.25"));
  const Comparison c = compare_runs(find_runs(dir.path()));
  const Submission s = make_submission(summarise(c));
  const auto files = unzipped(s.zip);
  REQUIRE(files.size() == 11);
  REQUIRE(s.lines.size() == 11);
  for (const SubmissionFile& file : submission_files()) {
    REQUIRE(files.contains(file.name));
    const std::string& text = files.at(file.name);
    CHECK(text.starts_with("index\tprediction\n0\t"));
    CHECK(std::count(text.begin(), text.end(), '\n') == file.rows + 1);
  }
  CHECK(files.at("WNLI.tsv") == testing::read_file(dir / "b" / "submission" / "WNLI.tsv"));
  CHECK(files.at("STS-B.tsv").find("\n7\t4.25\n") != std::string::npos);
  CHECK(files.at("AX.tsv").find("\n1103\tentailment\n") != std::string::npos);
  CHECK(s.lines[9].find("WNLI.tsv: lora, ") == 0);
  CHECK(s.lines[0] == "CoLA.tsv: filled with one label, no run of cola");
  CHECK(make_submission(summarise(c)).zip == s.zip);
  CHECK(unzipped(make_submission(summarise(c), "full").zip).at("WNLI.tsv") ==
        predictions(146, "1"));
  CHECK_THROWS_WITH_AS(make_submission(summarise(c), "ia3"), doctest::Contains("no run of ia3"),
                       engine::Error);
}

TEST_CASE("submission: a file that the site would refuse is an error that says where") {
  for (const auto& [text, message] :
       {std::pair{predictions(10, "1"), "has 10 predictions, GLUE's test set has 146"},
        {predictions(146, "2"), "line 2 is not index 0"},
        {predictions(146, "entailment"), "line 2 is not index 0"},
        {"0\t1\n", "does not begin with the header"},
        {"index\tprediction\n0\t1\n2\t1\n", "line 3 is not index 1"},
        {"", "has 0 predictions"}}) {
    testing::TempDir dir;
    add_run(dir / "a", "lora", 1, 0.6, "wnli", "WNLI.tsv", text);
    const Comparison c = compare_runs(find_runs(dir.path()));
    CHECK_THROWS_WITH_AS(make_submission(summarise(c)), doctest::Contains(message), engine::Error);
  }
}
