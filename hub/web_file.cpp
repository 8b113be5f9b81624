#include "hub/web_file.h"

#include "engine/base/number.h"

namespace hub {

namespace fs = std::filesystem;
using engine::check;
using engine::concat;
using engine::hint;

namespace {

[[noreturn]] void explain(Remote& remote, const Answer& answer, const WebFile& file) {
  remote.check_reached(answer, file.what);
  const std::string url = shown_url(file.url);
  // Amazon's stores say 403 of what they do not have.
  if (answer.status == 403 || answer.status == 404 || answer.status == 410)
    throw NotFound(concat("there is no ", url, " (status ", answer.status, ")"));
  engine::fail(file.what, url, " answers ", answer.status,
               answer.problem.empty() ? "" : ": " + answer.problem);
}

}  // namespace

FileInfo web_info(Remote& remote, const WebFile& file) {
  const Answer answer = remote.persist({.url = file.url,
                                        .head = true,
                                        .seconds = remote.settings().metadata_seconds,
                                        .longest = 60});
  if (answer.status != 200 || !answer.problem.empty()) explain(remote, answer, file);
  const std::string url = shown_url(file.url);
  const auto bytes = engine::to_number<int64_t>(answer.header("content-length"));
  check(bytes && *bytes >= 0, file.what, url, " does not say how large it is",
        hint("does a proxy change answers?"));
  check(*bytes <= file.most, file.what, url, " has ", *bytes, " bytes, and should not have over ",
        file.most, hint("is it the right address?"));
  const std::string tag = etag_name(answer.header("etag"));
  return {.url = file.url, .etag = tag.empty() ? concat("size-", *bytes) : tag, .size = *bytes};
}

fs::path fetch_web_file(Remote& remote, const WebFile& file, const FileInfo& info,
                        const Grown& grown) {
  const Place place{
      .what = file.what,
      .file = file.folder / concat(fs::path(file.url).filename().string(), ".", info.etag),
      .lock = file.lock,
      .elsewhere = file.elsewhere,
      .explain = [&](const Answer& answer) { explain(remote, answer, file); }};
  std::error_code error;
  fs::create_directories(file.folder, error);
  check(!error, file.folder.string(), "cannot be made: ", error.message(),
        hint(file.elsewhere, " names another place"));
  // A tag of another server is no promise of a digest, whatever it looks like.
  download_file(remote, place, {.url = info.url, .etag = "", .size = info.size}, grown);
  return place.file;
}

}  // namespace hub
