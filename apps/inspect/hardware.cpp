#include <ostream>

#include "apps/inspect/inspect.h"
#include "engine/base/threads.h"
#include "engine/base/version.h"
#include "engine/io/json.h"
#include "engine/tensor/gemm.h"
#include "engine/tensor/half_gemm.h"

namespace apps {
void inspect_hardware(const InspectOptions& options, std::ostream& out) {
  const engine::Machine machine = engine::machine();
  const std::string bf16 = engine::bf16_instructions();
  const std::string complaint = engine::blas_complaint();
  const int threads = engine::set_threads(0);
  if (options.json) {
    out << engine::json_text({{"processor", machine.processor},
                              {"cores", machine.cores},
                              {"threads", threads},
                              {"memory_bytes", machine.memory_bytes},
                              {"float_instructions", engine::float_instructions()},
                              {"bf16_instructions", bf16},
                              {"blas", engine::blas_version()},
                              {"complaint", complaint}})
        << '\n';
    return;
  }
  out << "processor  " << machine.processor << ", " << machine.cores << " cores\n"
      << "memory     " << machine.memory_bytes / (1 << 20) << " MiB\n"
      << "threads    " << threads << " of this process\n"
      << "fp32       " << engine::float_instructions() << '\n'
      << "bf16       "
      << (bf16.empty() ? "no instructions: --precision bf16 is refused, --weights bf16 works"
                       : bf16 + ": --precision bf16 works")
      << '\n'
      << "products   " << engine::blas_version() << '\n';
  if (!complaint.empty()) out << "warning    " << complaint << '\n';
}

}  // namespace apps
