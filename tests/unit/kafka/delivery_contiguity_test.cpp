#include "sluice/kafka/delivery_contiguity.h"

#include <gtest/gtest.h>

namespace sluice::kafka {
namespace {

pipeline::Delivery at(std::int32_t partition, std::int64_t offset) { return {{1}, 0, partition, offset}; }

class DeliveryContiguityTest : public ::testing::Test {
 protected:
  base::Result<void> observe(std::vector<pipeline::Delivery> deliveries) {
    return contiguity_.observe(deliveries, gaps_);
  }
  DeliveryContiguity contiguity_;
  std::vector<DeliveryGap> gaps_;
};

TEST_F(DeliveryContiguityTest, ConsecutiveOffsetsAreNoGapHoweverPartitionsInterleave) {
  contiguity_.expect(0, 0, 5);
  contiguity_.expect(0, 1, 9);
  ASSERT_TRUE(observe({at(0, 5), at(1, 9), at(0, 6), at(0, 7), at(1, 10)}));
  EXPECT_TRUE(gaps_.empty());
  EXPECT_EQ(contiguity_.next_offset(0, 0), 8);
  EXPECT_EQ(contiguity_.next_offset(0, 1), 11);
}

TEST_F(DeliveryContiguityTest, AGapIsReportedOnceWithItsBounds) {
  contiguity_.expect(0, 0, 5);
  ASSERT_TRUE(observe({at(0, 5)}));
  ASSERT_TRUE(observe({at(0, 9), at(0, 10)}));
  EXPECT_EQ(gaps_, (std::vector<DeliveryGap>{{0, 0, 6, 9}}));
}

TEST_F(DeliveryContiguityTest, AGapRightBehindTheTailIsSeen) {
  contiguity_.expect(0, 0, 5);
  ASSERT_TRUE(observe({at(0, 6)}));
  EXPECT_EQ(gaps_, (std::vector<DeliveryGap>{{0, 0, 5, 6}}));
}

TEST_F(DeliveryContiguityTest, TheControlTopicBelongsToAllPipelines) {
  ASSERT_TRUE(observe({{{1}, change::kControlTopic, 0, 3}, {{1}, change::kControlTopic, 0, 9}}));
  EXPECT_TRUE(gaps_.empty());
}

TEST_F(DeliveryContiguityTest, WithoutATailTheFirstOffsetIsTakenAsItIs) {
  ASSERT_TRUE(observe({at(0, 100), at(0, 101)}));
  EXPECT_TRUE(gaps_.empty());
}

TEST_F(DeliveryContiguityTest, AnUnknownOffsetIsNoGapAndTheNextKnownOneBeginsAnew) {
  contiguity_.expect(0, 0, 5);
  ASSERT_TRUE(observe({at(0, -1)}));
  EXPECT_EQ(contiguity_.next_offset(0, 0), -1);
  ASSERT_TRUE(observe({at(0, 8), at(0, 9)}));
  EXPECT_TRUE(gaps_.empty());
  ASSERT_TRUE(observe({at(0, 11)}));
  EXPECT_EQ(gaps_, (std::vector<DeliveryGap>{{0, 0, 10, 11}}));
}

TEST_F(DeliveryContiguityTest, AnOffsetThatComesAgainMeansThatTheLogLostRecords) {
  contiguity_.expect(0, 0, 5);
  ASSERT_TRUE(observe({at(0, 5), at(0, 6)}));
  const auto result = observe({at(0, 6)});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id, "kafka.log_truncated");
  EXPECT_EQ(result.error().recovery, base::Recovery::Stop);
}

TEST_F(DeliveryContiguityTest, PartitionsOfDifferentTopicsAreDifferent) {
  contiguity_.expect(0, 0, 5);
  contiguity_.expect(1, 0, 7);
  ASSERT_TRUE(observe({{{1}, 1, 0, 7}, {{1}, 0, 0, 5}}));
  EXPECT_TRUE(gaps_.empty());
}

}  // namespace
}  // namespace sluice::kafka
