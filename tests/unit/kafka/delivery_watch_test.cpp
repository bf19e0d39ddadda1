#include "sluice/kafka/delivery_watch.h"

#include <gtest/gtest.h>

#include "sluice/testing/memory_record_sink.h"

namespace sluice::kafka {
namespace {

class DeliveryWatchTest : public ::testing::Test {
 protected:
  void append_by_another(std::size_t count) {
    auto& log = broker_.logs[{0, 0}];
    log.resize(log.size() + count);
  }
  void send() {
    change::Record record;
    record.key = "k";
    ASSERT_TRUE(watch_.send(record, {++tickets_}));
  }

  testing::MemoryBroker broker_;
  testing::MemoryRecordSink sink_{broker_, testing::Pace::Immediate};
  DeliveryWatch watch_{sink_};
  std::uint64_t tickets_ = 0;
};

TEST_F(DeliveryWatchTest, WhatTheSinkDeliversIsPassedOn) {
  send();
  EXPECT_EQ(watch_.in_flight_records(), 1U);
  EXPECT_EQ(watch_.in_flight_bytes(), 1U);
  const auto delivered = watch_.deliveries();
  ASSERT_TRUE(delivered);
  ASSERT_EQ(delivered->size(), 1U);
  EXPECT_EQ((*delivered)[0].ticket.value, 1U);
}

TEST_F(DeliveryWatchTest, BeforeItBeginsNothingIsAGap) {
  send();
  ASSERT_TRUE(watch_.deliveries());
  append_by_another(5);
  send();
  ASSERT_TRUE(watch_.deliveries());
  EXPECT_TRUE(watch_.take_gaps().empty());
}

TEST_F(DeliveryWatchTest, AGapIsGivenOnce) {
  watch_.begin({{0}});
  append_by_another(2);
  send();
  ASSERT_TRUE(watch_.deliveries());
  EXPECT_EQ(watch_.take_gaps(), (std::vector<DeliveryGap>{{0, 0, 0, 2}}));
  EXPECT_TRUE(watch_.take_gaps().empty());
}

TEST_F(DeliveryWatchTest, ASecondBeginDoesNotForgetWhatIsKnown) {
  watch_.begin({{0}});
  send();
  ASSERT_TRUE(watch_.deliveries());
  append_by_another(1);
  watch_.begin({{7}});
  send();
  ASSERT_TRUE(watch_.deliveries());
  EXPECT_EQ(watch_.take_gaps(), (std::vector<DeliveryGap>{{0, 0, 1, 2}}));
}

TEST_F(DeliveryWatchTest, AnOffsetThatComesTwiceIsAnErrorOfTheSinkAndNothingIsDelivered) {
  watch_.begin({{0}});
  send();
  ASSERT_TRUE(watch_.deliveries());
  EXPECT_FALSE(watch_.has_seen_loss());
  broker_.logs.clear();
  send();
  const auto delivered = watch_.deliveries();
  ASSERT_FALSE(delivered);
  EXPECT_TRUE(watch_.has_seen_loss());
  EXPECT_EQ(delivered.error().id, "kafka.log_truncated");
  EXPECT_EQ(delivered.error().recovery, base::Recovery::Stop);
  ASSERT_TRUE(watch_.deliveries());
  EXPECT_TRUE(watch_.has_seen_loss()) << "whoever asks once more has not got it back";
}

}  // namespace
}  // namespace sluice::kafka
