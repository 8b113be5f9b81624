// What the writer and the reader of a corpus cache share. Internal to data/.
#pragma once

#include <cstddef>
#include <cstdint>

namespace data {

inline constexpr size_t kCorpusPage = 4096;
inline constexpr char kCorpusMagic[16] = {'p', 'e', 'f', 't', 'c', 'o', 'r', 'p', 1,
                                          0,   0,   0,   0,   0,   0,   0};  // the 1 is the version
inline constexpr size_t kCorpusHeader = sizeof kCorpusMagic;

inline int64_t padded(int64_t bytes) { return (bytes + 7) / 8 * 8; }

}  // namespace data
