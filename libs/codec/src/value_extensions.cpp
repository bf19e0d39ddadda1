// Types of extensions, known by their names: hstore (contrib/hstore/hstore_io.c, hstore_out: "a"=>"1", "b"=>NULL) and
// pgvector's vector and halfvec ([1,2.5,-3e-07]).
#include "quoted_piece.h"
#include "value_type.h"

namespace sluice::codec {
namespace {

constexpr std::string_view kArrow = "=>";
constexpr std::string_view kNull = "NULL";
constexpr std::string_view kSeparator = ", ";

bool append_pair(ValueContext& context, std::string_view& rest, std::string& unescaped, TextBuffer& out) {
  std::string_view piece;
  if (!rest.starts_with('"') || !take_quoted(rest, unescaped, piece)) return false;
  append_text(context, ValueType{}, piece, out);
  if (!rest.starts_with(kArrow)) return false;
  rest.remove_prefix(kArrow.size());
  out.append(':');
  if (rest.starts_with('"')) {
    return take_quoted(rest, unescaped, piece) && append_text(context, ValueType{}, piece, out);
  }
  if (!rest.starts_with(kNull)) return false;
  rest.remove_prefix(kNull.size());
  out.append("null");
  return true;
}

}  // namespace

bool append_hstore(ValueContext& context, const ValueType&, std::string_view text, TextBuffer& out) {
  OpenPiece piece(context);
  out.append('{');
  for (bool first = true; !text.empty(); first = false) {
    if (!first) {
      if (!text.starts_with(kSeparator)) return false;
      text.remove_prefix(kSeparator.size());
      out.append(',');
    }
    if (!append_pair(context, text, piece.text(), out)) return false;
  }
  out.append('}');
  return true;
}

bool append_vector(ValueContext& context, const ValueType&, std::string_view text, TextBuffer& out) {
  const bool flat = text.starts_with('[') && text.find_first_of("[{\"", 1) == std::string_view::npos;
  if (!flat || !context.json.is_clean(text)) return false;
  out.append(text);
  return true;
}

}  // namespace sluice::codec
