// PostgreSQL's text of ranges (src/backend/utils/adt/rangetypes.c, range_out; multirangetypes.c, multirange_out):
// empty, [1,5), (,"2026-11-21 08:00:00"], {[1,3),[5,7)}. A bound stands in quotes when it is empty or holds commas,
// brackets, parentheses, quotes, backslashes or white space; nothing at all is an infinite bound.
#include <optional>

#include "quoted_piece.h"
#include "value_type.h"

namespace sluice::codec {
namespace {

/// Takes the bound at the front of `rest`; it stays without a text when it is infinite. False: there is none.
bool take_bound(std::string_view& rest, std::string& unescaped, std::optional<std::string_view>& bound) {
  std::string_view text;
  if (rest.starts_with('"')) {
    if (!take_doubled(rest, unescaped, text)) return false;
    bound = text;
    return true;
  }
  const std::size_t end = find_byte(rest, ',', '(', ')', '[', ']', '"', '\\');
  if (end == std::string_view::npos) return false;
  if (end > 0) bound = rest.substr(0, end);
  rest.remove_prefix(end);
  return true;
}

bool take_one_of(char first, char second, std::string_view& rest, char& taken) {
  if (!rest.starts_with(first) && !rest.starts_with(second)) return false;
  taken = rest.front();
  rest.remove_prefix(1);
  return true;
}

bool take_comma(std::string_view& rest) {
  if (!rest.starts_with(',')) return false;
  rest.remove_prefix(1);
  return true;
}

/// Takes the range at the front of `rest`.
bool append_one_range(ValueContext& context, const ValueType& bound, std::string_view& rest, base::TextBuffer& out) {
  OpenPiece lower_piece(context);
  OpenPiece upper_piece(context);
  std::optional<std::string_view> lower;
  std::optional<std::string_view> upper;
  char opening = 0;
  char closing = 0;
  const bool taken = take_one_of('[', '(', rest, opening) && take_bound(rest, lower_piece.text(), lower) &&
                     take_comma(rest) && take_bound(rest, upper_piece.text(), upper) &&
                     take_one_of(']', ')', rest, closing);
  if (!taken) return false;
  out.append('{');
  if (lower) {
    out.append(opening == '[' ? R"("gte":)" : R"("gt":)");
    if (!bound.append(context, bound, *lower, out)) return false;
  }
  if (lower && upper) out.append(',');
  if (upper) {
    out.append(closing == ']' ? R"("lte":)" : R"("lt":)");
    if (!bound.append(context, bound, *upper, out)) return false;
  }
  out.append('}');
  return true;
}

}  // namespace

bool append_range(ValueContext& context, const ValueType& type, std::string_view text, base::TextBuffer& out) {
  if (text == "empty") return out.append(R"({"empty":true})"), true;
  return append_one_range(context, *type.element, text, out) && text.empty();
}

bool append_multirange(ValueContext& context, const ValueType& type, std::string_view text, base::TextBuffer& out) {
  if (!text.starts_with('{')) return false;
  text.remove_prefix(1);
  out.append('[');
  while (!text.starts_with('}')) {
    if (!append_one_range(context, *type.element, text, out)) return false;
    if (!text.starts_with(',')) break;
    text.remove_prefix(1);
    out.append(',');
    if (text.starts_with('}')) return false;
  }
  out.append(']');
  return text == "}";
}

}  // namespace sluice::codec
