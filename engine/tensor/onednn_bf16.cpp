#include "engine/tensor/onednn_bf16.h"

#include "engine/base/error.h"

#if defined(PEFT_HAS_ONEDNN)
#include <omp.h>

#include <dnnl.hpp>
#include <unordered_map>
#include <vector>

namespace engine::onednn_bf16 {
namespace {

using dnnl::memory;

struct Hash {
  size_t operator()(const Product& p) const {
    size_t h = 0;
    for (const int64_t x : {p.m, p.n, p.k, p.a_stride, p.b_stride, p.c_stride,
                            int64_t{p.transpose_a} + 2 * p.transpose_b + 4 * p.add})
      h = (h ^ static_cast<size_t>(x)) * 0x9E3779B97F4A7C15u + (h >> 29);
    return h;
  }
};

struct Made {
  dnnl::matmul primitive;
  memory a, b, c;
  memory scratch;
  size_t scratch_bytes;
};

memory::desc matrix(int64_t rows, int64_t cols, int64_t stride, bool transpose,
                    memory::data_type type) {
  // A side of 1 has no stride of its own: what is given must still be at least the other side.
  return {{rows, cols},
          type,
          transpose ? memory::dims{1, std::max(stride, rows)}
                    : memory::dims{std::max(stride, cols), 1}};
}

class Products {
 public:
  void run(const Product& p, const BFloat16* a, const BFloat16* b, float* c) {
    const int threads = omp_in_parallel() ? 1 : omp_get_max_threads();
    auto& made = threads == 1 ? single_ : made_;
    if (threads != 1 && threads != threads_) {  // a primitive is made for a number of threads
      made.clear();
      threads_ = threads;
    }
    auto it = made.find(p);
    if (it == made.end()) {
      if (made.size() >= kMost) made.clear();
      it = made.emplace(p, make(p)).first;
    }
    Made& m = it->second;
    if (scratch_.size() < m.scratch_bytes) scratch_.resize(m.scratch_bytes);
    m.a.set_data_handle(const_cast<BFloat16*>(a));
    m.b.set_data_handle(const_cast<BFloat16*>(b));
    m.c.set_data_handle(c);
    m.scratch.set_data_handle(scratch_.data());
    // The C interface: the other builds a map for every call.
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, m.a.get()},
                                         {DNNL_ARG_WEIGHTS, m.b.get()},
                                         {DNNL_ARG_DST, m.c.get()},
                                         {DNNL_ARG_SCRATCHPAD, m.scratch.get()}};
    dnnl::error::wrap_c_api(dnnl_primitive_execute(m.primitive.get(), stream_.get(), 4, arguments),
                            "the product was not computed");
  }

 private:
  static constexpr size_t kMost = 1024;  // kinds of products; each holds some ten KB

  Made make(const Product& p) const {
    const auto half = memory::data_type::bf16;
    const memory::desc a = matrix(p.m, p.k, p.a_stride, p.transpose_a, half),
                       b = matrix(p.k, p.n, p.b_stride, p.transpose_b, half),
                       c = matrix(p.m, p.n, p.c_stride, false, memory::data_type::f32);
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (p.add) {
      dnnl::post_ops sum;
      sum.append_sum(1);
      attributes.set_post_ops(sum);
    }
#if DNNL_VERSION_MAJOR >= 3
    const dnnl::matmul::primitive_desc description(engine_, a, b, c, attributes);
#else
    const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(a, b, c), attributes,
                                                   engine_);
#endif
    return {dnnl::matmul(description),
            memory(a, engine_, nullptr),
            memory(b, engine_, nullptr),
            memory(c, engine_, nullptr),
            memory(description.scratchpad_desc(), engine_, nullptr),
            description.scratchpad_desc().get_size()};
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::unordered_map<Product, Made, Hash> made_, single_;
  int threads_ = 0;  // of made_
  std::vector<char> scratch_;
};

}  // namespace

const char* instructions() {
  static const char* const name = []() -> const char* {
    const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
    const auto has = [isa](dnnl::cpu_isa which) {
      return (isa & static_cast<unsigned>(which)) == static_cast<unsigned>(which);
    };
    if (has(dnnl::cpu_isa::avx512_core_amx)) return "amx_bf16";
    return has(dnnl::cpu_isa::avx512_core_bf16) ? "avx512_bf16" : nullptr;
  }();
  return name;
}

void multiply(const Product& product, const BFloat16* a, const BFloat16* b, float* c) {
  static thread_local Products products;
  try {
    products.run(product, a, b, c);
  } catch (const dnnl::error& e) {
    fail("gemm", "oneDNN does not multiply BF16 matrices of ", product.m, " x ", product.k, " and ",
         product.k, " x ", product.n, ": ", e.what(), hint("train with --precision fp32"));
  }
}

}  // namespace engine::onednn_bf16

#else

namespace engine::onednn_bf16 {

const char* instructions() { return nullptr; }

void multiply(const Product&, const BFloat16*, const BFloat16*, float*) {
  fail("gemm", "this build has no oneDNN");
}

}  // namespace engine::onednn_bf16

#endif
