// Opening what should be a plain file. A FIFO would wait for ever, a device never end, a folder
// fail with an unclear error: each gets a message instead.
#pragma once

#include <filesystem>
#include <string>

namespace engine {

// A file descriptor to read from, close-on-exec. Throws Error that names the file: there is none,
// it cannot be read, or it is a folder, a FIFO, a device or a socket.
int open_plain_file(const std::filesystem::path& path);

// Throws as open_plain_file does.
void check_plain_file(const std::filesystem::path& path);

// All bytes of it.
std::string read_plain_file(const std::filesystem::path& path);

}  // namespace engine
