#include "sluice/codec/record_key.h"

#include "text_escape.h"

namespace sluice::codec {
namespace {

void append_name(std::string_view name, std::string& out) {
  for (const char byte : name) {
    switch (byte) {
      case '%': out.append("%25"); break;
      case '.': out.append("%2E"); break;
      case ':': out.append("%3A"); break;
      default: out.push_back(byte);
    }
  }
}

}  // namespace

void append_table_name(const change::TableSchema& table, std::string& out) {
  append_name(table.schema, out);
  out.push_back('.');
  append_name(table.name, out);
}

void append_key_values(std::span<const std::string_view> values, base::TextBuffer& out) {
  if (values.empty()) return;
  if (values.size() == 1) {
    out.append(values.front());
    return;
  }
  char before = '[';
  for (const std::string_view value : values) {
    out.append(before);
    out.append('"');
    append_escaped_bytes(value, out);
    out.append('"');
    before = ',';
  }
  out.append(']');
}

std::optional<RowKey> parse_row_key(std::string_view key) {
  const std::size_t colon = key.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view table = key.substr(0, colon);
  // The dot between schema and table is the only one: those inside names are encoded. `sluice:` has none.
  const std::size_t dot = table.find('.');
  if (dot == std::string_view::npos || table.find('.', dot + 1) != std::string_view::npos) return std::nullopt;
  return RowKey{table, key.substr(colon + 1)};
}

}  // namespace sluice::codec
