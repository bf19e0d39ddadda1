#include "text_escape.h"

#include <algorithm>
#include <array>

#include "plain_run.h"
#include "utf8.h"

namespace sluice::codec {
namespace {

constexpr std::size_t kChunkBytes = 4096;
constexpr std::size_t kMaxExpansion = 6;  // a control character becomes \u00XX
constexpr std::size_t kSlack = 64;        // vector stores and a character that reaches over the end of a chunk
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

char* put(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

/// Writes an ASCII byte that may not stand in a JSON string.
char* put_escape(char* to, char byte) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  switch (byte) {
    case '"': return put(to, "\\\"");
    case '\\': return put(to, "\\\\");
    case '\b': return put(to, "\\b");
    case '\f': return put(to, "\\f");
    case '\n': return put(to, "\\n");
    case '\r': return put(to, "\\r");
    case '\t': return put(to, "\\t");
    default: break;
  }
  to = put(to, "\\u00");
  *to++ = kHexDigits[static_cast<unsigned char>(byte) >> 4];
  *to++ = kHexDigits[static_cast<unsigned char>(byte) & 0xF];
  return to;
}

/// Copies the plain bytes at `from` up to the first other one, or up to `end`. Writes at most 15 bytes more than that.
const char* copy_plain(const char* from, const char* end, char*& to) {
#ifdef __SSE2__
  for (; end - from >= 16; from += 16, to += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    const unsigned mask = not_plain_mask(bytes);
    if (mask == 0) continue;
    to += std::countr_zero(mask);
    return from + std::countr_zero(mask);
  }
#endif
  for (; end - from >= 8; from += 8, to += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, from, 8);
    std::memcpy(to, &word, 8);
    const std::uint64_t bits = not_plain_bits(word);
    if (bits == 0) continue;
    to += std::countr_zero(bits) / 8;
    return from + std::countr_zero(bits) / 8;
  }
  while (from != end && is_plain(*from)) *to++ = *from++;
  return from;
}

enum class InvalidUtf8 { Replace, Keep };

template <InvalidUtf8 policy>
void escape(std::string_view text, base::TextBuffer& out, std::uint64_t& replacements) {
  const char* from = text.data();
  const char* const end = from + text.size();
  while (from != end) {
    const char* const chunk_end = from + std::min(kChunkBytes, static_cast<std::size_t>(end - from));
    char* to = out.room(static_cast<std::size_t>(chunk_end - from) * kMaxExpansion + kSlack);
    while (from < chunk_end) {
      from = copy_plain(from, chunk_end, to);
      if (from == chunk_end) break;
      if (static_cast<unsigned char>(*from) < 0x80) {
        to = put_escape(to, *from++);
        continue;
      }
      if constexpr (policy == InvalidUtf8::Keep) {
        *to++ = *from++;
      } else {
        const Utf8Piece piece = utf8_piece(from, end);
        to = put(to, piece.valid ? std::string_view(from, piece.size) : kReplacement);
        from += piece.size;
        replacements += piece.valid ? 0 : 1;
      }
    }
    out.written_to(to);
  }
}

}  // namespace

void append_escaped(std::string_view text, base::TextBuffer& out, std::uint64_t& replacements) {
  escape<InvalidUtf8::Replace>(text, out, replacements);
}

void append_escaped_bytes(std::string_view text, base::TextBuffer& out) {
  std::uint64_t none = 0;
  escape<InvalidUtf8::Keep>(text, out, none);
}

std::string in_quotes(std::string_view name) {
  std::uint64_t replacements = 0;
  base::TextBuffer json;
  json.append('"');
  append_escaped(name, json, replacements);
  json.append('"');
  return std::string(json.view());
}

}  // namespace sluice::codec
