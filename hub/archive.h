// Taking chosen files out of a zip that somebody else has made, with libarchive.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace hub {

// Writes the entries named in `wanted` (entry -> file name) into `folder`, which exists. All other
// entries are skipped, so no name of the archive becomes a path. Throws engine::Error where
// - the file is not a zip, is cut off, or an entry's checksum is wrong
// - a wanted entry is missing, there twice, encrypted, or a link
// - any entry's name is absolute or has a ".." in it
// - what is unpacked has more than `most` bytes
// `what` names the archive in messages. Files that were begun stay in `folder`.
void unpack(const std::filesystem::path& archive, const std::string& what,
            const std::map<std::string, std::string>& wanted, const std::filesystem::path& folder,
            int64_t most);

}  // namespace hub
