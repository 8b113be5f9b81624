#include "engine/io/pickle.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_map>

#include "engine/base/error.h"

namespace engine {
namespace {

constexpr size_t kMostNodes = 4'000'000;

std::string hex_byte(unsigned value) {
  constexpr char digits[] = "0123456789abcdef";
  return {'0', 'x', digits[value >> 4 & 15], digits[value & 15]};
}

}  // namespace

class Unpickler {
 public:
  Unpickler(std::span<const std::byte> bytes, const std::string& where,
            const std::function<bool(std::string_view)>& allowed, Pickle& to)
      : bytes_(bytes), where_(where), allowed_(allowed), to_(to) {}

  void run() {
    while (!step()) {
    }
    to_.root_ = pop();
    to_.size_ = at_;
  }

 private:
  // Runs one opcode; true for STOP.
  bool step() {
    const auto code = static_cast<unsigned char>(take(1)[0]);
    switch (code) {
      case '.':
        return true;
      case 0x80:
        take(1);
        break;  // PROTO
      case 0x95:
        take(8);
        break;  // FRAME
      case '(':
        marks_.push_back(stack_.size());
        break;
      case '0':
        pop();
        break;
      case '1':
        stack_.resize(pop_mark());
        break;
      case '2':
        push(top());
        break;
      case 'N':
        make(PickleKind::none);
        break;
      case 0x88:
        make(PickleKind::boolean)->integer = 1;
        break;
      case 0x89:
        make(PickleKind::boolean)->integer = 0;
        break;
      case 'J':
        make(PickleKind::integer)->integer = number<int32_t>();
        break;
      case 'K':
        make(PickleKind::integer)->integer = number<uint8_t>();
        break;
      case 'M':
        make(PickleKind::integer)->integer = number<uint16_t>();
        break;
      case 0x8a:
        make(PickleKind::integer)->integer = long_integer(number<uint8_t>());
        break;
      case 'G':
        make(PickleKind::real)->real = big_endian_double();
        break;
      case 'X':
      case 'B':
      case 'T':
        text(number<uint32_t>());
        break;
      case 0x8c:
      case 'C':
      case 'U':
        text(number<uint8_t>());
        break;
      case 0x8d:
      case 0x8e:
        text(number<uint64_t>());
        break;
      case ']':
      case ')':
      case 0x8f:
        make(PickleKind::list);
        break;
      case '}':
        make(PickleKind::dict);
        break;
      case 'a': {
        const PickleNode* item = pop();
        container(PickleKind::list)->items.push_back(item);
        break;
      }
      case 'e':
      case 0x90:
        append_all(PickleKind::list);
        break;
      case 's': {
        const PickleNode* value = pop();
        const PickleNode* key = pop();
        auto& items = container(PickleKind::dict)->items;
        items.push_back(key);
        items.push_back(value);
        break;
      }
      case 'u':
        append_all(PickleKind::dict);
        break;
      case 't':
        tuple(stack_.size() - pop_mark());
        break;
      case 0x85:
        tuple(1);
        break;
      case 0x86:
        tuple(2);
        break;
      case 0x87:
        tuple(3);
        break;
      case 'c': {
        const std::string module = line();
        global(module, line());
        break;
      }
      case 0x93: {
        const PickleNode* name = pop();
        const PickleNode* module = pop();
        check(name->kind == PickleKind::text && module->kind == PickleKind::text, where_,
              "names something by what is no text (at byte ", at_, ")");
        global(module->text, name->text);
        break;
      }
      case 'R':
      case 0x81:
        call();
        break;
      case 'b':
        build();
        break;
      case 'Q': {
        const PickleNode* id = pop();
        make(PickleKind::persistent)->items.push_back(id);
        break;
      }
      case 'q':
        memo_[number<uint8_t>()] = top();
        break;
      case 'r':
        memo_[number<uint32_t>()] = top();
        break;
      case 0x94: {
        const auto next = static_cast<uint32_t>(memo_.size());
        memo_[next] = top();
        break;
      }
      case 'h':
        recall(number<uint8_t>());
        break;
      case 'j':
        recall(number<uint32_t>());
        break;
      default:
        fail(where_, "has the pickle opcode ", hex_byte(code), " at byte ", at_ - 1,
             ", which no checkpoint needs",
             hint("only tensors are read from pickles, and nothing in them is run"));
    }
    return false;
  }

  std::span<const std::byte> take(uint64_t count) {
    check(count <= bytes_.size() - at_, where_, "ends in the middle of its pickle: ", count,
          " bytes are wanted at byte ", at_, " of ", bytes_.size());
    const auto out = bytes_.subspan(at_, count);
    at_ += count;
    return out;
  }

  // Little-endian, as all processors that this is built for.
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  // Two's complement of as many bytes, little-endian.
  int64_t long_integer(size_t count) {
    const auto bytes = take(count);
    check(count <= 8, where_, "has a whole number of ", count, " bytes");
    if (count == 0) return 0;
    uint64_t value = static_cast<int8_t>(bytes[count - 1]) < 0 ? ~uint64_t{0} : 0;
    std::memcpy(&value, bytes.data(), count);
    return static_cast<int64_t>(value);
  }

  double big_endian_double() {
    uint64_t bits = 0;
    for (const std::byte b : take(8)) bits = bits << 8 | static_cast<uint64_t>(b);
    return std::bit_cast<double>(bits);
  }

  std::string line() {
    std::string out;
    for (char c; (c = static_cast<char>(take(1)[0])) != '\n';) out += c;
    return out;
  }

  void text(uint64_t length) {
    const auto bytes = take(length);
    make(PickleKind::text)->text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  PickleNode* make(PickleKind kind) {
    check(to_.nodes_.size() < kMostNodes, where_, "has more than ", kMostNodes,
          " values, which no checkpoint has");
    to_.nodes_.emplace_back().kind = kind;
    push(&to_.nodes_.back());
    return &to_.nodes_.back();
  }

  void push(PickleNode* node) {
    check(stack_.size() < kMostNodes, where_, "keeps more than ", kMostNodes, " values at once");
    stack_.push_back(node);
  }

  PickleNode* top() {
    check(stack_.size() > (marks_.empty() ? 0 : marks_.back()), where_,
          "takes a value from an empty stack (at byte ", at_, ")");
    return stack_.back();
  }

  PickleNode* pop() {
    PickleNode* node = top();
    stack_.pop_back();
    return node;
  }

  size_t pop_mark() {
    check(!marks_.empty(), where_, "has no mark where it needs one (at byte ", at_, ")");
    const size_t mark = marks_.back();
    marks_.pop_back();
    return mark;
  }

  PickleNode* container(PickleKind kind) {
    PickleNode* node = top();
    check(node->kind == kind, where_, "adds to what is no ",
          kind == PickleKind::dict ? "dict" : "list", " (at byte ", at_, ")");
    return node;
  }

  void append_all(PickleKind kind) {
    const size_t mark = pop_mark();
    const std::vector<const PickleNode*> added(stack_.begin() + static_cast<std::ptrdiff_t>(mark),
                                               stack_.end());
    stack_.resize(mark);
    check(kind != PickleKind::dict || added.size() % 2 == 0, where_, "has a key without a value");
    PickleNode* to = container(kind);
    to->items.insert(to->items.end(), added.begin(), added.end());
  }

  void tuple(size_t count) {
    std::vector<const PickleNode*> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    make(PickleKind::list)->items = std::move(items);
  }

  void global(const std::string& module, const std::string& name) {
    const std::string whole = module + "." + name;
    check(allowed_(whole), where_, "wants to use ", whole,
          ", which is no part of a checkpoint of tensors",
          hint("only tensors are read from pickles; a training state or a whole module is not"));
    make(PickleKind::global)->text = whole;
  }

  void call() {
    const PickleNode* arguments = pop();
    const PickleNode* what = pop();
    check(what->kind == PickleKind::global && arguments->kind == PickleKind::list, where_,
          "calls what is no name (at byte ", at_, ")");
    // The one class that is a container itself; its state and items follow.
    if (what->text == "collections.OrderedDict") {
      make(PickleKind::dict);
      return;
    }
    make(PickleKind::call)->items = {what, arguments};
  }

  // The state of an object: of an ordered dict only "_metadata", which is no tensor.
  void build() {
    pop();
    const PickleNode* of = top();
    check(of->kind == PickleKind::dict || of->kind == PickleKind::call, where_,
          "sets the state of what has none (at byte ", at_, ")");
  }

  void recall(uint32_t key) {
    const auto found = memo_.find(key);
    check(found != memo_.end(), where_, "uses value ", key, " before it is there");
    push(found->second);
  }

  std::span<const std::byte> bytes_;
  const std::string& where_;
  const std::function<bool(std::string_view)>& allowed_;
  Pickle& to_;
  size_t at_ = 0;
  std::vector<PickleNode*> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint32_t, PickleNode*> memo_;
};

Pickle::Pickle(std::span<const std::byte> bytes, const std::string& where,
               const std::function<bool(std::string_view)>& allowed) {
  Unpickler(bytes, where, allowed, *this).run();
}

}  // namespace engine
