// How far text goes on without a byte that needs a look inside a JSON string: a quote, a backslash, a control character
// or a byte of a multi-byte character.
//
// Thread rule: pure functions.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace sluice::codec {

inline bool is_plain(char byte) {
  const auto code = static_cast<unsigned char>(byte);
  return code >= 0x20 && code < 0x80 && byte != '"' && byte != '\\';
}

/// A bit 0x80 in each byte of the word that may not be plain; the lowest such bit is exact: a borrow comes only out of
/// a byte that is marked itself. Bytes from 0x80 on are marked by their own high bit, whatever the subtractions make of
/// them.
inline std::uint64_t not_plain_bits(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101;
  constexpr std::uint64_t kHighs = 0x8080'8080'8080'8080;
  const std::uint64_t quote = word ^ (kOnes * '"');
  const std::uint64_t backslash = word ^ (kOnes * '\\');
  return (word | (word - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes)) & kHighs;
}

#ifdef __SSE2__
/// One bit for each of the 16 bytes that is not plain.
inline unsigned not_plain_mask(__m128i bytes) {
  // As signed numbers, control characters and bytes from 0x80 on are both below 0x20.
  const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, backslash))));
}
#endif

/// The first byte in [at, end) that is not plain, or end.
inline const char* skip_plain(const char* at, const char* end) {
#ifdef __SSE2__
  for (; end - at >= 16; at += 16) {
    const unsigned mask = not_plain_mask(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
    if (mask != 0) return at + std::countr_zero(mask);
  }
#endif
  for (; end - at >= 8; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    const std::uint64_t bits = not_plain_bits(word);
    if (bits != 0) return at + std::countr_zero(bits) / 8;
  }
  while (at != end && is_plain(*at)) ++at;
  return at;
}

}  // namespace sluice::codec
