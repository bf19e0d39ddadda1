// Where a partition is begun (rule K-15).
#include "unit/pipeline/indexing_fixture.h"

using namespace sluice;
using namespace sluice::pipeline;

namespace {

class IndexingBegin : public IndexingTest {
 protected:
  void log_has(Offset begin, Offset end, std::optional<Offset> committed_offset) {
    MemoryTopic::Log& log = topic.logs[kPartition];
    for (Offset i = 0; i < end; ++i) append(std::to_string(i));
    log.begin = begin;
    log.committed = committed_offset;
  }
  void stored(Offset offset, Offset from = 0, std::string topic_id = "memory-topic-id",
              std::vector<std::string> outputs = {"journal:a"}) {
    engine.bookkeeping["g/t-0"] = to_json({kPartition, std::move(topic_id), offset, from, "", std::move(outputs)});
  }
  /// The first offset that was written, or the error.
  std::string begins_at() {
    start();
    for (int i = 0; i < 5; ++i) {
      const auto outcome = indexing->step();
      if (!outcome) return std::string(outcome.error().id);
      now += Milliseconds(10);
    }
    return sent.empty() ? "nothing" : sent.front().substr(2);
  }
  GroupCheckpoint checkpoint_after() {
    for (int i = 0; i < 5; ++i) settle_after(Milliseconds(100));
    return *parse_group_checkpoint(engine.bookkeeping.at("g/t-0"));
  }
};

}  // namespace

TEST_F(IndexingBegin, ANewGroupBeginsWhereTheLogBegins) {
  log_has(2, 9, std::nullopt);
  EXPECT_EQ(begins_at(), "2");
  EXPECT_TRUE(warnings.ids.empty());
  EXPECT_EQ(checkpoint_after().from, 2);
}

TEST_F(IndexingBegin, AKnownGroupGoesOnAtItsOffsetAndKeepsWhereItBegan) {
  log_has(3, 9, 5);
  stored(7, 1);
  EXPECT_EQ(begins_at(), "5");
  EXPECT_TRUE(warnings.ids.empty());
  EXPECT_EQ(checkpoint_after().from, 1);
}

TEST_F(IndexingBegin, ACheckpointBehindTheOffsetIsGoneBackTo) {
  log_has(0, 9, 5);
  stored(3);
  EXPECT_EQ(begins_at(), "3");
  EXPECT_EQ(warnings.ids, (std::vector<std::string>{"es.checkpoint_behind"}));
  EXPECT_EQ(indexing->status().counters.rewinds, 1u);
}

TEST_F(IndexingBegin, AMissingCheckpointGoesBackToTheBegin) {
  log_has(2, 9, 5);
  EXPECT_EQ(begins_at(), "2");
  EXPECT_EQ(warnings.ids, (std::vector<std::string>{"es.checkpoint_behind"}));
  EXPECT_EQ(checkpoint_after().from, 2);
}

TEST_F(IndexingBegin, ACheckpointOfAnEarlierTopicOfThatNameGoesBackToTheBegin) {
  log_has(0, 9, 5);
  stored(5, 0, "another-id");
  EXPECT_EQ(begins_at(), "0");
  EXPECT_EQ(warnings.ids, (std::vector<std::string>{"es.checkpoint_behind"}));
}

TEST_F(IndexingBegin, AnOutputThatWasNotWrittenBeforeGoesBackToTheBegin) {
  log_has(0, 9, 5);
  stored(5, 0, "memory-topic-id", {"journal:other_"});
  EXPECT_EQ(begins_at(), "0");
  EXPECT_EQ(warnings.ids, (std::vector<std::string>{"es.outputs_changed"}));
  EXPECT_EQ(checkpoint_after().outputs, options.outputs);
}

TEST_F(IndexingBegin, AnOutputThatIsNoLongerWrittenChangesNothing) {
  log_has(0, 9, 5);
  stored(5, 0, "memory-topic-id", {"journal:a", "mirror:b"});
  EXPECT_EQ(begins_at(), "5");
}

TEST_F(IndexingBegin, WhatAnOutputHasIsStillThereWhenAnotherOneMakesTheGroupReadAgain) {
  options.outputs = {"journal:a", "mirror:b"};
  log_has(4, 9, 7);
  stored(7, 1, "memory-topic-id", {"mirror:b"});
  EXPECT_EQ(begins_at(), "4");
  const GroupCheckpoint checkpoint = checkpoint_after();
  EXPECT_EQ(checkpoint.from, 4);
  EXPECT_EQ(checkpoint.holds_since("mirror:b"), 1);
  EXPECT_EQ(checkpoint.holds_since("journal:a"), 4);
}

TEST_F(IndexingBegin, WhatWasWrittenIsStillThereWhenTheOffsetsExpired) {
  log_has(4, 9, std::nullopt);
  stored(7, 1);
  EXPECT_EQ(begins_at(), "4");
  EXPECT_EQ(checkpoint_after().holds_since("journal:a"), 1);
}

TEST_F(IndexingBegin, AnOutputThatWasOffMeanwhileBeginsAnew) {
  options.outputs = {"journal:a", "mirror:b"};
  log_has(4, 9, 7);
  engine.bookkeeping["g/t-0"] = to_json({kPartition, "memory-topic-id", 7, 4, "", options.outputs, {{"mirror:b", 1}}});
  options.outputs = {"journal:a"};
  EXPECT_EQ(begins_at(), "7");
  for (int i = 0; i < 5; ++i) settle_after(Milliseconds(100));
  indexing.reset();
  sent.clear();
  options.outputs = {"journal:a", "mirror:b"};
  EXPECT_EQ(begins_at(), "4");
  EXPECT_EQ(checkpoint_after().holds_since("mirror:b"), 4);
}

TEST_F(IndexingBegin, NothingIsStillThereOfAnEarlierTopicOfThatName) {
  log_has(4, 9, 7);
  stored(7, 1, "another-id");
  EXPECT_EQ(begins_at(), "4");
  EXPECT_EQ(checkpoint_after().holds_since("journal:a"), 4);
}

TEST_F(IndexingBegin, RecordsThatRetentionTookBeforeTheyWereIndexedStop) {
  log_has(6, 9, 5);
  stored(5);
  EXPECT_EQ(begins_at(), "kafka.retention_overrun");
}

TEST_F(IndexingBegin, ARestoredSearchEngineThatNeedsWhatRetentionTookStops) {
  log_has(4, 9, 5);
  stored(3);
  EXPECT_EQ(begins_at(), "kafka.retention_overrun");
}

TEST_F(IndexingBegin, AGroupWhoseOffsetsExpiredStopsWhenRecordsAreMissing) {
  log_has(6, 9, std::nullopt);
  stored(5);
  EXPECT_EQ(begins_at(), "kafka.retention_overrun");
}

TEST_F(IndexingBegin, AnUnreadableCheckpointStops) {
  log_has(0, 9, 5);
  engine.bookkeeping["g/t-0"] = "{}";
  EXPECT_EQ(begins_at(), "es.bad_checkpoint");
}

TEST_F(IndexingBegin, ASearchEngineThatIsAwayAtTheStartIsWaitedFor) {
  log_has(0, 9, std::nullopt);
  admin.fails_with = base::Error{Recovery::Retry, "es.unreachable", "away"};
  EXPECT_EQ(begins_at(), "nothing");
  admin.fails_with.reset();
  for (int i = 0; i < 10; ++i) settle_after(Milliseconds(200));
  EXPECT_TRUE(is_written("8"));
}
