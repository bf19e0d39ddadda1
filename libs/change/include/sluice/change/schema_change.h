// What changed between two versions of a table (rule P-33). A rewrite of existing rows sends no events, so that the
// pipeline has to decide what a change means for the copies downstream.
//
// What cannot be seen: a column that was dropped and added again under the same name with the same type; a default that
// is not the same for every row (ADD COLUMN … DEFAULT random()).
//
// Thread rule: values and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sluice/change/table_schema.h"

namespace sluice::change {

/// What has to be remembered of a version to see what the next one changed. All of it comes from the Relation message,
/// nothing from a catalog that may be newer; but for the key where REPLICA IDENTITY is FULL, which no message tells.
struct ColumnForm {
  std::string name;
  std::uint32_t type_oid = 0;
  std::int32_t type_modifier = -1;
  friend bool operator==(const ColumnForm&, const ColumnForm&) = default;
};
struct TableForm {
  std::uint32_t oid = 0;
  std::vector<ColumnForm> columns;
  /// Names of the columns of the record's key; nothing: not known.
  std::optional<std::vector<std::string>> key = std::nullopt;
  friend bool operator==(const TableForm&, const TableForm&) = default;
};
TableForm form_of(const TableSchema& table);

enum class SchemaChangeKind : std::uint8_t {
  ColumnsAdded,    ///< existing rows have a value for it that no event tells
  ColumnsDropped,  ///< a renamed column is one dropped and one added
  ColumnsWidened,  ///< another type or modifier, with every value as it was
  ColumnsRetyped,  ///< existing rows were rewritten, which no event tells
  KeyChanged,      ///< rows are downstream under a key that no event will have again
  TableRecreated,  ///< the same name, another oid: nothing of the old rows is left, and no event tells it
  TableRenamed,    ///< its rows were never sent under this name
};

/// Whether rows that were there may be other ones now, without an event.
constexpr bool rewrites(SchemaChangeKind kind) { return kind >= SchemaChangeKind::ColumnsRetyped; }

struct SchemaChange {
  SchemaChangeKind kind = SchemaChangeKind::ColumnsAdded;
  std::string table;  ///< schema.name
  /// Of columns, in the order of the version that has them. KeyChanged: of the new key. TableRenamed: the old name.
  std::vector<std::string> names;
};

/// "column b has another type".
std::string describe(const SchemaChange& change);

/// Appends what turns `before` into `after`, two versions under one name: nothing when columns and key are the same. A
/// key column that got another name is the same key: a rename leaves it in its place, one made anew stands last.
void append_schema_changes(const TableForm& before, const TableForm& after, const std::string& table,
                           std::vector<SchemaChange>& out);

}  // namespace sluice::change
