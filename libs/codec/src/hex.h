// Hexadecimal digits of either case.
//
// Thread rule: a pure function.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::codec {

inline constexpr std::uint8_t kNoDigit = 0xFF;

inline constexpr auto kHexValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::uint8_t digit = 0; digit < 10; ++digit) values[static_cast<std::size_t>('0' + digit)] = digit;
  for (std::uint8_t digit = 0; digit < 6; ++digit) {
    values[static_cast<std::size_t>('a' + digit)] = static_cast<std::uint8_t>(10 + digit);
    values[static_cast<std::size_t>('A' + digit)] = static_cast<std::uint8_t>(10 + digit);
  }
  return values;
}();

inline std::uint8_t hex_value(char byte) { return kHexValues[static_cast<unsigned char>(byte)]; }

}  // namespace sluice::codec
