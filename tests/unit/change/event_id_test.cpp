#include "sluice/change/event_id.h"

#include <gtest/gtest.h>

using namespace sluice::change;

TEST(EventId, IsWrittenAsTheContractSays) {
  EXPECT_EQ(to_string(EventId{1, Lsn(0x1693E28), 1, 0}), "0001-0000000001693e28-00000001");
  EXPECT_EQ(to_string(EventId{1, Lsn(0x1693E28), 1, 1}), "0001-0000000001693e28-00000001.0001");
}

TEST(EventId, LexicographicOrderIsCommitOrder) {
  const EventId ids[] = {{1, Lsn(0xFF), 1, 0},  {1, Lsn(0x100), 1, 0}, {1, Lsn(0x100), 2, 0},
                         {1, Lsn(0x100), 2, 1}, {1, Lsn(0x100), 3, 0}, {2, Lsn(0x10), 1, 0}};
  for (std::size_t i = 1; i < std::size(ids); ++i) {
    EXPECT_LT(ids[i - 1], ids[i]);
    EXPECT_LT(to_string(ids[i - 1]), to_string(ids[i]));
  }
}

TEST(EventId, ReadsBackWhatItWrote) {
  for (const EventId id : {EventId{1, Lsn(0x1693E28), 7, 0}, EventId{0xFFFF, Lsn(~0ull), 0xFFFFFFFF, 0x8001}}) {
    const auto read = parse_event_id(to_string(id));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(*read, id);
  }
}

TEST(EventId, RefusesWhatItWouldNotWrite) {
  for (const char* text : {"", "0001", "0001-0000000001693E28-00000001", "0001-0000000001693e28_00000001",
                           "0001-0000000001693e28-00000001.1", "0001-0000000001693e28-0000000g"}) {
    const auto read = parse_event_id(text);
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().id, "change.bad_event_id");
  }
}

TEST(ExternalVersion, GrowsWithCommitAndSeqAndSaturates) {
  const Lsn first(0x1000), next(0x1008);
  EXPECT_LT(external_version(first, 1), external_version(first, 2));
  EXPECT_EQ(external_version(first, 65'535), external_version(first, 70'000));
  EXPECT_LT(external_version(first, 70'000), external_version(next, 1));
  EXPECT_LT(snapshot_version(first), external_version(first, 1));
}

TEST(ExternalVersion, FitsIntoElasticsearchsSignedNumber) { EXPECT_LT(external_version(Lsn(~0ull), ~0u), 1ull << 63); }
