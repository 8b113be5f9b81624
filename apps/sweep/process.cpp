#include "apps/sweep/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "engine/base/error.h"

namespace apps {

pid_t launch(const std::vector<std::string>& program, const std::vector<std::string>& flags,
             const std::filesystem::path& log, const run::Claim& claim) {
  // Everything that needs memory comes before the fork: another thread may hold the allocator.
  std::vector<char*> argv;
  for (const auto* part : {&program, &flags})
    for (const std::string& argument : *part) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  engine::check(out >= 0, log.string(), "cannot be opened: ", std::strerror(errno));
  const pid_t parent = ::getpid(), child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(125);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    claim.keep_on_exec();
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, 0);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execv(argv[0], argv.data());
    ::dprintf(2, "error: %s cannot be run: %s\n", argv[0], std::strerror(errno));
    ::_exit(126);
  }
  const int error = errno;
  ::close(out);
  engine::check(child > 0, "sweep", "no new process: ", std::strerror(error));
  return child;
}

std::string own_program() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  engine::check(!error, "/proc/self/exe", "cannot be read: ", error.message());
  return path.string();
}

}  // namespace apps
