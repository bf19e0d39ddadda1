// Rows as a search engine takes them. It refuses documents for values that are valid JSON: an object with the same name
// twice (the type json keeps those), a name with NUL in it, hundreds of brackets in each other, numbers of more than
// 1,000 characters, names of many kilobytes. Such a column stands in the document as a string, its JSON as it is in the
// record.
//
// Thread rule: one thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sluice/codec/envelope_reader.h"
#include "sluice/codec/json_limits.h"

namespace sluice::documents {

class RowFitter {
 public:
  /// REQUIRES: `row` is a row of an Envelope, or empty.
  /// The row itself, or where columns stand as text a copy that is valid until the next call.
  std::string_view fit(std::string_view row);

  /// Raw names, with quotes, of the columns that stand as text; views into the row.
  const std::vector<std::string_view>& as_text() const { return as_text_; }

 private:
  bool fits(std::string_view value);
  void rewrite(std::string_view row);

  codec::JsonLimitChecker checker_;
  std::vector<std::string_view> as_text_;
  std::string fitted_;
};

}  // namespace sluice::documents
