#include "engine/base/version.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

namespace engine {

std::string version() { return PEFT_VERSION; }
std::string git_revision() { return PEFT_GIT_REVISION; }
std::string compiler() { return std::string("g++ ") + __VERSION__ + " " + PEFT_BUILD_FLAGS; }

Machine machine() {
  Machine m;
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) m.processor = line.substr(colon + 2);
    break;
  }
  m.cores = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  m.memory_bytes = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  utsname name{};
  if (uname(&name) == 0)
    m.system = std::string(name.sysname) + " " + name.release + " " + name.machine;
  return m;
}

int64_t peak_resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace engine
