#include "envelope_writer.h"

#include <algorithm>

#include <fmt/core.h>

#include "base64.h"
#include "builtin_types.h"
#include "sluice/base/check.h"
#include "sluice/codec/record_key.h"
#include "utf8.h"

namespace sluice::codec {
namespace {

using change::Cell;
using change::CellKind;
using change::ChangeEvent;
using change::Op;
using change::Row;

tl::unexpected<base::Error> unrepresentable(const change::TableSchema& schema, const change::Column& column) {
  std::string_view type = builtin_type_name(column.type_oid);
  if (type.empty() && column.type) type = column.type->name;
  return base::fail(
      base::Recovery::Reject, "codec.unrepresentable",
      fmt::format("Column {} of {} holds a text that is no value of its type {} (OID {}); see that nothing sets "
                  "DateStyle, IntervalStyle or bytea_output for this program's role, and look at the row",
                  column.name, change::qualified_name(schema), type, column.type_oid));
}

tl::unexpected<base::Error> no_key_value(const change::TableSchema& schema, const change::Column& column) {
  return base::fail(
      base::Recovery::Reject, "codec.no_key_value",
      fmt::format("Key column {} of {} came without a value, so the record has no key; look at the table's "
                  "replica identity (\\d+), whose columns must be NOT NULL",
                  column.name, change::qualified_name(schema)));
}

bool is_utf8(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const Utf8Piece piece = static_cast<unsigned char>(*at) < 0x80 ? Utf8Piece{1, true} : utf8_piece(at, end);
    if (!piece.valid) return false;
    at += piece.size;
  }
  return true;
}

void append_base64(std::string_view bytes, base::TextBuffer& out) {
  constexpr std::size_t kGroup = 3;
  char* to = out.room(base64_size(bytes.size()));
  for (; !bytes.empty(); bytes.remove_prefix(std::min(kGroup, bytes.size()))) {
    std::uint8_t group[kGroup] = {};
    const std::size_t size = std::min(kGroup, bytes.size());
    std::memcpy(group, bytes.data(), size);
    to = put_base64(to, group, size);
  }
  out.written_to(to);
}

/// Rule P-25: what names a row of a snapshot, the same however often it is read.
std::string_view snapshot_row_name(const ChangeEvent& event, std::string_view key) {
  if (!event.table->key_columns.empty()) return key;
  SLUICE_CHECK(!event.row_identity.empty(), "a snapshot says what tells rows without a key from each other");
  return event.row_identity;
}

}  // namespace

base::Result<EnvelopeWriter::Piece> EnvelopeWriter::write_row_key(const PreparedTable& table,
                                                                  const RecordImage& image) {
  const change::TableSchema& schema = *table.schema();
  const Row& row = image.after != nullptr ? *image.after : *image.before;
  const std::size_t begin = text_->size();
  text_->append(table.key_lead());
  key_values_.clear();
  for (const std::uint32_t ordinal : schema.key_columns) {
    const Cell cell = row.empty() ? Cell{} : row[ordinal];
    if (cell.kind != CellKind::Text) return no_key_value(schema, schema.columns[ordinal]);
    key_values_.push_back(cell.bytes);
  }
  append_key_values(key_values_, *text_);
  return piece_from(begin);
}

base::Result<EnvelopeWriter::Piece> EnvelopeWriter::write_row(PreparedTable& table, const ChangeEvent& event,
                                                              const RecordImage& image, Piece key) {
  const std::size_t begin = text_->size();
  table.begin(event, now_ms_);
  if (image.op == Op::Snapshot) {
    table.append_snapshot_id(snapshot_row_name(event, text_of(key)), *text_);
  } else {
    table.append_id(event.id.seq, image.part, *text_);
  }
  table.append_head(event, image.op, *text_);
  if (image.before != nullptr) {
    const Shown shown = event.before_is_key_only ? Shown::IdentityColumns : Shown::AllColumns;
    SLUICE_TRY(append_row(table, *image.before, shown));
  } else {
    text_->append("null");
  }
  text_->append(R"(,"after":)");
  if (image.after != nullptr) {
    SLUICE_ASSIGN(const std::size_t unchanged, append_row(table, *image.after, Shown::AllColumns));
    if (unchanged > 0) append_unavailable(table, *image.after);
    if (!event.reselected.empty()) append_reselected(table, event);
  } else {
    text_->append("null");
  }
  text_->append('}');
  return piece_from(begin);
}

EnvelopeWriter::Piece EnvelopeWriter::write_truncate_key(const PreparedTable& table) {
  const std::size_t begin = text_->size();
  text_->append(kTruncateKeyPrefix);
  text_->append(table.name());
  return piece_from(begin);
}

EnvelopeWriter::Piece EnvelopeWriter::write_truncate(PreparedTable& table, const ChangeEvent& event) {
  const std::size_t begin = text_->size();
  table.begin(event, now_ms_);
  table.append_id(event.id.seq, event.id.part, *text_);
  table.append_head(event, Op::Truncate, *text_);
  text_->append(R"(null,"after":null})");
  return piece_from(begin);
}

EnvelopeWriter::Piece EnvelopeWriter::write_message_key(const ChangeEvent& event) {
  const std::size_t begin = text_->size();
  text_->append(kMessageKeyPrefix);
  text_->append(event.message.prefix);
  return piece_from(begin);
}

EnvelopeWriter::Piece EnvelopeWriter::write_message(PreparedTable& messages, const ChangeEvent& event) {
  const std::size_t begin = text_->size();
  messages.begin(event, now_ms_);
  messages.append_id(event.id.seq, event.id.part, *text_);
  messages.append_head(event, Op::Message, *text_);
  text_->append(R"(null,"after":null,"message":)");
  append_message(event);
  text_->append('}');
  return piece_from(begin);
}

/// How many cells were left out since their value was not sent.
base::Result<std::size_t> EnvelopeWriter::append_row(const PreparedTable& table, const Row& row, Shown shown) {
  const change::TableSchema& schema = *table.schema();
  const std::size_t begin = text_->size();
  std::size_t unchanged = 0;
  for (std::size_t ordinal = 0; ordinal < row.size(); ++ordinal) {
    if (shown == Shown::IdentityColumns && !schema.columns[ordinal].identity) continue;
    const Cell& cell = row[ordinal];
    if (cell.kind == CellKind::Unchanged) {
      ++unchanged;
      continue;
    }
    const PreparedColumn& column = table.columns()[ordinal];
    text_->append(column.member);
    if (cell.kind == CellKind::Null) {
      text_->append("null");
    } else if (cell.kind != CellKind::Text || !values_.append(*column.type, cell.bytes, *text_)) {
      return unrepresentable(schema, schema.columns[ordinal]);
    }
  }
  // Every member begins with a comma; the first one's place is the opening brace's.
  if (text_->size() == begin) text_->append(',');
  text_->overwrite(begin, '{');
  text_->append('}');
  return unchanged;
}

void EnvelopeWriter::append_unavailable(const PreparedTable& table, const Row& row) {
  const std::size_t begin = text_->size();
  for (std::size_t ordinal = 0; ordinal < row.size(); ++ordinal) {
    if (row[ordinal].kind != CellKind::Unchanged) continue;
    text_->append(text_->size() == begin ? R"(,"unavailable":[)" : ",");
    text_->append(table.columns()[ordinal].quoted_name);
  }
  text_->append(']');
}

void EnvelopeWriter::append_reselected(const PreparedTable& table, const ChangeEvent& event) {
  const std::size_t begin = text_->size();
  for (const std::uint32_t ordinal : event.reselected) {
    text_->append(text_->size() == begin ? R"(,"reselected":[)" : ",");
    text_->append(table.columns()[ordinal].quoted_name);
  }
  text_->append(']');
}

void EnvelopeWriter::append_message(const ChangeEvent& event) {
  text_->append(R"({"prefix":)");
  values_.append_string(event.message.prefix, *text_);
  text_->append(R"(,"content":)");
  const bool readable = is_utf8(event.message.content);
  if (readable) {
    values_.append_string(event.message.content, *text_);
  } else {
    text_->append('"');
    append_base64(event.message.content, *text_);
    text_->append('"');
  }
  text_->append(R"(,"transactional":)");
  text_->append(event.message.transactional ? "true" : "false");
  if (!readable) text_->append(R"(,"encoding":"base64")");
  text_->append('}');
}

}  // namespace sluice::codec
