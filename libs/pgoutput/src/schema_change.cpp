#include "sluice/pgoutput/schema_change.h"

#include <algorithm>
#include <string_view>

namespace sluice::pgoutput {
namespace {

const change::Column* find_column(const change::TableSchema& table, std::string_view name) {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                  [&](const change::Column& column) { return column.name == name; });
  return found == table.columns.end() ? nullptr : &*found;
}

/// Names of the columns of `table` that `other` does not have.
std::vector<std::string> only_in(const change::TableSchema& table, const change::TableSchema& other) {
  std::vector<std::string> names;
  for (const change::Column& column : table.columns) {
    if (find_column(other, column.name) == nullptr) names.push_back(column.name);
  }
  return names;
}

std::vector<std::string> retyped(const change::TableSchema& before, const change::TableSchema& after) {
  std::vector<std::string> names;
  for (const change::Column& column : after.columns) {
    const change::Column* const old = find_column(before, column.name);
    if (old == nullptr) continue;
    if (old->type_oid != column.type_oid || old->type_modifier != column.type_modifier) names.push_back(column.name);
  }
  return names;
}

}  // namespace

void append_schema_changes(const change::TableSchemaPtr& before, const change::TableSchemaPtr& after,
                           std::vector<SchemaChange>& out) {
  if (before->oid != after->oid) {
    out.push_back({SchemaChangeKind::TableRecreated, before, after, {}});
    return;
  }
  const auto append = [&](SchemaChangeKind kind, std::vector<std::string> columns) {
    if (!columns.empty()) out.push_back({kind, before, after, std::move(columns)});
  };
  append(SchemaChangeKind::ColumnsAdded, only_in(*after, *before));
  append(SchemaChangeKind::ColumnsDropped, only_in(*before, *after));
  append(SchemaChangeKind::TypeChanged, retyped(*before, *after));
}

}  // namespace sluice::pgoutput
