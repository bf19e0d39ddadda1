#include "quoted_piece.h"

namespace sluice::codec {
namespace {

/// `rest` begins behind the opening quote. True: nothing in it is escaped, and it was taken.
bool take_plain(std::string_view& rest, std::size_t stop, std::string_view& piece) {
  if (rest[stop] != '"' || (stop + 1 < rest.size() && rest[stop + 1] == '"')) return false;
  piece = rest.substr(0, stop);
  rest.remove_prefix(stop + 1);
  return true;
}

enum class Quote { Ends, MayBeDoubled };

bool take(std::string_view& rest, Quote quote, std::string& unescaped, std::string_view& piece) {
  rest.remove_prefix(1);
  std::size_t special = find_byte(rest, '"', '\\');
  if (special == std::string_view::npos) return false;
  if (take_plain(rest, special, piece)) return true;
  unescaped.clear();
  while (true) {
    unescaped.append(rest.substr(0, special));
    const bool is_quote = rest[special] == '"';
    rest.remove_prefix(special + 1);
    const bool is_doubled = quote == Quote::MayBeDoubled && rest.starts_with('"');
    if (is_quote && !is_doubled) break;
    if (rest.empty()) return false;
    unescaped.push_back(rest.front());
    rest.remove_prefix(1);
    special = find_byte(rest, '"', '\\');
    if (special == std::string_view::npos) return false;
  }
  piece = unescaped;
  return true;
}

}  // namespace

bool take_quoted(std::string_view& rest, std::string& unescaped, std::string_view& piece) {
  return take(rest, Quote::Ends, unescaped, piece);
}

bool take_doubled(std::string_view& rest, std::string& unescaped, std::string_view& piece) {
  return take(rest, Quote::MayBeDoubled, unescaped, piece);
}

}  // namespace sluice::codec
