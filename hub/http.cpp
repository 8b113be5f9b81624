#include "hub/http.h"

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/version.h"

#ifdef PEFT_HAS_CURL
#include <curl/curl.h>
#endif

namespace hub {

#ifdef PEFT_HAS_CURL

namespace {

constexpr size_t kMostHeaders = size_t{256} << 10, kMostBody = size_t{32} << 20;

// "https://host:443" in lower case, the default port written out; "" for what is no URL.
std::string origin(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return "";
  std::string out;
  for (const CURLUPart part : {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT}) {
    char* text = nullptr;
    if (curl_url_get(parsed.get(), part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return "";
    out += (out.empty() ? "" : ":") + std::string(text);
    curl_free(text);
  }
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

struct Transfer {
  const Request* request;
  const std::function<bool()>* stop;
  CURL* curl;
  Answer answer;
  size_t header_bytes = 0;
  bool too_much = false;
};

size_t on_header(char* data, size_t, size_t bytes, void* to) {
  auto& t = *static_cast<Transfer*>(to);
  t.header_bytes += bytes;
  if (t.header_bytes > kMostHeaders) {
    t.too_much = true;
    return 0;
  }
  std::string_view line(data, bytes);
  if (line.starts_with("HTTP/")) {  // also after a "100 Continue" or a proxy's answer
    t.answer.headers.clear();
    return bytes;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bytes;
  std::string name(line.substr(0, colon));
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  std::string_view value = line.substr(colon + 1);
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!value.empty() && space(value.front())) value.remove_prefix(1);
  while (!value.empty() && space(value.back())) value.remove_suffix(1);
  t.answer.headers[name] = value;
  return bytes;
}

size_t on_body(char* data, size_t, size_t bytes, void* to) {
  auto& t = *static_cast<Transfer*>(to);
  if (t.answer.status == 0) {
    long status = 0;
    curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &status);
    t.answer.status = static_cast<int>(status);
  }
  const bool wanted = t.answer.status == 200 || t.answer.status == 206;
  if (wanted && t.request->sink) {
    if (t.request->sink(t.answer, {data, bytes})) return bytes;
    t.answer.stopped = true;
    return 0;
  }
  if (t.answer.body.size() + bytes > kMostBody) {
    t.too_much = true;
    return 0;
  }
  t.answer.body.append(data, bytes);
  return bytes;
}

int on_progress(void* from, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& t = *static_cast<Transfer*>(from);
  if (!(*t.stop)()) return 0;
  t.answer.stopped = true;
  return 1;
}

}  // namespace

bool http_available() { return true; }

bool same_host(const std::string& a, const std::string& b) {
  const std::string origin_a = origin(a);
  return !origin_a.empty() && origin_a == origin(b);
}

bool may_follow(const std::string& from, const std::string& to) {
  const std::string target = origin(to);
  return target.starts_with("https:") ||
         (target.starts_with("http:") && origin(from).starts_with("http:"));
}

struct Http::State {
  Settings settings;
  std::function<bool()> stop;
  CURL* curl = nullptr;
};

Http::Http(const Settings& settings, std::function<bool()> stop)
    : state_(std::make_unique<State>()) {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  state_->settings = settings;
  state_->stop = std::move(stop);
  state_->curl = global == CURLE_OK ? curl_easy_init() : nullptr;
  engine::check(state_->curl != nullptr, "hub", "libcurl does not start");
}

Http::~Http() { curl_easy_cleanup(state_->curl); }

Answer Http::ask(const Request& request) {
  CURL* curl = state_->curl;
  curl_easy_reset(curl);  // the connection stays
  Transfer t{&request, &state_->stop, curl, {}, 0, false};
  char text[CURL_ERROR_SIZE] = "";
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(curl, option, value); };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_ERRORBUFFER, text);
  set(CURLOPT_USERAGENT, engine::concat("peft.cpp/", engine::version()).c_str());
  // Sizes and digests are of the file itself, so it may not be compressed on the way.
  set(CURLOPT_ACCEPT_ENCODING, static_cast<const char*>(nullptr));
  curl_slist* lines = curl_slist_append(nullptr, "Accept-Encoding: identity");
  if (request.token && !state_->settings.token.empty())
    lines = curl_slist_append(lines, ("Authorization: Bearer " + state_->settings.token).c_str());
  if (request.from > 0) {
    const std::string range = engine::concat("Range: bytes=", request.from, "-");
    lines = curl_slist_append(lines, range.c_str());
  }
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> owner(lines,
                                                                          curl_slist_free_all);
  set(CURLOPT_HTTPHEADER, lines);
  set(CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));  // a proxy sees no token
  if (request.head) set(CURLOPT_NOBODY, 1L);
  if (!state_->settings.certificates.empty())
    set(CURLOPT_CAINFO, state_->settings.certificates.c_str());
  const long quiet = std::max(1L, static_cast<long>(request.seconds + 0.5));
  set(CURLOPT_CONNECTTIMEOUT, quiet);
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, quiet);
  if (request.longest > 0) set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.longest * 1000));
  set(CURLOPT_BUFFERSIZE, 512L << 10);
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, &t);
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, &t);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &on_progress);
  set(CURLOPT_XFERINFODATA, &t);

  const CURLcode code = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  t.answer.status = static_cast<int>(status);
  char* next = nullptr;
  if (curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &next) == CURLE_OK && next)
    t.answer.redirect = next;
  if (code == CURLE_OK || t.answer.stopped) return std::move(t.answer);
  t.answer.problem = t.too_much ? "it sends far more than such an answer has"
                     : *text    ? text
                                : curl_easy_strerror(code);
  t.answer.no_connection = code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ||
                           code == CURLE_COULDNT_RESOLVE_PROXY;
  t.answer.distrusted = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
  return std::move(t.answer);
}

#else

bool http_available() { return false; }
bool same_host(const std::string&, const std::string&) { return false; }
bool may_follow(const std::string&, const std::string&) { return false; }
struct Http::State {};
Http::Http(const Settings&, std::function<bool()>) {}
Http::~Http() = default;
Answer Http::ask(const Request&) { return {.problem = "this build has no libcurl"}; }

#endif

}  // namespace hub
