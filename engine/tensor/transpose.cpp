// In squares of one vector by one vector, turned over in registers: what is read and written are
// whole lines of the cache.
#include "engine/tensor/transpose.h"

#include <Eigen/Core>
#include <algorithm>

#include "engine/tensor/parallel.h"

namespace engine {
namespace {

using Packet = Eigen::internal::packet_traits<Scalar>::type;
constexpr int64_t kSide = Eigen::internal::unpacket_traits<Packet>::size;

void turn_square(const Scalar* in, int64_t in_stride, Scalar* out, int64_t out_stride) {
  Eigen::internal::PacketBlock<Packet, kSide> square;
  for (int64_t i = 0; i < kSide; ++i)
    square.packet[i] = Eigen::internal::ploadu<Packet>(in + i * in_stride);
  Eigen::internal::ptranspose(square);
  for (int64_t i = 0; i < kSide; ++i)
    Eigen::internal::pstoreu(out + i * out_stride, square.packet[i]);
}

void turn_rest(const Scalar* in, int64_t rows, int64_t cols, int64_t in_stride, Scalar* out,
               int64_t out_stride) {
  for (int64_t c = 0; c < cols; ++c)
    for (int64_t r = 0; r < rows; ++r) out[c * out_stride + r] = in[r * in_stride + c];
}

}  // namespace

void transpose(const Scalar* in, int64_t rows, int64_t cols, int64_t in_stride, Scalar* out,
               int64_t out_stride) {
  const int64_t strips = (rows + kSide - 1) / kSide, whole = cols / kSide * kSide;
  parallel_for(strips, 2 * kSide * cols, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin * kSide; r < std::min(rows, end * kSide); r += kSide) {
      const Scalar* from = in + r * in_stride;
      if (r + kSide > rows) {
        turn_rest(from, rows - r, cols, in_stride, out + r, out_stride);
        continue;
      }
      for (int64_t c = 0; c < whole; c += kSide)
        turn_square(from + c, in_stride, out + c * out_stride + r, out_stride);
      turn_rest(from + whole, kSide, cols - whole, in_stride, out + whole * out_stride + r,
                out_stride);
    }
  });
}

}  // namespace engine
