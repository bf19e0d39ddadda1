#include "json_text.h"

namespace sluice::elastic {
namespace {

bool needs_escape(char character) {
  return static_cast<unsigned char>(character) < 0x20 || character == '"' || character == '\\';
}

void append_escape(char character, std::string& out) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  if (character == '"' || character == '\\') {
    out += '\\';
    out += character;
    return;
  }
  const auto byte = static_cast<unsigned char>(character);
  out += "\\u00";
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

}  // namespace

void append_json_escaped(std::string_view text, std::string& out) {
  std::size_t plain_from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!needs_escape(text[i])) continue;
    out.append(text, plain_from, i - plain_from);
    append_escape(text[i], out);
    plain_from = i + 1;
  }
  out.append(text, plain_from, text.size() - plain_from);
}

void append_json_string(std::string_view text, std::string& out) {
  out += '"';
  append_json_escaped(text, out);
  out += '"';
}

}  // namespace sluice::elastic
