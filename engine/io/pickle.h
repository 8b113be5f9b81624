// A Python pickle as plain data: what it would build, never built.
//
// A pickle is a program for a stack machine; a real unpickler imports and calls whatever it names.
// This reader keeps a call as the name and its arguments (PickleKind::call), so nothing runs, and
// refuses every name that the caller does not list and every opcode that data of PyTorch does not
// need. Protocols 0 to 5 as far as torch.save writes them (2, by default). Source: Python's
// pickletools.py.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

enum class PickleKind {
  none,
  boolean,  // integer is 0 or 1
  integer,
  real,
  text,        // also of bytes
  list,        // items; also of tuples and sets
  dict,        // items: key, value, key, value, ...
  global,      // text: "collections.OrderedDict"
  call,        // items: what is called, the list of its arguments
  persistent,  // items: the tuple that stands for something outside of the pickle (a storage)
};

struct PickleNode {
  PickleKind kind = PickleKind::none;
  int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<const PickleNode*> items;
};

// One pickle of a stream. Nodes may be shared, and a list may hold itself: walk known shapes only.
class Pickle {
 public:
  // Reads from the front of `bytes`; the rest is another's. `allowed` says which names may stand in
  // it. `where` opens messages. Throws engine::Error for what is cut short, unknown or too large
  // (more than 4 million values).
  Pickle(std::span<const std::byte> bytes, const std::string& where,
         const std::function<bool(std::string_view)>& allowed);
  Pickle(Pickle&&) = default;
  Pickle(const Pickle&) = delete;
  Pickle& operator=(const Pickle&) = delete;

  const PickleNode& root() const { return *root_; }
  const std::deque<PickleNode>& nodes() const { return nodes_; }  // all there are
  size_t size() const { return size_; }                           // bytes that it took

 private:
  friend class Unpickler;
  std::deque<PickleNode> nodes_;  // all of them, so that none is freed through another
  const PickleNode* root_ = nullptr;
  size_t size_ = 0;
};

}  // namespace engine
