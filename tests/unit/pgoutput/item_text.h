// Items as short text for expectations: without LSNs, xids and OIDs, which differ from capture to capture.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "sluice/change/change_event.h"

namespace sluice::testing {

inline std::string printable(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      out += c;
    }
  }
  return out;
}

inline std::string value_text(std::string_view value) {
  static constexpr std::size_t kShown = 40;
  const std::string shown = '"' + printable(value.substr(0, kShown)) + '"';
  return value.size() > kShown ? shown + "... of " + std::to_string(value.size()) : shown;
}

inline std::string cell_text(const change::Cell& cell) {
  switch (cell.kind) {
    case change::CellKind::Null: return "null";
    case change::CellKind::Unchanged: return "unchanged";
    case change::CellKind::Text: return value_text(cell.bytes);
    case change::CellKind::Binary: return "binary " + value_text(cell.bytes);
  }
  return "?";
}

inline std::string row_text(const change::TableSchema& table, const change::Row& row) {
  std::string out;
  for (std::size_t ordinal = 0; ordinal < row.size(); ++ordinal) {
    out += (ordinal == 0 ? "" : " ") + printable(table.columns[ordinal].name) + "=" + cell_text(row[ordinal]);
  }
  return out;
}

inline std::string type_text(const change::Column& column) {
  std::string out = std::to_string(column.type_oid);
  if (column.type != nullptr) {
    static constexpr std::string_view kKinds[] = {"base",      "enum",  "domain",    "array",
                                                  "composite", "range", "multirange"};
    out = column.type->schema + "." + column.type->name + "/" +
          std::string(kKinds[static_cast<std::size_t>(column.type->kind)]);
  }
  if (column.type_modifier != -1) out += "(" + std::to_string(column.type_modifier) + ")";
  return out;
}

/// "public.users identity=d key=(id) id:23 not null primary identity, name:25 null"
inline std::string table_text(const change::TableSchema& table) {
  std::string out = printable(qualified_name(table)) + " identity=" + static_cast<char>(table.identity) + " key=(";
  for (const std::uint32_t ordinal : table.key_columns)
    out += (out.back() == '(' ? "" : ",") + table.columns[ordinal].name;
  out += ")";
  for (const change::Column& column : table.columns) {
    out += (&column == &table.columns.front() ? " " : ", ") + printable(column.name) + ":" + type_text(column);
    if (column.nullable) out += *column.nullable ? " null" : " not null";
    if (column.primary_key) out += " primary";
    if (column.identity) out += " identity";
  }
  return out;
}

inline std::string place_text(const change::EventId& id) {
  std::string out = std::to_string(id.seq);
  if (id.part >= 0x8000) return out + "/message " + std::to_string(id.part - 0x8000);
  return id.part == 0 ? out : out + "/" + std::to_string(id.part);
}

/// `u 2 public.users: key id="1" name=null -> id="2" name="Ada"`
inline std::string event_text(const change::ChangeEvent& event) {
  std::string out = std::string(1, static_cast<char>(event.op)) + " " + place_text(event.id);
  if (event.op == change::Op::Message) {
    out += event.message.transactional ? ": " : " alone: ";
    return out + value_text(event.message.prefix) + " " + value_text(event.message.content);
  }
  out += " " + printable(qualified_name(*event.table)) + ":";
  if (event.op == change::Op::Truncate) {
    if (event.truncate.cascade) out += " cascade";
    if (event.truncate.restart_identity) out += " restart identity";
    return out;
  }
  if (!event.before.empty()) {
    out += event.before_is_key_only ? " key " : " old ";
    out += row_text(*event.table, event.before);
  }
  if (!event.after.empty()) out += " -> " + row_text(*event.table, event.after);
  return out;
}

inline std::string item_text(const change::SourceItem& item) {
  if (const auto* event = std::get_if<const change::ChangeEvent*>(&item)) return event_text(**event);
  if (std::holds_alternative<change::TransactionEnd>(item)) return "end";
  if (std::holds_alternative<change::Heartbeat>(item)) return "heartbeat";
  return "end of source";
}

}  // namespace sluice::testing
