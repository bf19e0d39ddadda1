#include "sluice/change/schema_change.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>

namespace sluice::change {
namespace {

// pg_type.oid of those whose values can be kept when the type or its modifier changes.
enum TypeOid : std::uint32_t {
  kText = 25,
  kVarchar = 1043,
  kTime = 1083,
  kTimestamp = 1114,
  kTimestamptz = 1184,
  kTimetz = 1266,
  kVarbit = 1562,
  kNumeric = 1700,
};

const ColumnForm* find_column(const TableForm& table, std::string_view name) {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                  [&](const ColumnForm& column) { return column.name == name; });
  return found == table.columns.end() ? nullptr : &*found;
}

/// Names of the columns of `table` that `other` does not have.
std::vector<std::string> only_in(const TableForm& table, const TableForm& other) {
  std::vector<std::string> names;
  for (const ColumnForm& column : table.columns) {
    if (find_column(other, column.name) == nullptr) names.push_back(column.name);
  }
  return names;
}

bool is_string(std::uint32_t type_oid) { return type_oid == kText || type_oid == kVarchar; }

/// numeric's modifier is (precision << 16 | scale) + 4.
bool keeps_numerics(std::int32_t before, std::int32_t after) {
  constexpr std::int32_t kHeader = 4;
  return before >= kHeader && ((before - kHeader) & 0xFFFF) == ((after - kHeader) & 0xFFFF) && after >= before;
}

/// Every value stays as it was, down to its text. As PostgreSQL decides it: its planner support functions
/// (varchar_support, varbit_support, numeric_support, TemporalSimplify), and no modifier at all is never a coercion.
bool keeps_values(const ColumnForm& before, const ColumnForm& after) {
  if (before.type_oid != after.type_oid) {
    return is_string(before.type_oid) && is_string(after.type_oid) && after.type_modifier < 0;
  }
  if (after.type_modifier < 0) return true;
  constexpr std::int32_t kMicroseconds = 6;
  switch (after.type_oid) {
    case kVarchar:
    case kVarbit: return before.type_modifier >= 0 && after.type_modifier >= before.type_modifier;
    case kNumeric: return keeps_numerics(before.type_modifier, after.type_modifier);
    case kTime:
    case kTimetz:
    case kTimestamp:
    case kTimestamptz:
      return after.type_modifier >= kMicroseconds ||
             (before.type_modifier >= 0 && after.type_modifier >= before.type_modifier);
    default: return false;
  }
}

/// Names of the columns that both have with another type or modifier.
std::vector<std::string> retyped(const TableForm& before, const TableForm& after, bool with_values_kept) {
  std::vector<std::string> names;
  for (const ColumnForm& column : after.columns) {
    const ColumnForm* const old = find_column(before, column.name);
    if (old != nullptr && *old != column && keeps_values(*old, column) == with_values_kept)
      names.push_back(column.name);
  }
  return names;
}

bool was_renamed(const TableForm& before, const std::string& old_name, const TableForm& after,
                 const std::string& new_name) {
  const ColumnForm* const old = find_column(before, old_name);
  const ColumnForm* const renamed = find_column(after, new_name);
  if (old == nullptr || renamed == nullptr) return false;
  const auto place = renamed - after.columns.data();
  return place == old - before.columns.data() && renamed != &after.columns.back() &&
         old->type_oid == renamed->type_oid && find_column(after, old_name) == nullptr &&
         find_column(before, new_name) == nullptr;
}

bool has_same_key(const TableForm& before, const TableForm& after) {
  if (!before.key || !after.key) return true;
  return std::equal(before.key->begin(), before.key->end(), after.key->begin(), after.key->end(),
                    [&](const std::string& old_name, const std::string& new_name) {
                      return old_name == new_name || was_renamed(before, old_name, after, new_name);
                    });
}

}  // namespace

TableForm form_of(const TableSchema& table) {
  TableForm form{table.oid, {}, std::vector<std::string>()};
  for (const Column& column : table.columns)
    form.columns.push_back({column.name, column.type_oid, column.type_modifier});
  for (const std::uint32_t ordinal : table.key_columns) form.key->push_back(table.columns[ordinal].name);
  return form;
}

std::string describe(const SchemaChange& change) {
  const std::string columns =
      fmt::format("{} {}", change.names.size() == 1 ? "column" : "columns", fmt::join(change.names, ", "));
  switch (change.kind) {
    case SchemaChangeKind::ColumnsAdded: return "added " + columns;
    case SchemaChangeKind::ColumnsDropped: return "dropped " + columns;
    case SchemaChangeKind::ColumnsWidened: return "widened " + columns;
    case SchemaChangeKind::ColumnsRetyped: return "another type of " + columns;
    case SchemaChangeKind::KeyChanged: return change.names.empty() ? "no key any more" : "another key: " + columns;
    case SchemaChangeKind::TableRecreated: return "dropped and made again";
    case SchemaChangeKind::TableRenamed: return fmt::format("renamed from {}", fmt::join(change.names, ", "));
  }
  return "changed";
}

void append_schema_changes(const TableForm& before, const TableForm& after, const std::string& table,
                           std::vector<SchemaChange>& out) {
  if (before.oid != after.oid) {
    out.push_back({SchemaChangeKind::TableRecreated, table, {}});
    return;
  }
  const auto append = [&](SchemaChangeKind kind, std::vector<std::string> names) {
    if (!names.empty()) out.push_back({kind, table, std::move(names)});
  };
  append(SchemaChangeKind::ColumnsAdded, only_in(after, before));
  append(SchemaChangeKind::ColumnsDropped, only_in(before, after));
  append(SchemaChangeKind::ColumnsWidened, retyped(before, after, /*with_values_kept=*/true));
  append(SchemaChangeKind::ColumnsRetyped, retyped(before, after, /*with_values_kept=*/false));
  if (!has_same_key(before, after)) out.push_back({SchemaChangeKind::KeyChanged, table, *after.key});
}

}  // namespace sluice::change
