// PostgreSQL's text of a composite (src/backend/utils/adt/rowtypes.c, record_out): (1,"a b",,"(2,x)"). A field stands
// in quotes when it is empty or holds commas, parentheses, quotes, backslashes or white space; nothing at all is null.
#include "quoted_piece.h"
#include "value_type.h"

namespace sluice::codec {
namespace {

bool append_field(ValueContext& context, const ValueField& field, std::string_view& rest, std::string& unescaped,
                  base::TextBuffer& out) {
  out.append(field.member);
  std::string_view value;
  if (rest.starts_with('"')) {
    if (!take_doubled(rest, unescaped, value)) return false;
    return field.type->append(context, *field.type, value, out);
  }
  const std::size_t end = find_byte(rest, ',', '(', ')', '"', '\\');
  if (end == std::string_view::npos) return false;
  value = rest.substr(0, end);
  rest.remove_prefix(end);
  if (value.empty()) return out.append("null"), true;
  return field.type->append(context, *field.type, value, out);
}

bool append_fields(ValueContext& context, const ValueType& type, std::string_view rest, std::string& unescaped,
                   base::TextBuffer& out) {
  if (!rest.starts_with('(')) return false;
  const std::size_t begin = out.size();
  for (const ValueField& field : type.fields) {
    // Before the first field stands a parenthesis, before each other one a comma.
    if (!rest.starts_with(out.size() == begin ? '(' : ',')) return false;
    rest.remove_prefix(1);
    if (!append_field(context, field, rest, unescaped, out)) return false;
  }
  if (type.fields.empty()) {
    rest.remove_prefix(1);
    out.append(',');
  }
  // Every member begins with a comma; the first one's place is the opening brace's.
  out.overwrite(begin, '{');
  out.append('}');
  return rest == ")";
}

}  // namespace

/// A value that the description does not fit is written as the text that it is: ALTER TYPE … ADD ATTRIBUTE sends no
/// Relation message, so it can come before the description is read again.
bool append_composite(ValueContext& context, const ValueType& type, std::string_view text, base::TextBuffer& out) {
  const std::size_t begin = out.size();
  const std::uint64_t replacements = context.replacements;
  OpenPiece piece(context);
  if (append_fields(context, type, text, piece.text(), out)) return true;
  out.cut_back_to(begin);
  context.replacements = replacements;
  return append_text(context, type, text, out);
}

}  // namespace sluice::codec
