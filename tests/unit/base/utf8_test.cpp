#include "sluice/base/utf8.h"

#include <gtest/gtest.h>

using namespace std::string_view_literals;
using sluice::base::first_non_utf8;
using sluice::base::utf8_character_bytes;

TEST(Utf8, CharactersOfOneToFourBytesAreTaken) {
  EXPECT_EQ(utf8_character_bytes("a"), 1U);
  EXPECT_EQ(utf8_character_bytes("\0"sv), 1U);
  EXPECT_EQ(utf8_character_bytes("\xc3\xa9x"), 2U);
  EXPECT_EQ(utf8_character_bytes("\xe2\x82\xacx"), 3U);
  EXPECT_EQ(utf8_character_bytes("\xf0\x9f\x98\x80x"), 4U);
  EXPECT_EQ(utf8_character_bytes("\xf4\x8f\xbf\xbf"), 4U) << "U+10FFFF is the last one";
}

TEST(Utf8, WhatIsOverlongCutOrOutOfRangeIsNoCharacter) {
  for (const auto bytes : {"\x80"sv, "\xc3"sv, "\xc3x"sv, "\xc0\x80"sv, "\xe0\x80\x80"sv, "\xed\xa0\x80"sv,
                           "\xe2\x82"sv, "\xf0\x80\x80\x80"sv, "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xff"sv}) {
    EXPECT_EQ(utf8_character_bytes(bytes), 0U);
  }
}

TEST(Utf8, TheFirstStrayByteIsFound) {
  EXPECT_EQ(first_non_utf8("caf\xc3\xa9"), std::string_view::npos);
  EXPECT_EQ(first_non_utf8("caf\xe9 au lait"), 3U);
  EXPECT_EQ(first_non_utf8(""), std::string_view::npos);
}
