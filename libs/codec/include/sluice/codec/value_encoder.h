// PostgreSQL's text of a value becomes JSON, by the OID of its type. The one table of types is in src/value_types.cpp.
//
// clang-format off
//   bool                               true, false
//   int2 int4 int8 oid float4 float8   number, digit by digit as PostgreSQL wrote it; NaN and the infinities: strings
//   numeric                            string, digit by digit
//   date time timetz timestamp[tz]     string, ISO 8601: "2026-11-21T08:00:00.123456Z". Infinity, years above 9999 and
//                                      BC stand as PostgreSQL writes them: "infinity", "294276-12-31", "0044-03-15 BC"
//   interval                           string, ISO 8601 as IntervalStyle=iso_8601 writes it: "P1Y2M-3DT-4H"
//   bytea                              string, base64
//   json jsonb                         embedded as it stands, without the line breaks between its tokens
//   arrays                             arrays, nested as they are; lower bounds are not carried
//   composites                         objects, a member an attribute
//   ranges                             objects: {"gte":1,"lt":5}; gt and lte for the other bounds, none for an infinite
//                                      one, {"empty":true}
//   multiranges                        arrays of ranges
//   domains                            as their base type
//   hstore                             object of strings and nulls
//   vector, halfvec (pgvector)         array of numbers
//   everything else                    PostgreSQL's text as a string
// clang-format on
//
// That is with the ValueOptions as they are by default.
//
// Text that is no UTF-8 has U+FFFD in place of each invalid piece, counted (rule P-27). Expects the session settings of
// rule P-27 (DateStyle ISO, IntervalStyle postgres, bytea_output hex).
//
// Thread rule: one thread per ValueEncoder; a ValueType is immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "sluice/base/text_buffer.h"
#include "sluice/change/table_schema.h"
#include "sluice/codec/value_options.h"

namespace sluice::codec {

/// How the values of one column are written.
struct ValueType;
using ValueTypePtr = std::shared_ptr<const ValueType>;

/// A type that is neither built in nor described is text, like all others that have no form of their own; so is an
/// array or a domain whose element or base type is not described. Nothing: types (arrays, domains, composites, ranges)
/// stand in each other more than 8 deep.
std::optional<ValueTypePtr> resolve_type(std::uint32_t type_oid, const change::TypeDescription* description,
                                         const ValueOptions& options = {});

/// The types that the codec knows by OID.
struct BuiltinName {
  std::string_view name;  ///< "int4"; its arrays are called "_int4"
  std::uint32_t oid = 0;
  std::uint32_t array_oid = 0;
};
std::vector<BuiltinName> builtin_types();

class ValueEncoder {
 public:
  ValueEncoder();
  ~ValueEncoder();
  ValueEncoder(ValueEncoder&&) noexcept;
  ValueEncoder& operator=(ValueEncoder&&) noexcept;

  /// Appends the JSON of one value that is not null. False: the text is not one of that type; `out` then ends with a
  /// part of it that the caller takes away.
  bool append(const ValueType& type, std::string_view text, base::TextBuffer& out);

  /// Appends a JSON string, with quotes.
  void append_string(std::string_view text, base::TextBuffer& out);

  /// Pieces of text that were no UTF-8 and became U+FFFD, since the beginning.
  std::uint64_t replacements() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::codec
