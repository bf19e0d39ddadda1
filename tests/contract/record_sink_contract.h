// What every RecordSink does. An adapter instantiates it with a factory of places; a place outlives the sinks opened on
// it and can read, by other means than the adapter's, what has become durable.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sluice/pipeline/record_sink.h"
#include "sluice/testing/memory_record_sink.h"

namespace sluice::testing {

class SinkPlace {
 public:
  static constexpr std::int32_t kPartitions = 3;

  virtual ~SinkPlace() = default;
  /// A sink with one topic, index 0, of kPartitions; it says Full somewhere between 10 and 2,000 records.
  virtual std::unique_ptr<pipeline::RecordSink> open() = 0;
  /// Makes the sink fail as a peer would.
  virtual void spoil(pipeline::RecordSink& sink) = 0;
  /// Kind and id are not kept by every broker and not filled in.
  virtual std::vector<StoredRecord> stored(std::int32_t partition) = 0;
};

class RecordSinkContract : public ::testing::TestWithParam<std::function<std::unique_ptr<SinkPlace>()>> {
 protected:
  static change::Record record(std::int32_t partition, std::string_view key, std::string_view value) {
    change::Record record;
    record.partition = partition;
    record.key = key;
    record.value = value;
    return record;
  }

  void send(const change::Record& record, std::uint64_t ticket) {
    const auto status = sink_->send(record, {ticket});
    ASSERT_TRUE(status) << status.error().message;
    ASSERT_EQ(*status, pipeline::SendStatus::Accepted);
  }

  /// Waits as the pipeline's thread does, until `count` deliveries have come.
  std::vector<pipeline::Delivery> deliveries(std::size_t count) {
    std::vector<pipeline::Delivery> all;
    const base::Deadline deadline = base::Clock::now() + std::chrono::seconds(20);
    while (all.size() < count && base::Clock::now() < deadline) {
      const auto some = sink_->deliveries();
      if (!some) {
        ADD_FAILURE() << some.error().message;
        return all;
      }
      all.insert(all.end(), some->begin(), some->end());
      const pipeline::Wait wait = sink_->waits_for();
      pollfd descriptor{wait.fd, wait.events, 0};
      if (all.size() < count) ::poll(&descriptor, 1, wait.deadline ? 0 : 200);
    }
    EXPECT_EQ(all.size(), count);
    return all;
  }

  std::unique_ptr<SinkPlace> place_ = GetParam()();
  std::unique_ptr<pipeline::RecordSink> sink_ = place_->open();
};

TEST_P(RecordSinkContract, NothingSentMeansNothingDelivered) {
  const auto none = sink_->deliveries();
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_TRUE(none->empty());
  EXPECT_EQ(sink_->in_flight_records(), 0U);
}

TEST_P(RecordSinkContract, ADeliveryNamesTicketTopicPartitionAndOffset) {
  ASSERT_NO_FATAL_FAILURE(send(record(2, "k", "v"), 41));
  const auto delivered = deliveries(1);
  ASSERT_EQ(delivered.size(), 1U);
  EXPECT_EQ(delivered[0].ticket.value, 41U);
  EXPECT_EQ(delivered[0].topic, 0U);
  EXPECT_EQ(delivered[0].partition, 2);
  EXPECT_EQ(delivered[0].offset, 0);
}

TEST_P(RecordSinkContract, TheControlTopicIsNamedInItsDeliveries) {
  change::Record control = record(0, "epoch:p", "{}");
  control.topic = change::kControlTopic;
  ASSERT_NO_FATAL_FAILURE(send(control, 1));
  const auto delivered = deliveries(1);
  ASSERT_EQ(delivered.size(), 1U);
  EXPECT_EQ(delivered[0].topic, change::kControlTopic);
}

TEST_P(RecordSinkContract, KeyValueAndHeaderAreStoredByteForByte) {
  change::Record with_header = record(0, "public.t:[\"ä\",\"1\"]", "{\"a\":\"\\u0000 b\"}");
  with_header.header = std::string_view("\x01\x02 x", 4);
  ASSERT_NO_FATAL_FAILURE(send(with_header, 1));
  change::Record tombstone = record(0, "gone", "");
  tombstone.tombstone = true;
  ASSERT_NO_FATAL_FAILURE(send(tombstone, 2));
  ASSERT_NO_FATAL_FAILURE(send(record(0, "empty", ""), 3));
  deliveries(3);
  const auto stored = place_->stored(0);
  ASSERT_EQ(stored.size(), 3U);
  EXPECT_EQ(stored[0].key, with_header.key);
  EXPECT_EQ(stored[0].value, with_header.value);
  EXPECT_EQ(stored[0].header, with_header.header);
  EXPECT_EQ(stored[1].value, std::nullopt);
  EXPECT_EQ(stored[1].header, "");
  EXPECT_EQ(stored[2].value, "");
}

TEST_P(RecordSinkContract, TheSinkKeepsItsOwnCopy) {
  std::string value = "before";
  ASSERT_NO_FATAL_FAILURE(send(record(0, "k", value), 1));
  value = "after!";
  deliveries(1);
  ASSERT_EQ(place_->stored(0).size(), 1U);
  EXPECT_EQ(place_->stored(0)[0].value, "before");
}

TEST_P(RecordSinkContract, EachPartitionKeepsTheOrderOfSending) {
  constexpr std::uint64_t kRecords = 3'000;
  std::multiset<std::uint64_t> tickets;
  std::map<std::int32_t, std::int64_t> next_offset;
  std::uint64_t sent = 0;
  const auto take = [&](const std::vector<pipeline::Delivery>& some) {
    for (const auto& delivery : some) {
      tickets.insert(delivery.ticket.value);
      EXPECT_EQ(delivery.offset, next_offset[delivery.partition]++);
    }
  };
  while (sent < kRecords) {
    const auto status = sink_->send(record(static_cast<std::int32_t>(sent % 3), "k", std::to_string(sent)), {sent});
    ASSERT_TRUE(status) << status.error().message;
    if (*status == pipeline::SendStatus::Accepted)
      ++sent;
    else
      take(deliveries(1 * sink_->in_flight_records()));
  }
  take(deliveries(kRecords - tickets.size()));
  EXPECT_EQ(tickets.size(), kRecords);
  EXPECT_EQ((std::set<std::uint64_t>(tickets.begin(), tickets.end()).size()), kRecords);
  for (std::int32_t partition = 0; partition < 3; ++partition) {
    const auto stored = place_->stored(partition);
    ASSERT_EQ(stored.size(), kRecords / 3);
    for (std::size_t i = 0; i < stored.size(); ++i)
      ASSERT_EQ(stored[i].value, std::to_string(i * 3 + static_cast<std::size_t>(partition)));
  }
}

TEST_P(RecordSinkContract, WhatIsInFlightIsCountedUntilItIsDelivered) {
  ASSERT_NO_FATAL_FAILURE(send(record(0, "key", "value"), 1));
  ASSERT_NO_FATAL_FAILURE(send(record(1, "key", "value!"), 2));
  EXPECT_EQ(sink_->in_flight_records(), 2U);
  EXPECT_EQ(sink_->in_flight_bytes(), 17U);
  deliveries(2);
  EXPECT_EQ(sink_->in_flight_records(), 0U);
  EXPECT_EQ(sink_->in_flight_bytes(), 0U);
}

TEST_P(RecordSinkContract, AFullSinkTakesNothingAndTakesAgainLater) {
  std::uint64_t accepted = 0;
  while (accepted < 10'000) {
    const auto status = sink_->send(record(0, "k", "v"), {accepted});
    ASSERT_TRUE(status) << status.error().message;
    if (*status == pipeline::SendStatus::Full) break;
    ++accepted;
  }
  ASSERT_LT(accepted, 10'000U);
  EXPECT_EQ(sink_->in_flight_records(), accepted);
  deliveries(accepted);
  ASSERT_NO_FATAL_FAILURE(send(record(0, "k", "v"), accepted));
  deliveries(1);
  EXPECT_EQ(place_->stored(0).size(), accepted + 1);
}

TEST_P(RecordSinkContract, AfterAFailureItStaysFailed) {
  place_->spoil(*sink_);
  const auto sent = sink_->send(record(0, "k", "v"), {1});
  ASSERT_FALSE(sent);
  const auto delivered = sink_->deliveries();
  ASSERT_FALSE(delivered);
  EXPECT_EQ(delivered.error().id, sent.error().id);
}

TEST_P(RecordSinkContract, ADestroyedSinkDoesNotWaitAndANewOneGoesOnBehindIt) {
  ASSERT_NO_FATAL_FAILURE(send(record(0, "k", "1"), 1));
  deliveries(1);
  sink_ = place_->open();
  ASSERT_NO_FATAL_FAILURE(send(record(0, "k", "2"), 1));
  const auto delivered = deliveries(1);
  ASSERT_EQ(delivered.size(), 1U);
  EXPECT_EQ(delivered[0].offset, 1);
}

}  // namespace sluice::testing
