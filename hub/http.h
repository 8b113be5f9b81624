// One HTTP request at a time, over libcurl. Redirects are not followed here: who asks decides what
// may be sent where. Nothing that a server sends is held beyond a bound.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "hub/settings.h"

namespace hub {

struct Answer {
  int status = 0;                              // 0: no answer
  std::map<std::string, std::string> headers;  // names in lower case; of several, the last
  std::string body;                            // bounded; empty where a sink took it
  std::string redirect;                        // where a 3xx points, as a whole URL
  std::string problem;                         // what the network did; empty: nothing went wrong
  bool no_connection = false;                  // the host was not found or not reached
  bool distrusted = false;                     // its certificate is not what it should be
  bool stopped = false;                        // the caller's stop() or sink ended it

  std::string header(const std::string& name) const {
    const auto it = headers.find(name);
    return it == headers.end() ? "" : it->second;
  }
};

struct Request {
  std::string url;
  bool head = false;
  bool token = false;   // send the settings' token
  int64_t from = 0;     // > 0: the bytes from here on (Range)
  double seconds = 10;  // without a byte, before giving up
  double longest = 0;   // seconds for all of it; 0: no bound
  // Takes the body of a 200 or 206 piece by piece; false ends the transfer. Without it the body is
  // kept, up to 32 MiB.
  std::function<bool(const Answer& so_far, std::string_view bytes)> sink;
};

// False in a build without libcurl.
bool http_available();

class Http {
 public:
  // `stop` is asked while nothing comes, about once a second.
  Http(const Settings& settings, std::function<bool()> stop);
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  // Never throws for what a server or the network does: the answer says it.
  Answer ask(const Request& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Whether two URLs have the same scheme, host and port: what a token may be sent to.
bool same_host(const std::string& a, const std::string& b);
// Whether a redirect from `from` may be followed: to http or https, never from https to http.
bool may_follow(const std::string& from, const std::string& to);

}  // namespace hub
