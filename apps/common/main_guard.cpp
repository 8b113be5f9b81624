#include "apps/common/main_guard.h"

#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <new>

#include "apps/common/signals.h"

namespace apps {
namespace {

int report(const std::string& message, int code) {
  std::cout.flush();
  std::cerr << "error: " << message << std::endl;
  return code;
}

// Whether stdout is a pipe that nobody reads any more, as behind `| head`.
bool reader_is_gone() {
  pollfd out{1, POLLOUT, 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

int guarded(const std::function<int()>& body) {
  ignore_write_signals();
  try {
    const int code = body();
    std::cout.flush();
    if (code != 0 || (std::cout.good() && std::fflush(stdout) == 0 && !std::ferror(stdout)))
      return code;
    if (reader_is_gone()) return kReaderGone;
    return report("stdout: could not write all of the output (is the disk full?)", 1);
  } catch (const UsageError& e) {
    return report(e.what(), 2);
  } catch (const std::bad_alloc&) {
    return report(
        "out of memory\nhint: a smaller --batch-size or --max-length, or a smaller model, needs "
        "less",
        1);
  } catch (const std::filesystem::filesystem_error& e) {
    return report(e.path1().string() + ": " + e.code().message(), 1);
  } catch (const std::exception& e) {
    return report(e.what(), 1);
  } catch (...) {
    return report("an exception of unknown type", 1);
  }
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  size_t least = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const size_t distance =
        !word.empty() && candidate.starts_with(word) ? 1 : edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

cxxopts::ParseResult parse_flags(cxxopts::Options& options, int argc, const char* const* argv) {
  std::vector<std::string> known;
  for (const std::string& group : options.groups())
    for (const auto& option : options.group_help(group).options)
      for (const std::string& name : option.l) known.push_back(name);
  const auto see_help = engine::hint(options.program(), " --help lists the flags");
  const auto plain = [](std::string text) {  // cxxopts writes typographic quotes
    for (const char* quote : {"\u2018", "\u2019"})
      for (size_t at; (at = text.find(quote)) != std::string::npos;)
        text.replace(at, std::string_view(quote).size(), "'");
    return text;
  };
  try {
    return options.parse(argc, argv);
  } catch (const cxxopts::exceptions::no_such_option& e) {
    const std::string text = plain(e.what());  // Option 'stratgy' does not exist
    const size_t open = text.find('\''), close = text.rfind('\'');
    const std::string name = open < close ? text.substr(open + 1, close - open - 1) : text,
                      near = nearest(name, known);
    throw UsageError(engine::concat("unknown flag ", name.size() == 1 ? "-" : "--", name,
                                    near.empty() ? "" : ", did you mean --" + near + "?",
                                    see_help));
  } catch (const cxxopts::exceptions::incorrect_argument_type& e) {
    const std::string text =
        plain(e.what());  // Argument 'many' failed to parse: whose it was is for us to find
    const size_t open = text.find('\''), close = text.rfind('\'');
    const std::string value = open < close ? text.substr(open + 1, close - open - 1) : text;
    std::string flag = "a flag";
    for (int i = 1; i < argc; ++i) {
      const std::string argument = argv[i], before = argv[i - 1];
      if (argument == value && i > 1 && before.starts_with("-")) flag = before;
      if (argument.starts_with("--") && argument.ends_with("=" + value))
        flag = argument.substr(0, argument.find('='));
    }
    throw UsageError(engine::concat(flag, " cannot be '", value, "'", see_help));
  } catch (const cxxopts::exceptions::exception& e) {
    throw UsageError(engine::concat(plain(e.what()), see_help));
  }
}

}  // namespace apps
