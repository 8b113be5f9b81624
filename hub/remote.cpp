#include "hub/remote.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>

#include "engine/base/number.h"
#include "engine/io/json.h"

namespace hub {

using engine::check;
using engine::concat;
using engine::hint;

namespace {

constexpr int kMostHops = 8;

bool is_redirect(const Answer& answer) {
  return answer.status >= 300 && answer.status < 400 && !answer.redirect.empty();
}

// What a server says of its own error, short enough for a message.
std::string server_words(const Answer& answer) {
  std::string text = answer.header("x-error-message");
  if (text.size() > 300) text.resize(300);
  return text.empty() ? "" : " (it says: " + text + ")";
}

}  // namespace

Remote::Remote(const Settings& settings, Watcher& watcher)
    : settings_(settings), watcher_(watcher), http_(settings, [this] { return watcher_.stop(); }) {}

void Remote::check_stop() {
  if (watcher_.stop()) throw Stopped("hub: stopped; what was downloaded stays, to go on with");
}

Answer Remote::ask(Request request, bool linked) {
  request.token = true;
  for (int hop = 0;; ++hop) {
    request.token = request.token && same_host(request.url, settings_.endpoint);
    Answer answer = http_.ask(request);
    if (answer.stopped) check_stop();
    reached_ = reached_ || answer.status != 0;
    if (!is_redirect(answer) || (linked && !answer.header("x-linked-etag").empty())) return answer;
    if (hop == kMostHops || !may_follow(request.url, answer.redirect)) {
      answer.problem = concat("it redirects ", hop == kMostHops ? "in a circle" : "to ",
                              hop == kMostHops ? "" : shown_url(answer.redirect));
      return answer;
    }
    request.url = answer.redirect;
  }
}

bool Remote::passing(const Answer& answer) {
  if (answer.distrusted || is_redirect(answer)) return false;
  return !answer.problem.empty() || answer.status == 408 || answer.status == 429 ||
         (answer.status >= 500 && answer.status != 501);
}

bool Remote::pause(int tried, const Answer& answer) {
  double seconds = settings_.pause * std::pow(2.0, std::min(tried - 1, 3));
  // Many that were turned away together should not come back together.
  static std::minstd_rand random(static_cast<unsigned>(::getpid()));
  seconds *= 1 + 0.25 * static_cast<double>(random() % 1000) / 1000;
  if (const auto asked = engine::to_number<double>(answer.header("retry-after"))) {
    if (*asked > settings_.longest_pause) return false;
    seconds = std::max(seconds, *asked);
  }
  watcher_.note(concat(
      shown_url(settings_.endpoint), " ",
      answer.problem.empty() ? concat("answers ", answer.status) : "breaks off: " + answer.problem,
      "; trying again in ", std::max(1L, std::lround(seconds)), " s"));
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end) {
    check_stop();
    ::usleep(static_cast<useconds_t>(std::min(0.1, seconds) * 1e6));
  }
  return true;
}

Answer Remote::persist(const Request& request, bool linked) {
  for (int tried = 1;; ++tried) {
    Answer answer = ask(request, linked);
    if (!passing(answer) || tried >= settings_.tries) return answer;
    // Nobody has answered yet: there is no network, and waiting does not make one.
    if (answer.no_connection && !reached_) return answer;
    if (!pause(tried, answer)) return answer;
  }
}

Listing Remote::list(const Name& name) {
  const std::string url = concat(settings_.endpoint, "/api/models/", url_quote(name.repo, true),
                                 "/revision/", url_quote(name.revision, false), "?blobs=true");
  const Answer answer = persist({.url = url, .seconds = settings_.metadata_seconds, .longest = 60});
  if (answer.status != 200 || !answer.problem.empty()) explain(answer, name, "");
  const std::string where = shown_url(url);
  const engine::Json json = engine::parse_json(answer.body, where);
  Listing listing;
  listing.commit = engine::get<std::string>(json, "sha", where);
  check(is_commit(listing.commit), where,
        "\"sha\" is not a commit, which has 40 hexadecimal digits", hint("is HF_ENDPOINT a hub?"));
  for (const engine::Json& file : engine::get<std::vector<engine::Json>>(json, "siblings", where)) {
    const auto path = engine::get<std::string>(file, "rfilename", where);
    if (is_plain_path(path))  // others are none of a model's files
      listing.files[path] = engine::get_or<int64_t>(file, "size", -1, where);
  }
  return listing;
}

FileInfo Remote::info(const Name& name, const std::string& commit, const std::string& file) {
  const std::string url = concat(settings_.endpoint, "/", url_quote(name.repo, true), "/resolve/",
                                 commit, "/", url_quote(file, true));
  const Answer answer = persist(
      {.url = url, .head = true, .seconds = settings_.metadata_seconds, .longest = 60}, true);
  const bool linked = !answer.header("x-linked-etag").empty();
  if (!answer.problem.empty() || !(answer.status == 200 || (is_redirect(answer) && linked)))
    explain(answer, name, file);
  FileInfo info;
  const std::string tag = answer.header(linked ? "x-linked-etag" : "etag");
  info.etag = etag_name(tag);
  check(!info.etag.empty(), name.repo + "/" + file, "the hub gives ",
        tag.empty() ? "no ETag" : "an ETag that cannot be the name of a file",
        hint("is HF_ENDPOINT a hub? What it sends could not be checked"));
  std::string size = answer.header("x-linked-size");
  if (size.empty() && !is_redirect(answer)) size = answer.header("content-length");
  const auto bytes = engine::to_number<int64_t>(size);
  check(bytes && *bytes >= 0, name.repo + "/" + file, "the hub does not say how large it is",
        hint("is HF_ENDPOINT a hub, or a proxy that changes answers?"));
  info.size = *bytes;
  info.url = url;
  return info;
}

void Remote::check_reached(const Answer& answer, const std::string& what) {
  const std::string host = shown_url(settings_.endpoint);
  if (answer.distrusted)
    engine::fail(what, "the certificate of ", host, " is not to be trusted: ", answer.problem,
                 hint("is the clock right? Behind a proxy that opens connections, name its "
                      "certificate in SSL_CERT_FILE"));
  if (answer.status == 0) throw Unreachable(concat(host, " cannot be reached: ", answer.problem));
  if (passing(answer))
    throw Unreachable(concat(host,
                             answer.problem.empty() ? concat(" answers ", answer.status)
                                                    : " breaks off: " + answer.problem,
                             ", also after ", settings_.tries, " tries"));
}

void Remote::explain(const Answer& answer, const Name& name, const std::string& file) {
  const std::string what = file.empty() ? name.text() : name.text() + "/" + file;
  check_reached(answer, what);
  const std::string host = shown_url(settings_.endpoint);
  const std::string code = answer.header("x-error-code");
  const std::string words = server_words(answer);
  const bool token = !settings_.token.empty();
  if (code == "GatedRepo" || (answer.status == 403 && code.empty()))
    engine::fail(
        what, code.empty() ? "may not be read" : "is gated: its owners want to be asked first",
        words,
        hint("ask at ", host, "/", name.repo,
             token ? ", with the account whose token is in " + settings_.token_from +
                         "; the token needs the right to read gated models"
                   : ", make a token at " + host + "/settings/tokens, and put it into HF_TOKEN"));
  if (answer.status == 401 && code != "RepoNotFound" && token)
    engine::fail(what, "the hub does not accept the token in ", settings_.token_from, words,
                 hint("make a new one at ", host,
                      "/settings/tokens, or do without: most models need "
                      "none"));
  if (code == "RevisionNotFound")
    engine::fail(name.repo, "has no revision '", name.revision, "'",
                 hint("its branches and tags are listed at ", host, "/", name.repo, "/tree/main"));
  if (code == "EntryNotFound" || (answer.status == 404 && !file.empty() && code.empty()))
    engine::fail(what, "there is no such file on ", host);
  if (code == "RepoNotFound" || answer.status == 401 || answer.status == 404)
    throw NotFound(concat(name.repo, ": there is no such model on ", host, ", or it is private",
                          hint("is the name spelled as on its page? A private one needs a token in "
                               "HF_TOKEN")));
  engine::fail(what, host, " answers ", answer.status, words,
               answer.problem.empty() ? "" : ": " + answer.problem);
}

}  // namespace hub
