#include "apps/common/main_guard.h"

#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <new>

#include "apps/common/command_line.h"
#include "apps/common/plain_text.h"
#include "apps/common/signals.h"
#include "engine/base/nearest.h"

namespace apps {
namespace {

int report(const std::string& message, int code) {
  std::cout.flush();
  std::cerr << "error: " << plain_text(message, "\n\t") << std::endl;  // it quotes what it found
  return code;
}

// Whether stdout is a pipe that nobody reads any more, as behind `| head`.
bool reader_is_gone() {
  pollfd out{1, POLLOUT, 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

// cxxopts says which value it could not read; whose it was is for us to find.
std::string flag_with(const std::string& value, const std::vector<std::string>& arguments) {
  std::string flag = "a flag";
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == value && i > 1 && arguments[i - 1].starts_with("-")) flag = arguments[i - 1];
    if (argument.starts_with("--") && argument.ends_with("=" + value))
      flag = argument.substr(0, argument.find('='));
  }
  return flag;
}

}  // namespace

int guarded(const std::function<int()>& body) {
  occupy_closed_descriptors();
  ignore_write_signals();
  report_lost_pages();
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

cxxopts::ParseResult parse_flags(cxxopts::Options& options, int argc, const char* const* argv) {
  std::vector<std::string> known;
  for (const std::string& group : options.groups())
    for (const auto& option : options.group_help(group).options)
      for (const std::string& name : option.l)
        if (name.size() > 1) known.push_back(name);
  options.set_width(static_cast<size_t>(help_width()));
  std::vector<std::string> spelled(argv, argv + argc);
  for (size_t i = 1; i < spelled.size() && spelled[i] != "--"; ++i) {
    if (!spelled[i].starts_with("--")) continue;
    const size_t end = std::min(spelled[i].find('='), spelled[i].size());
    spelled[i] = "--" + our_flag(spelled[i].substr(2, end - 2), known) + spelled[i].substr(end);
  }
  std::vector<const char*> arguments;
  for (const std::string& argument : spelled) arguments.push_back(argument.c_str());
  const auto see_help = engine::hint(options.program(), " --help lists the flags");
  const auto plain = [](std::string text) {  // cxxopts writes typographic quotes
    for (const char* quote : {"\u2018", "\u2019"})
      for (size_t at; (at = text.find(quote)) != std::string::npos;)
        text.replace(at, std::string_view(quote).size(), "'");
    return text;
  };
  try {
    return options.parse(argc, arguments.data());
  } catch (const cxxopts::exceptions::no_such_option& e) {
    const std::string text = plain(e.what());  // Option 'stratgy' does not exist
    const size_t open = text.find('\''), close = text.rfind('\'');
    const std::string name = open < close ? text.substr(open + 1, close - open - 1) : text,
                      near = engine::nearest(name, known);
    throw UsageError(engine::concat("unknown flag ", name.size() == 1 ? "-" : "--", name,
                                    near.empty() ? "" : ", did you mean --" + near + "?",
                                    see_help));
  } catch (const NotANumber& e) {
    throw UsageError(engine::concat(flag_with(e.text, spelled), " cannot be '", e.text,
                                    "', expected ", e.wanted, see_help));
  } catch (const cxxopts::exceptions::incorrect_argument_type& e) {
    const std::string text = plain(e.what());  // Argument 'many' failed to parse
    const size_t open = text.find('\''), close = text.rfind('\'');
    const std::string value = open < close ? text.substr(open + 1, close - open - 1) : text;
    throw UsageError(
        engine::concat(flag_with(value, spelled), " cannot be '", value, "'", see_help));
  } catch (const cxxopts::exceptions::exception& e) {
    throw UsageError(engine::concat(plain(e.what()), see_help));
  }
}

}  // namespace apps
