// Base64 (RFC 4648, with padding).
//
// Thread rule: a pure function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::codec {

inline constexpr std::size_t base64_size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }

/// Writes the 4 characters for `size` bytes (1 to 3) at `to`, and returns the end.
inline char* put_base64(char* to, const std::uint8_t* bytes, std::size_t size) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::uint32_t group = (static_cast<std::uint32_t>(bytes[0]) << 16) |
                              (size > 1 ? static_cast<std::uint32_t>(bytes[1]) << 8 : 0) | (size > 2 ? bytes[2] : 0);
  *to++ = kAlphabet[(group >> 18) & 0x3F];
  *to++ = kAlphabet[(group >> 12) & 0x3F];
  *to++ = size > 1 ? kAlphabet[(group >> 6) & 0x3F] : '=';
  *to++ = size > 2 ? kAlphabet[group & 0x3F] : '=';
  return to;
}

}  // namespace sluice::codec
