// The two ways in which PostgreSQL quotes the pieces of a value.
//
// Thread rule: pure functions.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace sluice::codec {

/// Where the first of these bytes is, or npos. (string_view::find_first_of makes a call a byte.)
template <class... Bytes>
std::size_t find_byte(std::string_view text, Bytes... wanted) {
  const auto at = std::find_if(text.begin(), text.end(), [=](char byte) { return ((byte == wanted) || ...); });
  return at == text.end() ? std::string_view::npos : static_cast<std::size_t>(at - text.begin());
}

/// In arrays and hstore (array_out, hstore_out): a backslash stands before each quote and backslash inside.
/// Takes the piece in quotes at the front of `rest` away; `piece` is it without them, in `rest`'s bytes or, where it
/// had escapes, in `unescaped`. False: it does not end.
bool take_quoted(std::string_view& rest, std::string& unescaped, std::string_view& piece);

/// In composites and ranges (record_out, range_out): the quotes and backslashes inside stand doubled.
bool take_doubled(std::string_view& rest, std::string& unescaped, std::string_view& piece);

}  // namespace sluice::codec
