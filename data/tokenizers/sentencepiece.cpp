#include "data/tokenizers/sentencepiece.h"

#include <cmath>
#include <cstring>

#include "data/unicode.h"
#include "engine/base/error.h"

namespace data {
namespace {

// A message of a protocol buffer: fields one after another, each a number, a kind and a value.
class Message {
 public:
  Message(std::string_view bytes, const std::string& where) : rest_(bytes), where_(where) {}

  bool next() {
    if (rest_.empty()) return false;
    const uint64_t tag = varint();
    field_ = tag >> 3;
    kind_ = static_cast<int>(tag & 7);
    engine::check(field_ > 0 && field_ < (1u << 29), where_, "is no SentencePiece model");
    number_ = 0;
    body_ = {};
    switch (kind_) {
      case 0:
        number_ = varint();
        break;
      case 1:
        body_ = take(8);
        break;
      case 2:
        body_ = take(varint());
        break;
      case 5:
        body_ = take(4);
        break;
      default:
        engine::fail(where_, "is no SentencePiece model (a field of kind ", kind_, ")");
    }
    return true;
  }
  uint64_t field() const { return field_; }

  int64_t number() const {
    need(0);
    return static_cast<int64_t>(number_);
  }
  std::string_view bytes() const {
    need(2);
    return body_;
  }
  std::string text() const {
    const std::string_view b = bytes();
    engine::check(is_utf8(b), where_, "a text of the SentencePiece model is not UTF-8");
    return std::string(b);
  }
  float real() const {
    need(5);
    float value;
    std::memcpy(&value, body_.data(), 4);
    return value;
  }

 private:
  void need(int kind) const {
    engine::check(kind_ == kind, where_, "is no SentencePiece model (field ", field_,
                  " is of another kind)");
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      engine::check(!rest_.empty(), where_, "the SentencePiece model is cut short");
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= uint64_t(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    engine::fail(where_, "is no SentencePiece model (a number of more than 64 bits)");
  }
  std::string_view take(uint64_t n) {
    engine::check(n <= rest_.size(), where_, "the SentencePiece model is cut short");
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }

  std::string_view rest_, body_;
  const std::string& where_;
  uint64_t field_ = 0, number_ = 0;
  int kind_ = 0;
};

SentencePieceModel::Piece read_piece(std::string_view bytes, const std::string& where) {
  SentencePieceModel::Piece piece;
  for (Message m(bytes, where); m.next();) {
    if (m.field() == 1) piece.text = m.text();
    if (m.field() == 2) piece.score = m.real();
    if (m.field() == 3) piece.kind = static_cast<int>(m.number());
  }
  engine::check(std::isfinite(piece.score), where, "the piece '", piece.text,
                "' has no finite score");
  return piece;
}

void read_trainer(std::string_view bytes, const std::string& where, SentencePieceModel& model) {
  for (Message m(bytes, where); m.next();) {
    switch (m.field()) {
      case 3:
        model.type = static_cast<int>(m.number());
        break;
      case 35:
        model.byte_fallback = m.number() != 0;
        break;
      case 40:
        model.unk_id = static_cast<int32_t>(m.number());
        break;
      case 41:
        model.bos_id = static_cast<int32_t>(m.number());
        break;
      case 42:
        model.eos_id = static_cast<int32_t>(m.number());
        break;
      case 45:
        model.unk_piece = m.text();
        break;
      case 46:
        model.bos_piece = m.text();
        break;
      case 47:
        model.eos_piece = m.text();
        break;
      default:
        break;
    }
  }
}

void read_normalizer(std::string_view bytes, const std::string& where, SentencePieceModel& model) {
  for (Message m(bytes, where); m.next();) {
    switch (m.field()) {
      case 2:
        model.charsmap = m.bytes();
        break;
      case 3:
        model.add_dummy_prefix = m.number() != 0;
        break;
      case 4:
        model.remove_extra_whitespaces = m.number() != 0;
        break;
      case 5:
        model.escape_whitespaces = m.number() != 0;
        break;
      default:
        break;
    }
  }
}

}  // namespace

SentencePieceModel read_sentencepiece(std::string_view bytes, const std::string& where) {
  SentencePieceModel model;
  for (Message m(bytes, where); m.next();) {
    if (m.field() == 1) model.pieces.push_back(read_piece(m.bytes(), where));
    if (m.field() == 2) read_trainer(m.bytes(), where, model);
    if (m.field() == 3) read_normalizer(m.bytes(), where, model);
  }
  engine::check(!model.pieces.empty(), where, "is no SentencePiece model: it has no pieces");
  engine::check(model.type == SentencePieceModel::unigram || model.type == SentencePieceModel::bpe,
                where, "is a SentencePiece model of type ", model.type,
                engine::hint("known are 1 (Unigram) and 2 (BPE)"));
  engine::check(model.unk_id >= 0 && model.unk_id < static_cast<int64_t>(model.pieces.size()),
                where, "the SentencePiece model's unknown piece is ", model.unk_id, " of ",
                model.pieces.size());
  return model;
}

}  // namespace data
