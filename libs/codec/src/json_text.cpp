#include "json_text.h"

#include "plain_run.h"
#include "utf8.h"

namespace sluice::codec {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::size_t kEscapeSize = 6;  // \uXXXX

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

const char* skip_digits(const char* at, const char* end) {
  while (at != end && is_digit(*at)) ++at;
  return at;
}

int hex_value(char byte) {
  if (is_digit(byte)) return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

/// The code unit of the escape \uXXXX at `at`; -1: there is no such escape.
int code_unit(const char* at, const char* end) {
  if (end - at < static_cast<std::ptrdiff_t>(kEscapeSize) || at[0] != '\\' || at[1] != 'u') return -1;
  int unit = 0;
  for (int index = 2; index < 6; ++index) {
    const int digit = hex_value(at[index]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

bool is_high_surrogate(int unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low_surrogate(int unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

/// The first byte behind the escape at `at`; nullptr: it is none, or half a surrogate pair.
const char* end_of_escape(const char* at, const char* end) {
  if (end - at < 2) return nullptr;
  if (at[1] != 'u') return std::string_view("\"\\/bfnrt").find(at[1]) == std::string_view::npos ? nullptr : at + 2;
  const int unit = code_unit(at, end);
  if (unit < 0 || is_low_surrogate(unit)) return nullptr;
  at += kEscapeSize;
  if (!is_high_surrogate(unit)) return at;
  return is_low_surrogate(code_unit(at, end)) ? at + kEscapeSize : nullptr;
}

const char* skip_blanks(const char* at, const char* end) {
  while (at != end && (*at == ' ' || *at == '\t')) ++at;
  return at;
}

/// The first byte behind the string, number or word at `at`; nullptr: it is none of these.
const char* end_of_scalar(const char* at, const char* end) {
  if (*at == '"') return end_of_json_string(at, end);
  if (*at == '-' || is_digit(*at)) return end_of_json_number(at, end);
  const std::string_view rest(at, static_cast<std::size_t>(end - at));
  for (const std::string_view word : {"true", "false", "null"}) {
    if (rest.starts_with(word)) return at + word.size();
  }
  return nullptr;
}

/// The first byte behind `"name":` and the blanks around; nullptr: there is no such thing.
const char* end_of_name(const char* at, const char* end) {
  at = skip_blanks(at, end);
  if (at == end || *at != '"') return nullptr;
  at = end_of_json_string(at, end);
  if (at == nullptr) return nullptr;
  at = skip_blanks(at, end);
  return at != end && *at == ':' ? at + 1 : nullptr;
}

/// Appends what stands for the escape at `from`, and moves behind it.
void append_cleaned_escape(const char*& from, const char* end, base::TextBuffer& out, std::uint64_t& replacements) {
  const int unit = code_unit(from, end);
  const char* next = end_of_escape(from, end);
  if (next == nullptr && unit >= 0) {
    out.append("\\ufffd");
    ++replacements;
    from += kEscapeSize;
    return;
  }
  if (next == nullptr) next = from + 1;  // no escape at all: left for the checker to find
  out.append(std::string_view(from, static_cast<std::size_t>(next - from)));
  from = next;
}

/// Appends the string whose opening quote is at `from`, cleaned, and moves behind it.
void append_cleaned_string(const char*& from, const char* end, base::TextBuffer& out, std::uint64_t& replacements) {
  out.append(*from++);
  while (from != end) {
    const char* const next = skip_plain(from, end);
    out.append(std::string_view(from, static_cast<std::size_t>(next - from)));
    from = next;
    if (from == end) return;
    if (*from == '\\') {
      append_cleaned_escape(from, end, out, replacements);
    } else if (static_cast<unsigned char>(*from) >= 0x80) {
      const Utf8Piece piece = utf8_piece(from, end);
      out.append(piece.valid ? std::string_view(from, piece.size) : kReplacement);
      replacements += piece.valid ? 0 : 1;
      from += piece.size;
    } else {
      out.append(*from);
      if (*from++ == '"') return;
    }
  }
}

void append_utf8(std::uint32_t code, std::string& out) {
  const auto push = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  const auto tail = [&](int shift) { push(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xC0 | code >> 6), tail(0);
  } else if (code < 0x10000) {
    push(0xE0 | code >> 12), tail(6), tail(0);
  } else {
    push(0xF0 | code >> 18), tail(12), tail(6), tail(0);
  }
}

/// The character of the escape \uXXXX or the pair of them at `at`, which is valid.
std::uint32_t escaped_character(const char* at, const char* end) {
  const int unit = code_unit(at, end);
  if (!is_high_surrogate(unit)) return static_cast<std::uint32_t>(unit);
  const int low = code_unit(at + kEscapeSize, end);
  return 0x10000 + (static_cast<std::uint32_t>(unit - 0xD800) << 10) + static_cast<std::uint32_t>(low - 0xDC00);
}

char unescaped(char letter) {
  switch (letter) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return letter;
  }
}

}  // namespace

void append_unescaped(std::string_view inside, std::string& out) {
  const char* at = inside.data();
  const char* const end = at + inside.size();
  while (at != end) {
    if (*at != '\\') {
      out.push_back(*at++);
      continue;
    }
    const char* const next = end_of_escape(at, end);
    if (next == nullptr) return;
    if (at[1] == 'u') {
      append_utf8(escaped_character(at, end), out);
    } else {
      out.push_back(unescaped(at[1]));
    }
    at = next;
  }
}

const char* end_of_json_number(const char* at, const char* end) {
  if (at != end && *at == '-') ++at;
  if (at == end || !is_digit(*at)) return nullptr;
  at = *at == '0' ? at + 1 : skip_digits(at, end);
  if (at != end && *at == '.') {
    const char* const fraction = at + 1;
    at = skip_digits(fraction, end);
    if (at == fraction) return nullptr;
  }
  if (at != end && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at != end && (*at == '+' || *at == '-')) ++at;
    const char* const exponent = at;
    at = skip_digits(exponent, end);
    if (at == exponent) return nullptr;
  }
  return at;
}

const char* end_of_json_string(const char* at, const char* end) {
  ++at;
  while ((at = skip_plain(at, end)) != end) {
    if (*at == '"') return at + 1;
    if (*at == '\\') {
      at = end_of_escape(at, end);
      if (at == nullptr) return nullptr;
    } else if (static_cast<unsigned char>(*at) >= 0x80) {
      const Utf8Piece piece = utf8_piece(at, end);
      if (!piece.valid) return nullptr;
      at += piece.size;
    } else {
      return nullptr;  // a control character
    }
  }
  return nullptr;
}

bool JsonChecker::is_clean(std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* const value_end = end_of_value(text.data(), end);
  return value_end != nullptr && skip_blanks(value_end, end) == end;
}

const char* JsonChecker::end_of_value(const char* at, const char* end) {
  open_.clear();
  while (true) {
    // A value begins here.
    at = skip_blanks(at, end);
    if (at == end) return nullptr;
    bool closed = true;
    if (*at == '{' || *at == '[') {
      open_.push_back(*at);
      const char closing = *at == '{' ? '}' : ']';
      at = skip_blanks(at + 1, end);
      closed = at != end && *at == closing;
    } else {
      at = end_of_scalar(at, end);
      if (at == nullptr) return nullptr;
    }
    // A value has ended, or an object or array has begun.
    while (closed) {
      if (open_.empty()) return at;
      at = skip_blanks(at, end);
      if (at == end) return nullptr;
      const char byte = *at++;
      if (byte == ',') break;
      if (byte != (open_.back() == '{' ? '}' : ']')) return nullptr;
      open_.pop_back();
    }
    if (open_.back() != '{') continue;
    at = end_of_name(at, end);
    if (at == nullptr) return nullptr;
  }
}

void append_cleaned_json(std::string_view text, base::TextBuffer& out, std::uint64_t& replacements) {
  const char* from = text.data();
  const char* const end = from + text.size();
  while (from != end) {
    if (*from == '"') {
      append_cleaned_string(from, end, out, replacements);
      continue;
    }
    if (*from != '\n' && *from != '\r') out.append(*from);
    ++from;
  }
}

}  // namespace sluice::codec
