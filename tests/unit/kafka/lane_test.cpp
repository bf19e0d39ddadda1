#include "sluice/kafka/lane.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::kafka {
namespace {

using std::chrono::milliseconds;

class LaneTest : public ::testing::Test {
 protected:
  static change::Record record(std::string_view key, std::string_view value) {
    change::Record record;
    record.key = key;
    record.value = value;
    return record;
  }
  bool is_open_after(milliseconds time) const { return lane.is_open(limits, begin + time); }
  /// What waits, oldest first, with a bar behind each call's worth.
  std::string waiting(std::size_t max_records = 10) {
    std::string all;
    while (lane.has_waiting()) {
      const auto front = lane.front(limits, max_records);
      for (const WaitingRecord& record : front) {
        all += std::to_string(record.ticket.value) + ":" + std::string(record.key()) + "=" +
               (record.tombstone ? "null" : std::string(record.value())) + std::string(record.header()) + " ";
      }
      all += "| ";
      lane.lent(front.size(), begin);
    }
    return all;
  }

  BlockPool pool;
  Lane lane{pool};
  LaneLimits limits{.linger = milliseconds(2),
                    .max_bytes = 100,
                    .max_records = 3,
                    .slow_bytes = 20,
                    .worth_bytes = 50,
                    .company_bytes = 90,
                    .patience = milliseconds(10)};
  base::Deadline begin = base::Deadline() + std::chrono::seconds(9);
};

TEST_F(LaneTest, IsOpenWhileNothingIsOnItsWay) { EXPECT_TRUE(is_open_after(milliseconds(0))); }

TEST_F(LaneTest, ABatchTakesWhatComesWithinTheLinger) {
  lane.handed_over(10, begin);
  EXPECT_TRUE(is_open_after(milliseconds(1)));
  EXPECT_FALSE(is_open_after(milliseconds(2)));
}

TEST_F(LaneTest, AFullBatchTakesNothingMore) {
  lane.handed_over(99, begin);
  EXPECT_TRUE(is_open_after(milliseconds(0)));
  lane.handed_over(1, begin);
  EXPECT_FALSE(is_open_after(milliseconds(0)));
}

TEST_F(LaneTest, ABatchHasNoMoreRecordsThanItMay) {
  for (int i = 0; i < 3; ++i) lane.handed_over(1, begin);
  EXPECT_FALSE(is_open_after(milliseconds(0)));
}

TEST_F(LaneTest, OpensWhenTheLastRecordIsAcknowledged) {
  lane.handed_over(100, begin);
  lane.handed_over(100, begin);
  lane.acknowledged(nullptr);
  EXPECT_FALSE(is_open_after(milliseconds(50)));
  lane.acknowledged(nullptr);
  EXPECT_TRUE(is_open_after(milliseconds(50)));
  lane.handed_over(1, begin + milliseconds(50));
  EXPECT_TRUE(is_open_after(milliseconds(51))) << "a new batch, with a linger of its own";
}

TEST_F(LaneTest, OfASlowStreamWhatWaitedGoesAtOnce) {
  lane.wait(record("k", std::string(18, 'x')), {1}, begin);
  EXPECT_TRUE(is_open_after(milliseconds(0)));
}

TEST_F(LaneTest, OfAFastStreamItGathersUntilItIsWorthARequest) {
  lane.wait(record("k", std::string(19, 'x')), {1}, begin);
  EXPECT_FALSE(is_open_after(milliseconds(9)));
  lane.wait(record("k", std::string(29, 'x')), {2}, begin + milliseconds(9));
  EXPECT_TRUE(is_open_after(milliseconds(9)));
}

TEST_F(LaneTest, TheOldestThatWaitsOpensTheLaneInTheEnd) {
  EXPECT_EQ(lane.opens_at(limits), std::nullopt);
  lane.handed_over(1, begin);
  lane.wait(record("k", std::string(19, 'x')), {1}, begin);
  lane.wait(record("k", ""), {2}, begin + milliseconds(9));
  EXPECT_EQ(lane.opens_at(limits), std::nullopt) << "an acknowledgement is awaited";
  lane.acknowledged(nullptr);
  EXPECT_EQ(lane.opens_at(limits), begin + milliseconds(10));
  EXPECT_FALSE(is_open_after(milliseconds(9)));
  EXPECT_TRUE(is_open_after(milliseconds(10)));
}

TEST_F(LaneTest, AsManyRecordsAsABatchMayHaveAreWorthARequest) {
  for (std::uint64_t i = 0; i < 3; ++i) lane.wait(record("k", "12345678"), {i}, begin);
  EXPECT_TRUE(is_open_after(milliseconds(0)));
}

TEST_F(LaneTest, GivesBackWhatWaitsInItsOrderAndWhole) {
  lane.wait(record("a", "1"), {7}, begin);
  change::Record tombstone = record("b", "ignored");
  tombstone.tombstone = true;
  tombstone.header = "+h";
  lane.wait(tombstone, {8}, begin);
  lane.wait(record("", ""), {9}, begin);
  lane.wait(record("c", "2"), {10}, begin);
  EXPECT_EQ(waiting(), "7:a=1 | 8:b=null+h | 9:= 10:c=2 | ") << "one with a header goes alone";
}

TEST_F(LaneTest, WhatWasLentStaysUntilItIsAcknowledged) {
  const std::string value(kBlockBytes - 2, 'x');
  const auto place_in = [&](Lane& other) {
    other.wait(record("k", value), {1}, begin);
    return other.front(limits, 1)[0].value().data();
  };
  const char* const lent = place_in(lane);
  lane.lent(1, begin);
  Lane second(pool);
  EXPECT_NE(place_in(second), lent);
  lane.acknowledged(lent);
  Lane third(pool);
  EXPECT_EQ(place_in(third), lent);
}

TEST_F(LaneTest, OfATombstoneNothingStaysOnceItWasHandedOver) {
  change::Record tombstone = record(std::string_view(), "ignored");
  const std::string key(kBlockBytes - 1, 'k');
  tombstone.key = key;
  tombstone.tombstone = true;
  lane.wait(tombstone, {1}, begin);
  const char* const place = lane.front(limits, 1)[0].bytes;
  lane.lent(1, begin);
  lane.acknowledged(nullptr);
  Lane other(pool);
  other.wait(tombstone, {2}, begin);
  EXPECT_EQ(other.front(limits, 1)[0].bytes, place);
}

TEST_F(LaneTest, GivesNoMoreAtATimeThanIsAskedFor) {
  for (std::uint64_t i = 1; i <= 5; ++i) lane.wait(record("k", "v"), {i}, begin);
  EXPECT_EQ(waiting(2), "1:k=v 2:k=v | 3:k=v 4:k=v | 5:k=v | ");
}

TEST_F(LaneTest, ALargeRecordGoesAlone) {
  const std::string large(90, 'x');
  lane.wait(record("a", "1"), {1}, begin);
  lane.wait(record("b", large), {2}, begin);
  lane.wait(record("", large), {3}, begin);
  lane.wait(record("c", "2"), {4}, begin);
  EXPECT_EQ(waiting(), "1:a=1 | 2:b=" + large + " | 3:=" + large + " 4:c=2 | ");
}

TEST_F(LaneTest, IsFullWithOneBatchAndTakesAgainWhenItIsGone) {
  lane.wait(record("k", std::string(98, 'x')), {1}, begin);
  EXPECT_FALSE(lane.is_full(limits));
  lane.wait(record("k", ""), {2}, begin);
  EXPECT_TRUE(lane.is_full(limits));
  waiting();
  EXPECT_FALSE(lane.is_full(limits));
  for (std::uint64_t i = 0; i < 3; ++i) lane.wait(record("", ""), {i}, begin);
  EXPECT_TRUE(lane.is_full(limits)) << "as many records as a batch may have";
}

}  // namespace
}  // namespace sluice::kafka
