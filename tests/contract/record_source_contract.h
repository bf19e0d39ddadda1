// What every RecordSource does. An adapter instantiates it with a factory of places; a place outlives the sources
// opened on it, all in one consumer group.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sluice/pipeline/record_source.h"
#include "sluice/testing/memory_record_source.h"

namespace sluice::testing {

class SourcePlace {
 public:
  static constexpr std::int32_t kPartitions = 2;

  virtual ~SourcePlace() = default;
  virtual std::string topic() const = 0;
  virtual void write(std::int32_t partition, const std::vector<MemoryMessage>& messages) = 0;
  /// Retention: the log of the partition begins here now.
  virtual void trim(std::int32_t partition, pipeline::Offset begin) = 0;
  virtual std::unique_ptr<pipeline::RecordSource> open() = 0;
  /// Another member wants one of the partitions of `source`, which is asked for it before long.
  virtual void demand_one(pipeline::RecordSource& source) = 0;
};

class RecordSourceContract : public ::testing::TestWithParam<std::function<std::unique_ptr<SourcePlace>()>> {
 protected:
  using Event = std::optional<pipeline::SourceEvent>;

  pipeline::Partition partition(std::int32_t number) const { return {place_->topic(), number}; }

  void write(std::int32_t number, int count) {
    std::vector<MemoryMessage> messages;
    for (int i = 0; i < count; ++i)
      messages.push_back({"k" + std::to_string(i), std::to_string(written_[number]++), "", 0});
    place_->write(number, messages);
  }

  void open() { source_ = place_->open(); }

  Event next_within(pipeline::RecordSource& source, std::chrono::milliseconds patience) {
    const base::Deadline deadline = base::Clock::now() + patience;
    while (base::Clock::now() < deadline) {
      auto event = source.next();
      if (!event) {
        failure_ = event.error();
        return std::nullopt;
      }
      if (*event) return std::move(*event);
      const pipeline::Wait wait = source.waits_for();
      pollfd descriptor{wait.fd, wait.events, 0};
      const bool now = wait.deadline && *wait.deadline <= base::Clock::now();
      ::poll(&descriptor, 1, now ? 0 : 50);
    }
    return std::nullopt;
  }
  Event next(std::chrono::milliseconds patience = std::chrono::seconds(30)) { return next_within(*source_, patience); }

  pipeline::Assigned assigned() {
    Event event = next();
    if (event && std::holds_alternative<pipeline::Assigned>(*event))
      return std::get<pipeline::Assigned>(std::move(*event));
    ADD_FAILURE() << "no Assigned" << (failure_ ? ": " + failure_->message : "");
    return {};
  }

  void begin_all() {
    for (const auto& start : assigned().partitions) {
      const auto begun = source_->begin(start.partition, start.committed.value_or(start.begin));
      ASSERT_TRUE(begun) << begun.error().message;
    }
  }

  /// Values by partition, until `count` have been read.
  std::map<std::int32_t, std::vector<std::string>> read(std::size_t count) {
    std::map<std::int32_t, std::vector<std::string>> values;
    std::size_t total = 0;
    while (total < count) {
      Event event = next();
      if (!event) break;
      const auto* batch = std::get_if<pipeline::ConsumedBatchPtr>(&*event);
      if (batch == nullptr) {
        ADD_FAILURE() << "an event that is no batch";
        break;
      }
      for (const auto& record : (*batch)->records()) values[(*batch)->partition().number].emplace_back(record.value);
      total += (*batch)->records().size();
    }
    EXPECT_GE(total, count) << (failure_ ? failure_->message : "");
    return values;
  }

  static std::vector<std::string> numbers(int begin, int end) {
    std::vector<std::string> all;
    for (int i = begin; i < end; ++i) all.push_back(std::to_string(i));
    return all;
  }

  std::unique_ptr<SourcePlace> place_ = GetParam()();
  std::unique_ptr<pipeline::RecordSource> source_;
  std::map<std::int32_t, int> written_;
  std::optional<base::Error> failure_;
};

TEST_P(RecordSourceContract, AssignedTellsTheBoundsAndThatNothingWasCommitted) {
  write(0, 5);
  open();
  const pipeline::Assigned all = assigned();
  ASSERT_EQ(all.partitions.size(), 2U);
  for (const auto& start : all.partitions) {
    EXPECT_EQ(start.partition.topic, place_->topic());
    EXPECT_EQ(start.committed, std::nullopt);
    EXPECT_EQ(start.begin, 0);
    EXPECT_EQ(start.end, start.partition.number == 0 ? 5 : 0);
    EXPECT_FALSE(start.topic_id.empty());
  }
}

TEST_P(RecordSourceContract, EachPartitionIsReadInOrderFromWhereItWasBegun) {
  write(0, 500);
  write(1, 300);
  open();
  ASSERT_NO_FATAL_FAILURE(begin_all());
  auto values = read(800);
  EXPECT_EQ(values[0], numbers(0, 500));
  EXPECT_EQ(values[1], numbers(0, 300));
  write(0, 10);
  EXPECT_EQ(read(10)[0], numbers(500, 510));
}

TEST_P(RecordSourceContract, BeginMayNameAnyOffsetOfTheLog) {
  write(0, 10);
  write(1, 10);
  open();
  for (const auto& start : assigned().partitions)
    ASSERT_TRUE(source_->begin(start.partition, start.partition.number == 0 ? 7 : 10));
  EXPECT_EQ(read(3)[0], numbers(7, 10));
  write(1, 1);
  EXPECT_EQ(read(1)[1], numbers(10, 11));
}

TEST_P(RecordSourceContract, ARecordHasItsParts) {
  place_->write(0, {{"key", "value", "\x01 header", 0}, {"gone", std::nullopt, "", 0}});
  open();
  ASSERT_NO_FATAL_FAILURE(begin_all());
  std::vector<pipeline::ConsumedBatchPtr> batches;
  std::vector<pipeline::ConsumedRecord> records;
  while (records.size() < 2) {
    Event event = next();
    ASSERT_TRUE(event);
    batches.push_back(std::get<pipeline::ConsumedBatchPtr>(std::move(*event)));
    records.insert(records.end(), batches.back()->records().begin(), batches.back()->records().end());
  }
  EXPECT_EQ(records[0].offset, 0);
  EXPECT_EQ(records[0].key, "key");
  EXPECT_EQ(records[0].value, "value");
  EXPECT_EQ(records[0].header, "\x01 header");
  EXPECT_FALSE(records[0].tombstone);
  EXPECT_EQ(records[1].offset, 1);
  EXPECT_TRUE(records[1].tombstone);
  EXPECT_EQ(records[1].header, "");
  EXPECT_GE(batches.front()->bytes + (batches.size() > 1 ? batches[1]->bytes : 0), 12U) << "keys and values";
}

TEST_P(RecordSourceContract, WhatWasFinishedAndCommittedIsWhereTheNextOneBegins) {
  write(0, 10);
  open();
  ASSERT_NO_FATAL_FAILURE(begin_all());
  read(10);
  ASSERT_TRUE(source_->finish(partition(0), 6));
  const auto committed = source_->commit();
  ASSERT_TRUE(committed) << committed.error().message;
  source_.reset();
  open();
  for (const auto& start : assigned().partitions) {
    EXPECT_EQ(start.committed, start.partition.number == 0 ? std::optional<pipeline::Offset>(6) : std::nullopt);
    ASSERT_TRUE(source_->begin(start.partition, start.committed.value_or(start.begin)));
  }
  EXPECT_EQ(read(4)[0], numbers(6, 10));
}

TEST_P(RecordSourceContract, WhatWasReadButNotFinishedIsReadAgain) {
  write(0, 10);
  open();
  ASSERT_NO_FATAL_FAILURE(begin_all());
  read(10);
  ASSERT_TRUE(source_->commit());
  source_.reset();
  open();
  ASSERT_NO_FATAL_FAILURE(begin_all());
  EXPECT_EQ(read(10)[0], numbers(0, 10));
}

TEST_P(RecordSourceContract, APausedPartitionGivesNothingUntilItIsResumed) {
  open();
  ASSERT_NO_FATAL_FAILURE(begin_all());
  ASSERT_TRUE(source_->pause(partition(0)));
  write(0, 20);
  write(1, 20);
  EXPECT_EQ(read(20)[1], numbers(0, 20));
  EXPECT_FALSE(next(std::chrono::milliseconds(300)));
  ASSERT_TRUE(source_->resume(partition(0)));
  EXPECT_EQ(read(20)[0], numbers(0, 20));
}

TEST_P(RecordSourceContract, PausedInTheMiddleItGoesOnWhereItStopped) {
  write(0, 5'000);
  open();
  ASSERT_NO_FATAL_FAILURE(begin_all());
  std::vector<std::string> values;
  while (values.size() < 5'000) {
    Event event = next();
    ASSERT_TRUE(event) << values.size();
    const auto& batch = std::get<pipeline::ConsumedBatchPtr>(*event);
    for (const auto& record : batch->records()) values.emplace_back(record.value);
    ASSERT_TRUE(source_->pause(partition(0)));
    for (int i = 0; i < 3; ++i) {
      const auto held_back = source_->next();
      ASSERT_TRUE(held_back);
      ASSERT_FALSE(*held_back) << "a batch of a paused partition";
    }
    ASSERT_TRUE(source_->resume(partition(0)));
  }
  EXPECT_EQ(values, numbers(0, 5'000));
}

TEST_P(RecordSourceContract, WhatRetentionHasTakenIsAnErrorAndNoJump) {
  write(0, 10);
  open();
  ASSERT_NO_FATAL_FAILURE(begin_all());
  ASSERT_TRUE(source_->finish(partition(0), 2));
  ASSERT_TRUE(source_->commit());
  source_.reset();
  place_->trim(0, 5);
  open();
  for (const auto& start : assigned().partitions) {
    if (start.partition.number != 0) continue;
    EXPECT_EQ(start.begin, 5);
    const auto begun = source_->begin(start.partition, *start.committed);
    ASSERT_FALSE(begun);
    EXPECT_EQ(begun.error().id, "kafka.retention_overrun");
    EXPECT_EQ(begun.error().recovery, base::Recovery::Stop);
  }
}

TEST_P(RecordSourceContract, AnOffsetBehindTheEndIsAnError) {
  write(0, 3);
  open();
  for (const auto& start : assigned().partitions) {
    if (start.partition.number != 0) continue;
    const auto begun = source_->begin(start.partition, 4);
    ASSERT_FALSE(begun);
    EXPECT_EQ(begun.error().id, "kafka.log_truncated");
  }
}

TEST_P(RecordSourceContract, APartitionThatIsTakenAwayGivesNothingMoreAndIsReleased) {
  open();
  ASSERT_NO_FATAL_FAILURE(begin_all());
  place_->demand_one(*source_);
  std::optional<pipeline::Revoked> revoked;
  while (!revoked) {
    Event event = next();
    ASSERT_TRUE(event) << (failure_ ? failure_->message : "nothing was taken away");
    if (auto* told = std::get_if<pipeline::Revoked>(&*event)) revoked = *told;
  }
  ASSERT_EQ(revoked->partitions.size(), 1U);
  const std::int32_t gone = revoked->partitions[0].number;
  write(gone, 5);
  write(1 - gone, 5);
  // Until the answer a source may hold back the others, too; of the one that goes nothing may come.
  Event event = next(std::chrono::milliseconds(300));
  if (event) {
    ASSERT_TRUE(std::holds_alternative<pipeline::ConsumedBatchPtr>(*event));
    ASSERT_NE(std::get<pipeline::ConsumedBatchPtr>(*event)->partition().number, gone);
  }
  ASSERT_TRUE(source_->finish(partition(gone), 0));
  ASSERT_TRUE(source_->commit());
  ASSERT_TRUE(source_->release(revoked->partitions));
  event.reset();
  write(1 - gone, 5);
  EXPECT_GE(read(5)[1 - gone].size(), 5U);
}

}  // namespace sluice::testing
