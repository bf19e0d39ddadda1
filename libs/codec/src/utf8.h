// One character of UTF-8 (Unicode 15, table 3-7): no surrogates, no overlong forms, nothing above U+10FFFF.
//
// Thread rule: a pure function.
#pragma once

#include <cstddef>

namespace sluice::codec {

struct Utf8Piece {
  std::size_t size = 0;  ///< of the character; when invalid, of the piece that one U+FFFD stands for
  bool valid = false;
};

/// Of the piece at `at`, whose first byte is 0x80 or above. REQUIRES: at < end.
inline Utf8Piece utf8_piece(const char* at, const char* end) {
  const auto lead = static_cast<unsigned char>(*at);
  std::size_t size = 0;
  unsigned char low = 0x80;  // bounds of the second byte
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    size = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    size = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    size = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {1, false};
  }
  for (std::size_t index = 1; index < size; ++index) {
    if (at + index == end) return {index, false};
    const auto byte = static_cast<unsigned char>(at[index]);
    if (byte < low || byte > high) return {index, false};
    low = 0x80;
    high = 0xBF;
  }
  return {size, true};
}

}  // namespace sluice::codec
