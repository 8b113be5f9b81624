// Where the files of a zip archive lie, for archives that do not compress (torch.save's): their
// bytes are used in the mapped file, which a library that unpacks would copy.
#pragma once

#include <map>
#include <span>
#include <string>

namespace engine {

// Name -> bytes, views of `archive`. Zip64 is understood. Throws engine::Error for a damaged
// directory, an entry outside of the archive, a name that is there twice, and an entry that is
// compressed or encrypted.
std::map<std::string, std::span<const std::byte>> zip_directory(std::span<const std::byte> archive,
                                                                const std::string& where);

}  // namespace engine
