#include "sluice/kafka/lane_bytes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::kafka {
namespace {

class LaneBytesTest : public ::testing::Test {
 protected:
  /// A record of it takes a block of the pool for itself.
  const std::string whole = std::string(kBlockBytes - 1, 'w');
  BlockPool pool;
  LaneBytes bytes{pool};
};

TEST_F(LaneBytesTest, KeepsWhatARecordHasInOnePiece) {
  const char* const kept = bytes.keep("key", "value", "header");
  EXPECT_EQ(std::string_view(kept, 14), "keyvalueheader");
}

TEST_F(LaneBytesTest, WhatIsKeptStaysWhereItIsWhateverComesBehindIt) {
  std::vector<const char*> kept;
  for (int i = 0; i < 1'000; ++i) kept.push_back(bytes.keep(std::to_string(i), std::string(100, 'v'), ""));
  for (int i = 0; i < 1'000; ++i) {
    const std::string key = std::to_string(i);
    EXPECT_EQ(std::string_view(kept[static_cast<std::size_t>(i)], key.size() + 1), key + "v");
  }
}

TEST_F(LaneBytesTest, ABlockStaysWhileOneOfItsRecordsIsKept) {
  const char* const first = bytes.keep("", "a", "");
  const char* const second = bytes.keep("", "b", "");
  bytes.release(first);
  EXPECT_EQ(*second, 'b');
  const char* const third = bytes.keep("", "c", "");
  EXPECT_EQ(third, second + 1) << "the second is kept still";
}

TEST_F(LaneBytesTest, ABlockThatNobodyReadsAnyMoreIsThereForOtherLanes) {
  const char* const first = bytes.keep("", whole, "");
  LaneBytes other(pool);
  EXPECT_NE(other.keep("", whole, ""), first) << "it is kept still";
  bytes.release(first);
  EXPECT_EQ(other.keep("", whole, ""), first);
}

TEST_F(LaneBytesTest, ALaneOfOneRecordTakesLittle) {
  const char* const first = bytes.keep("", std::string(1'000, 'a'), "");
  const char* const second = bytes.keep("", std::string(100, 'b'), "");
  EXPECT_NE(second, first + 1'000) << "the first block was a kilobyte";
}

TEST_F(LaneBytesTest, AnyPartOfARecordNamesIt) {
  const char* const first = bytes.keep("", whole, "");
  bytes.release(first + 3);
  EXPECT_EQ(bytes.keep("", whole, ""), first);
}

TEST_F(LaneBytesTest, ARecordWithoutAValueHasAPlaceInItsOwnBlock) {
  const char* const first = bytes.keep(whole, "", "");
  const char* const second = bytes.keep("k", "", "");
  bytes.release(first + whole.size());
  EXPECT_EQ(*second, 'k');
  EXPECT_EQ(bytes.keep("l", "", ""), second + 1) << "the second was not taken for the first";
}

TEST_F(LaneBytesTest, ALargeRecordHasABlockForItself) {
  const std::string large(3 * kBlockBytes, 'x');
  const char* const small = bytes.keep("", "s", "");
  const char* const kept = bytes.keep("k", large, "");
  EXPECT_EQ(std::string_view(kept, large.size() + 1), "k" + large);
  bytes.release(kept + 1 + large.size() / 2);
  EXPECT_EQ(bytes.keep("", "t", ""), small + 1);
}

TEST_F(LaneBytesTest, WhatIsNotOursIsLeftAlone) {
  const char* const kept = bytes.keep("", "a", "");
  const std::string other = "a copy of librdkafka's";
  bytes.release(other.data());
  EXPECT_EQ(bytes.keep("", "b", ""), kept + 1);
}

}  // namespace
}  // namespace sluice::kafka
