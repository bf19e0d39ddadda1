// Keys of Kafka records. Of a row: `<schema>.<table>:<value>`, several key columns `<schema>.<table>:["v1","v2"]`, no
// key (rule K-7) `<schema>.<table>:`. In names, `%`, `.` and `:` are percent-encoded, so the first `:` ends the table
// part and no row's key begins with `sluice:`, as the keys of all other records do.
//
// A key is the bytes of PostgreSQL's text as they came: two keys are equal exactly when the values are. Bytes that are
// no UTF-8 (SQL_ASCII databases) are therefore not replaced here; whoever shows a key must do that.
//
// Thread rule: pure functions; appends to the caller's buffer.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sluice/base/text_buffer.h"
#include "sluice/change/table_schema.h"

namespace sluice::codec {

inline constexpr std::string_view kMarkerKey = "sluice:marker";
inline constexpr std::string_view kTruncateKeyPrefix = "sluice:truncate:";
inline constexpr std::string_view kMessageKeyPrefix = "sluice:message:";

/// Appends `<schema>.<table>`, percent-encoded.
void append_table_name(const change::TableSchema& table, std::string& out);

/// Appends what stands behind `<schema>.<table>:`. One value stands as it is, several as a JSON array of strings.
void append_key_values(std::span<const std::string_view> values, base::TextBuffer& out);

/// What the key of a row record consists of; views into the key.
struct RowKey {
  std::string_view table;   ///< `<schema>.<table>`, percent-encoded
  std::string_view values;  ///< behind the `:`; empty: a table without a key
};

/// Nothing: not the key of a row (a marker, a truncate, a message, or not ours).
std::optional<RowKey> parse_row_key(std::string_view key);

}  // namespace sluice::codec
