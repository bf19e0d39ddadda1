#include "sluice/base/byte_reader.h"

#include <gtest/gtest.h>

using namespace std::string_view_literals;
using sluice::base::ByteReader;

TEST(ByteReader, ReadsBigEndianNumbersInOrder) {
  ByteReader reader("\x01\x02\x03\x00\x00\x00\x2a\xff\xff\xff\xff\xff\xff\xff\xfe"sv);
  EXPECT_EQ(reader.u8(), 1u);
  EXPECT_EQ(reader.u16(), 0x0203u);
  EXPECT_EQ(reader.u32(), 42u);
  EXPECT_EQ(reader.i64(), -2);
  EXPECT_TRUE(reader.finished());
}

TEST(ByteReader, AReadPastTheEndFailsAndStaysFailed) {
  ByteReader reader("\x01"sv);
  EXPECT_EQ(reader.u32(), 0u);
  EXPECT_TRUE(reader.failed());
  EXPECT_EQ(reader.u8(), 0u) << "what was left must not be read after a failure";
  EXPECT_FALSE(reader.finished());
}

TEST(ByteReader, AStringWithoutItsNulIsAFailure) {
  ByteReader reader("public\0users"sv);
  EXPECT_EQ(reader.c_string(), "public");
  EXPECT_EQ(reader.c_string(), "");
  EXPECT_TRUE(reader.failed());
}

TEST(ByteReader, ALengthBeyondTheBytesIsAFailure) {
  ByteReader reader("abc"sv);
  EXPECT_EQ(reader.bytes(4), "");
  EXPECT_TRUE(reader.failed());
}

TEST(ByteReader, AFailureKeepsTheOffsetOfTheReadThatFailed) {
  ByteReader reader("\x01\x02\x03"sv);
  reader.u8();
  EXPECT_EQ(reader.offset(), 1u);
  reader.u32();
  EXPECT_EQ(reader.offset(), 1u);
  reader.u8();
  EXPECT_EQ(reader.offset(), 1u);
}
