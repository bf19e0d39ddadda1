// What is inside a ValueType: the function of its family, and the types of what it consists of. The families' functions
// all have one shape; the table of types (value_types.cpp) names them.
//
// Thread rule: a ValueType is immutable; one thread per ValueContext.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "json_text.h"
#include "sluice/base/check.h"
#include "sluice/base/text_buffer.h"
#include "sluice/codec/value_encoder.h"

namespace sluice::codec {

/// How deep types may stand in each other (an array of a domain over a composite with an array of …).
inline constexpr std::size_t kMaxTypeNesting = 8;

/// What a family needs beside the text. Reused for all values.
struct ValueContext {
  JsonChecker json;
  std::uint64_t replacements = 0;
  /// Of each value that is being written and consists of others, the piece at hand without its escapes.
  std::array<std::string, 2 * kMaxTypeNesting> pieces;  // a range has two at a time
  std::size_t open_values = 0;
};

/// Appends the JSON of one value; false: the text is not of this type.
using AppendValue = bool (*)(ValueContext& context, const ValueType& type, std::string_view text,
                             base::TextBuffer& out);

struct ValueField {
  std::string member;  ///< ,"name":
  ValueTypePtr type;
};

struct ValueType {
  AppendValue append = nullptr;
  ValueTypePtr element;  ///< of an array; of a range the type of its bounds
  char delimiter = ',';
  std::vector<ValueField> fields;  ///< of a composite
};

/// The text of a piece, for as long as the value that it is a part of is being written.
class OpenPiece {
 public:
  explicit OpenPiece(ValueContext& context) : context_(context), text_(next_of(context)) {}
  ~OpenPiece() { --context_.open_values; }
  OpenPiece(const OpenPiece&) = delete;
  OpenPiece& operator=(const OpenPiece&) = delete;
  std::string& text() { return text_; }

 private:
  static std::string& next_of(ValueContext& context) {
    SLUICE_CHECK(context.open_values < context.pieces.size(),
                 "resolve_type() bounds how deep types stand in each other");
    return context.pieces[context.open_values++];
  }

  ValueContext& context_;
  std::string& text_;
};

// value_scalars.cpp
bool append_bool(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
bool append_integer(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
bool append_float(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
bool append_numeric(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
bool append_text(ValueContext& context, const ValueType&, std::string_view text, base::TextBuffer& out);
bool append_uuid(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
bool append_bytea(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
bool append_json(ValueContext& context, const ValueType&, std::string_view text, base::TextBuffer& out);
bool append_nearest_double(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
bool append_hex(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
// value_micros.cpp: for TimeForm::Micros and Debezium
bool append_days(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
bool append_time_micros(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
bool append_timestamp_micros(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
bool append_interval_micros(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
// value_times.cpp
bool append_date(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
bool append_time(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
bool append_timetz(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
bool append_timestamp(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
bool append_timestamptz(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
// value_intervals.cpp
bool append_interval(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out);
// value_arrays.cpp
bool append_array(ValueContext& context, const ValueType& type, std::string_view text, base::TextBuffer& out);
// value_composites.cpp
bool append_composite(ValueContext& context, const ValueType& type, std::string_view text, base::TextBuffer& out);
// value_ranges.cpp
bool append_range(ValueContext& context, const ValueType& type, std::string_view text, base::TextBuffer& out);
bool append_multirange(ValueContext& context, const ValueType& type, std::string_view text, base::TextBuffer& out);
// value_extensions.cpp
bool append_hstore(ValueContext& context, const ValueType& type, std::string_view text, base::TextBuffer& out);
bool append_vector(ValueContext& context, const ValueType& type, std::string_view text, base::TextBuffer& out);
bool append_sparse_vector(ValueContext& context, const ValueType& type, std::string_view text, base::TextBuffer& out);
// value_geometry.cpp
bool append_geometry(ValueContext& context, const ValueType& type, std::string_view text, base::TextBuffer& out);

/// Of dates, timestamps and intervals.
inline bool is_infinite(std::string_view text) { return text == "infinity" || text == "-infinity"; }

/// Appends text that is known to need no escapes, in quotes.
inline bool append_quoted(std::string_view text, base::TextBuffer& out) {
  char* to = out.room(text.size() + 2);
  *to++ = '"';
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  to += text.size();
  *to++ = '"';
  out.written_to(to);
  return true;
}

}  // namespace sluice::codec
