// COPY lines: any bytes are read or refused; and cells written as COPY TO writes them are read back as they were.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/base/check.h"
#include "sluice/pgoutput/copy_row.h"

using namespace sluice;

namespace {

/// As PostgreSQL writes a cell.
void append_cell(std::string_view cell, std::string& line) {
  static constexpr std::string_view kSpecial = "\b\f\n\r\t\v\\";
  static constexpr std::string_view kLetters = "bfnrtv\\";
  for (const char c : cell) {
    const std::size_t special = kSpecial.find(c);
    if (special == std::string_view::npos) {
      line += c;
    } else {
      line += '\\';
      line += kLetters[special];
    }
  }
}

void read_back(std::string_view bytes) {
  static constexpr char kSeparator = '|';
  static constexpr std::string_view kNull = "NULL";
  std::string line;
  std::size_t columns = 0;
  for (std::string_view rest = bytes;; rest.remove_prefix(rest.find(kSeparator) + 1)) {
    const std::string_view cell = rest.substr(0, rest.find(kSeparator));
    if (columns++ > 0) line += '\t';
    if (cell == kNull) {
      line += "\\N";
    } else {
      append_cell(cell, line);
    }
    if (rest.find(kSeparator) == std::string_view::npos) break;
  }
  line += '\n';

  pgoutput::CopyRowParser parser;
  change::Row row;
  SLUICE_CHECK(parser.parse(line, columns, row).has_value(), "what PostgreSQL writes is read");
  std::string_view rest = bytes;
  for (const change::Cell& cell : row.cells()) {
    const std::string_view expected = rest.substr(0, rest.find(kSeparator));
    const bool is_null = cell.kind == change::CellKind::Null;
    SLUICE_CHECK(is_null == (expected == kNull) && (is_null || cell.bytes == expected), "cells come back as they were");
    rest.remove_prefix(std::min(expected.size() + 1, rest.size()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size == 0) return 0;
  const auto columns = static_cast<std::size_t>(data[0] % 8);
  const std::string line(bytes.substr(1));
  static pgoutput::CopyRowParser parser;
  static change::Row row;
  if (parser.parse(line, columns, row))
    SLUICE_CHECK(row.size() == columns, "a row has the columns that were asked for");
  read_back(bytes.substr(1));
  return 0;
}
