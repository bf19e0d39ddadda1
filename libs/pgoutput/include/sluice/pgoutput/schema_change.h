// What changed between two versions of a table's columns (rule P-33). Rewrites of existing rows send no events, so that
// the pipeline has to decide what a change means for the copies downstream.
//
// What cannot be seen: a column that was dropped and added again under the same name with the same type.
//
// Thread rule: values and a pure function.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/change/table_schema.h"

namespace sluice::pgoutput {

enum class SchemaChangeKind : std::uint8_t {
  ColumnsAdded,  ///< existing rows have a value for it that no event tells
  ColumnsDropped,
  TypeChanged,     ///< type or modifier: existing rows may have been rewritten, which no event tells
  TableRecreated,  ///< the same name, another oid: nothing of the old rows is left, and no event tells it
};

/// A renamed column is one dropped and one added.
struct SchemaChange {
  SchemaChangeKind kind = SchemaChangeKind::ColumnsAdded;
  change::TableSchemaPtr before;
  change::TableSchemaPtr after;
  std::vector<std::string> columns;  ///< names, in the order of the version that has them; empty for TableRecreated
};

/// Appends what turns `before` into `after`: nothing when the columns are the same.
void append_schema_changes(const change::TableSchemaPtr& before, const change::TableSchemaPtr& after,
                           std::vector<SchemaChange>& out);

}  // namespace sluice::pgoutput
