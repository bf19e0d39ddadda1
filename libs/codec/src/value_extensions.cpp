// Types of extensions, known by their names: hstore (contrib/hstore/hstore_io.c, hstore_out: "a"=>"1", "b"=>NULL) and
// pgvector's vector and halfvec ([1,2.5,-3e-07]) and sparsevec ({1:2.5,4:-3e-07}/5).
#include <algorithm>

#include "quoted_piece.h"
#include "value_type.h"

namespace sluice::codec {
namespace {

constexpr std::string_view kArrow = "=>";
constexpr std::string_view kNull = "NULL";
constexpr std::string_view kSeparator = ", ";

bool append_pair(ValueContext& context, std::string_view& rest, std::string& unescaped, base::TextBuffer& out) {
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

enum class Part { Index, Value };

/// Of each `1:2.5` in the list.
bool append_parts(ValueContext& context, Part part, std::string_view elements, base::TextBuffer& out) {
  const auto append = part == Part::Index ? append_integer : append_float;
  while (!elements.empty()) {
    const std::size_t end = std::min(elements.find(','), elements.size());
    const std::string_view element = elements.substr(0, end);
    const std::size_t colon = element.find(':');
    if (colon == std::string_view::npos) return false;
    const auto piece = part == Part::Index ? element.substr(0, colon) : element.substr(colon + 1);
    if (!append(context, ValueType{}, piece, out)) return false;
    if (end == elements.size()) return true;
    out.append(',');
    elements.remove_prefix(end + 1);
    if (elements.empty()) return false;
  }
  return true;
}

}  // namespace

bool append_hstore(ValueContext& context, const ValueType&, std::string_view text, base::TextBuffer& out) {
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

bool append_vector(ValueContext& context, const ValueType&, std::string_view text, base::TextBuffer& out) {
  const bool flat = text.starts_with('[') && find_byte(text.substr(1), '[', '{', '"') == std::string_view::npos;
  if (!flat || !context.json.is_clean(text)) return false;
  out.append(text);
  return true;
}

/// As lists, since written in full it can have a billion zeros.
bool append_sparse_vector(ValueContext& context, const ValueType& type, std::string_view text, base::TextBuffer& out) {
  constexpr std::string_view kEnd = "}/";
  const std::size_t end = text.find(kEnd);
  if (!text.starts_with('{') || end == std::string_view::npos) return false;
  const std::string_view elements = text.substr(1, end - 1);
  out.append(R"({"dimensions":)");
  if (!append_integer(context, type, text.substr(end + kEnd.size()), out)) return false;
  out.append(R"(,"indices":[)");
  if (!append_parts(context, Part::Index, elements, out)) return false;
  out.append(R"(],"values":[)");
  if (!append_parts(context, Part::Value, elements, out)) return false;
  out.append("]}");
  return true;
}

}  // namespace sluice::codec
