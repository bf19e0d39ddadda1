// Writes the key and the value of one record in the envelope `sluice` (README, What arrives in Kafka). Which records
// an event becomes is decided by EnvelopeEncoder.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "prepared_table.h"
#include "sluice/base/error.h"
#include "sluice/base/text_buffer.h"
#include "sluice/change/change_event.h"
#include "sluice/change/record.h"
#include "sluice/codec/value_encoder.h"

namespace sluice::codec {

/// What one record says of an event.
struct RecordImage {
  change::Op op = change::Op::Insert;
  std::uint32_t part = 0;
  const change::Row* before = nullptr;  ///< nullptr: null
  const change::Row* after = nullptr;
};

class EnvelopeWriter {
 public:
  using Piece = change::RecordBatch::Piece;

  /// Of the records that follow: where they go, and their `ts_ms`.
  void begin(base::TextBuffer& text, std::int64_t now_ms) {
    text_ = &text;
    now_ms_ = now_ms;
  }
  std::string_view text_of(Piece piece) const { return text_->view().substr(piece.begin, piece.size); }

  /// Error: codec.no_key_value (Reject).
  base::Result<Piece> write_row_key(const PreparedTable& table, const RecordImage& image);
  /// `key`: of the same record. Error: codec.unrepresentable (Reject).
  base::Result<Piece> write_row(PreparedTable& table, const change::ChangeEvent& event, const RecordImage& image,
                                Piece key);

  Piece write_truncate_key(const PreparedTable& table);
  Piece write_truncate(PreparedTable& table, const change::ChangeEvent& event);

  Piece write_message_key(const change::ChangeEvent& event);
  Piece write_message(PreparedTable& messages, const change::ChangeEvent& event);

  std::uint64_t replacements() const { return values_.replacements(); }

 private:
  enum class Shown { AllColumns, IdentityColumns };
  base::Result<std::size_t> append_row(const PreparedTable& table, const change::Row& row, Shown shown);
  void append_unavailable(const PreparedTable& table, const change::Row& row);
  void append_reselected(const PreparedTable& table, const change::ChangeEvent& event);
  void append_message(const change::ChangeEvent& event);
  Piece piece_from(std::size_t begin) const { return {begin, text_->size() - begin}; }

  base::TextBuffer* text_ = nullptr;
  std::int64_t now_ms_ = 0;
  ValueEncoder values_;
  std::vector<std::string_view> key_values_;
};

}  // namespace sluice::codec
