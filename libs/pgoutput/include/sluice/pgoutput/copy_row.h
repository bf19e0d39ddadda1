// Reads the lines of COPY … TO STDOUT in text format (the snapshot's rows).
//
// Source of the format: PostgreSQL 15 manual, COPY, "Text Format": columns parted by tabs, \N is null, backslash
// escapes \b \f \n \r \t \v, \ and one to three octal digits, \x and one or two hex digits; any other character behind
// a backslash stands for itself. The end mark "\." is not part of protocol 3 and refused.
//
// Thread rule: one thread, one parser per connection.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/change/row.h"

namespace sluice::pgoutput {

class CopyRowParser {
 public:
  /// Refills `row` with the cells of one line, which is what one CopyData message holds, its newline included. Cells
  /// without a backslash are views into `line`; the others live in the parser until the next call.
  /// Error: pgoutput.bad_copy_row (Stop): not exactly `columns` cells, no newline at the end, an end mark.
  base::Result<void> parse(std::string_view line, std::size_t columns, change::Row& row);

 private:
  std::vector<char> unescaped_;
};

}  // namespace sluice::pgoutput
