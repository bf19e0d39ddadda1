#include "sluice/change/table_schema.h"

#include <utility>

#include <xxhash.h>

namespace sluice::change {
namespace {

void append_number(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>((value >> shift) & 0xFF));
}

void append_name(std::string& out, const std::string& name) {
  out.append(name);
  out.push_back('\0');
}

bool is_key(const TableSchema& table, const Column& column) {
  return table.identity == ReplicaIdentity::Full ? column.primary_key : column.identity;
}

}  // namespace

std::uint64_t schema_id(const TableSchema& table) {
  std::string image;
  append_number(image, table.oid);
  append_name(image, table.schema);
  append_name(image, table.name);
  image.push_back(static_cast<char>(table.identity));
  for (const Column& column : table.columns) {
    append_name(image, column.name);
    append_number(image, column.type_oid);
    append_number(image, static_cast<std::uint32_t>(column.type_modifier));
    image.push_back(column.identity ? '\1' : '\0');
  }
  return XXH3_64bits(image.data(), image.size());
}

TableSchemaPtr finish_schema(TableSchema table) {
  table.id = schema_id(table);
  table.key_columns.clear();
  for (std::uint32_t ordinal = 0; ordinal < table.columns.size(); ++ordinal) {
    if (is_key(table, table.columns[ordinal])) table.key_columns.push_back(ordinal);
  }
  return std::make_shared<const TableSchema>(std::move(table));
}

std::string qualified_name(const TableSchema& table) { return table.schema + "." + table.name; }

}  // namespace sluice::change
