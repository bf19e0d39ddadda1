// PostgreSQL's array text (src/backend/utils/adt/arrayfuncs.c, array_out): [2:3][1:1]={{"a b"},{NULL}}. Elements stand
// in quotes when they are empty, the word NULL, or hold the delimiter, braces, quotes, backslashes or white space.
#include <algorithm>

#include "quoted_piece.h"
#include "value_type.h"

namespace sluice::codec {
namespace {

constexpr int kMaxDimensions = 6;  // MAXDIM

/// Takes "[2:3][1:1]=" from the front. JSON has no lower bounds: they are checked and left out.
bool skip_bounds(std::string_view& rest) {
  if (!rest.starts_with('[')) return true;
  const std::size_t end = rest.find('=');
  if (end == std::string_view::npos) return false;
  const std::string_view bounds = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return bounds.find_first_not_of("0123456789:-+[]") == std::string_view::npos;
}

bool take_bare(std::string_view& rest, char delimiter, std::string_view& element) {
  const std::size_t end = find_byte(rest, delimiter, '}', '{', '"', '\\');
  if (end == 0 || end == std::string_view::npos || (rest[end] != delimiter && rest[end] != '}')) return false;
  element = rest.substr(0, end);
  rest.remove_prefix(end);
  return true;
}

bool append_element(ValueContext& context, const ValueType& type, std::string_view& rest, std::string& unescaped,
                    base::TextBuffer& out) {
  std::string_view element;
  if (rest.starts_with('"')) {
    if (!take_quoted(rest, unescaped, element)) return false;
  } else {
    if (!take_bare(rest, type.delimiter, element)) return false;
    if (element == "NULL") return out.append("null"), true;
  }
  return type.element->append(context, *type.element, element, out);
}

/// Writes the elements and brackets from the first `{` to its `}`.
bool append_elements(ValueContext& context, const ValueType& type, std::string_view rest, std::string& unescaped,
                     base::TextBuffer& out) {
  int open = 0;
  do {
    if (rest.starts_with('{')) {
      if (++open > kMaxDimensions) return false;
      rest.remove_prefix(1);
      out.append('[');
      if (!rest.starts_with('}')) continue;
    } else if (open == 0 || !append_element(context, type, rest, unescaped, out)) {
      return false;
    }
    // A value has ended: close what closes here, then there is another one, or the end.
    while (open > 0 && rest.starts_with('}')) {
      rest.remove_prefix(1);
      out.append(']');
      --open;
    }
    if (open == 0) break;
    if (!rest.starts_with(type.delimiter)) return false;
    rest.remove_prefix(1);
    out.append(',');
  } while (true);
  return rest.empty();
}

}  // namespace

bool append_array(ValueContext& context, const ValueType& type, std::string_view text, base::TextBuffer& out) {
  if (!skip_bounds(text)) return false;
  OpenPiece piece(context);
  return append_elements(context, type, text, piece.text(), out);
}

}  // namespace sluice::codec
