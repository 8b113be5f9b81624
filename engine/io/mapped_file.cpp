#include "engine/io/mapped_file.h"

namespace engine {

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  return std::shared_ptr<const MappedFile>(new MappedFile(path));
}

}  // namespace engine
