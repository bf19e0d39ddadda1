#include <algorithm>
#include <charconv>
#include <cmath>

#include "base64.h"
#include "hex.h"
#include "text_escape.h"
#include "value_type.h"

namespace sluice::codec {
namespace {

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

bool is_special_number(std::string_view text) { return text == "NaN" || text == "Infinity" || text == "-Infinity"; }

const char* end_of(std::string_view text) { return text.data() + text.size(); }

}  // namespace

bool append_bool(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  if (text == "t") return out.append("true"), true;
  if (text == "f") return out.append("false"), true;
  return false;
}

bool append_integer(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.empty() || (digits.size() > 1 && digits[0] == '0')) return false;
  if (!std::all_of(digits.begin(), digits.end(), is_digit)) return false;
  out.append(text);
  return true;
}

bool append_numeric(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  const bool number = !text.empty() && end_of_json_number(text.data(), end_of(text)) == end_of(text);
  return (number || is_special_number(text)) && append_quoted(text, out);
}

bool append_float(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  if (!text.empty() && end_of_json_number(text.data(), end_of(text)) == end_of(text)) return out.append(text), true;
  return is_special_number(text) && append_quoted(text, out);
}

/// One that is too large for a double stands as the string of its digits; one that is too small is 0. (PostgreSQL
/// writes no exponents; with one it is the string, too.)
bool append_nearest_double(ValueContext& context, const ValueType& type, std::string_view text, base::TextBuffer& out) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), end_of(text), number);
  if (error == std::errc::result_out_of_range) {
    const bool is_small = (text.starts_with("0.") || text.starts_with("-0.")) && text.find_first_of("eE") == text.npos;
    if (!is_small) return append_numeric(context, type, text, out);
    return out.append(text.starts_with('-') ? "-0" : "0"), true;
  }
  if (error != std::errc{} || end != end_of(text) || !std::isfinite(number)) {
    return is_special_number(text) && append_quoted(text, out);
  }
  constexpr std::size_t kMaxSize = 32;
  char* const to = out.room(kMaxSize);
  out.written_to(std::to_chars(to, to + kMaxSize, number).ptr);
  return true;
}

bool append_text(ValueContext& context, const ValueType&, std::string_view text, base::TextBuffer& out) {
  out.append('"');
  append_escaped(text, out, context.replacements);
  out.append('"');
  return true;
}

bool append_uuid(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  const bool fits = std::equal(text.begin(), text.end(), kShape.begin(), kShape.end(), [](char byte, char shape) {
    return shape == '-' ? byte == '-' : hex_value(byte) != kNoDigit;
  });
  return fits && append_quoted(text, out);
}

bool append_bytea(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return false;
  const std::string_view digits = text.substr(2);
  char* to = out.room(base64_size(digits.size() / 2) + 2);
  *to++ = '"';
  std::uint8_t group[3] = {};
  std::size_t filled = 0;
  for (std::size_t index = 0; index < digits.size(); index += 2) {
    const std::uint8_t high = hex_value(digits[index]);
    const std::uint8_t low = hex_value(digits[index + 1]);
    if (high == kNoDigit || low == kNoDigit) return false;
    group[filled++] = static_cast<std::uint8_t>(high << 4 | low);
    if (filled < 3) continue;
    to = put_base64(to, group, filled);
    filled = 0;
  }
  if (filled != 0) to = put_base64(to, group, filled);
  *to++ = '"';
  out.written_to(to);
  return true;
}

bool append_hex(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return false;
  const std::string_view digits = text.substr(2);
  const auto is_hex = [](char digit) { return hex_value(digit) != kNoDigit; };
  return std::all_of(digits.begin(), digits.end(), is_hex) && append_quoted(digits, out);
}

bool append_json(ValueContext& context, const ValueType&, std::string_view text, base::TextBuffer& out) {
  if (context.json.is_clean(text)) return out.append(text), true;
  const std::size_t begin = out.size();
  append_cleaned_json(text, out, context.replacements);
  return context.json.is_clean(out.view_from(begin));
}

}  // namespace sluice::codec
