#include "sluice/postgres/server.h"

#include <gtest/gtest.h>

namespace sluice::postgres {
namespace {

using change::Lsn;
using pipeline::TimelineSwitch;

TEST(TimelineHistory, HasALineForEveryAncestor) {
  const auto history = parse_timeline_history(
      "1\t0/9001F70\tno recovery target specified\n\n# a comment\n3\t1/A0000028\tbefore 2026-11-21 08:00:00+00\n");
  ASSERT_TRUE(history);
  EXPECT_EQ(*history, (pipeline::TimelineHistory{{1, Lsn(0x9001F70)}, {3, Lsn(0x1'A000'0028)}}));
}

TEST(TimelineHistory, ALastLineMayLackItsEnd) {
  EXPECT_EQ(parse_timeline_history("1\t0/28")->size(), 1U);
  EXPECT_TRUE(parse_timeline_history("")->empty());
}

TEST(TimelineHistory, AnythingElseIsRefused) {
  for (const char* text : {"x\t0/28\tr\n", "1\n", "1\tx\n", "1 \n", "0\t0/28\n", "2\t0/28\n1\t0/30\n",
                           "1\t0/28\n1\t0/30\n", "-1\t0/28", "1x\t0/28"}) {
    const auto history = parse_timeline_history(text);
    ASSERT_FALSE(history) << text;
    EXPECT_EQ(history.error().id, "pg.bad_timeline_history");
  }
}

TEST(SnapshotRace, IsMendedFromTheMinorVersionsOfNovember2026) {
  for (const std::uint32_t mended : {140'025U, 150'020U, 160'016U, 170'012U, 180'006U}) {
    EXPECT_FALSE(has_snapshot_race(mended)) << mended;
    EXPECT_TRUE(has_snapshot_race(mended - 1)) << mended - 1;
  }
  EXPECT_FALSE(has_snapshot_race(190'000));
}

}  // namespace
}  // namespace sluice::postgres
