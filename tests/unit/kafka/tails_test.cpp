#include <gtest/gtest.h>

#include "sluice/kafka/tails.h"

namespace sluice::kafka {
namespace {

using Kind = RecordClue::Kind;

change::EventId id(std::uint32_t seq) { return {1, change::Lsn(0x100), seq, 0}; }
RecordClue stream(std::uint32_t seq) { return {Kind::Stream, id(seq), ""}; }
RecordClue follower(change::EventId last) { return {Kind::Follower, last, ""}; }
RecordClue marker(std::string pipeline) { return {Kind::Marker, {}, std::move(pipeline)}; }
RecordClue foreign() { return {}; }

class TailScanTest : public ::testing::Test {
 protected:
  /// True: the walk is over.
  base::Result<bool> window(std::vector<RecordClue> clues) {
    for (const RecordClue& clue : clues) scan_.add(clue);
    return scan_.end_window("t", 0);
  }
  TailScan scan_{"ours"};
};

TEST_F(TailScanTest, TheLastStreamRecordOfTheWindowIsTheTail) {
  EXPECT_TRUE(window({stream(1), stream(2), stream(3)}).value());
  EXPECT_EQ(scan_.last(), id(3));
}

TEST_F(TailScanTest, ARecordThatFollowsTheStreamNamesTheTailInOneStep) {
  EXPECT_TRUE(window({stream(1), follower(id(7))}).value());
  EXPECT_EQ(scan_.last(), id(7));
}

TEST_F(TailScanTest, AFollowerOfNothingEndsTheWalkWithNone) {
  EXPECT_TRUE(window({follower({})}).value());
  EXPECT_EQ(scan_.last(), change::EventId{});
}

TEST_F(TailScanTest, MarkersAndForeignRecordsSayNothingAndTheWalkGoesOn) {
  EXPECT_FALSE(window({marker("ours"), foreign()}).value());
  EXPECT_TRUE(window({stream(4), foreign()}).value());
  EXPECT_EQ(scan_.last(), id(4));
}

TEST_F(TailScanTest, AMarkerOfAnotherPipelineBehindOurPreviousOneStops) {
  const auto result = window({marker("ours"), stream(1), marker("theirs"), stream(2)});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id, "kafka.topic_in_use");
  EXPECT_EQ(result.error().recovery, base::Recovery::Stop);
  EXPECT_NE(result.error().message.find("theirs"), std::string::npos);
}

TEST_F(TailScanTest, AMarkerOfAnotherPipelineBeforeOurPreviousOneIsHistory) {
  EXPECT_TRUE(window({marker("theirs"), marker("ours"), stream(2)}).value());
  EXPECT_EQ(scan_.last(), id(2));
}

TEST_F(TailScanTest, WhatLiesBeforeAMarkerSeenInALaterWindowIsHistoryToo) {
  EXPECT_FALSE(window({marker("ours")}).value());
  EXPECT_TRUE(window({marker("theirs"), stream(2)}).value());
}

TEST_F(TailScanTest, AnEventThatNamesAnotherPipelineStops) {
  RecordClue theirs = stream(5);
  theirs.pipeline = "theirs";
  EXPECT_FALSE(window({theirs}));
}

TEST_F(TailScanTest, AnEmptyPartitionHasNoTail) {
  EXPECT_FALSE(window({}).value());
  EXPECT_EQ(scan_.last(), change::EventId{});
}

}  // namespace
}  // namespace sluice::kafka
