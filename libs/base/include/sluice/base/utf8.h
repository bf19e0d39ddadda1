// Where characters of UTF-8 end in bytes that somebody else wrote.
//
// Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::base {

/// Bytes of the well-formed character at the beginning of `text` (RFC 3629, section 4: nothing overlong, no surrogates,
/// nothing beyond U+10FFFF); 0 when there is none. REQUIRES: `text` is not empty.
constexpr std::size_t utf8_character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char lead = byte(0);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (size > text.size()) return 0;
  for (std::size_t at = 1; at < size; ++at) {
    if ((byte(at) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xed && byte(1) > 0x9f;
  const bool beyond_unicode = lead == 0xf4 && byte(1) > 0x8f;
  return overlong || surrogate || beyond_unicode ? 0 : size;
}

/// Where the first byte stands that belongs to no character; npos: `text` is UTF-8.
constexpr std::size_t first_non_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = utf8_character_bytes(text.substr(at));
    if (size == 0) return at;
    at += size;
  }
  return std::string_view::npos;
}

}  // namespace sluice::base
