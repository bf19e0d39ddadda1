#include "sluice/pipeline/indexing.h"

#include "unit/pipeline/indexing_fixture.h"

using namespace sluice;
using namespace sluice::pipeline;

TEST_F(IndexingTest, WritesStoresAndCommits) {
  append("1");
  append("2");
  start();
  for (int i = 0; i < 3; ++i) settle_after(Milliseconds(100));
  EXPECT_TRUE(is_written("1") && is_written("2"));
  EXPECT_EQ(committed(), 2);
  const auto stored = parse_group_checkpoint(engine.bookkeeping.at("g/t-0"));
  EXPECT_EQ(stored->offset, 2);
  EXPECT_EQ(stored->from, 0);
  EXPECT_EQ(stored->last_id, "2");
  EXPECT_EQ(stored->topic_id, topic.id);
  EXPECT_GE(maker.checkpoints, 1);
}

TEST_F(IndexingTest, StoresTheBeginOfAPartitionThatHasNoRecords) {
  start();
  settle_after(Milliseconds(100));
  EXPECT_EQ(parse_group_checkpoint(engine.bookkeeping.at("g/t-0"))->offset, 0);
}

TEST_F(IndexingTest, SendsOnlyRefusedItemsAgainAfterABackOff) {
  append("1");
  append("2");
  answers["b/1"] = ItemOutcome::Retry;
  start();
  settle();
  settle_after(Milliseconds(10));
  EXPECT_EQ(sent, (std::vector<std::string>{"a/1", "b/1", "a/2", "b/2"}));
  sent.clear();
  answers.clear();
  settle_after(Milliseconds(90));
  EXPECT_TRUE(sent.empty()) << "the first wait is between 100 and 200 ms";
  EXPECT_EQ(partition_status().finished, 0);
  settle_after(Milliseconds(110));
  settle_after(Milliseconds(10));
  EXPECT_EQ(sent, (std::vector<std::string>{"b/1"}));
  EXPECT_EQ(partition_status().finished, 2);
}

TEST_F(IndexingTest, PausesAPartitionWhoseItemsWereRefusedAndResumesIt) {
  append("1");
  answers["b/1"] = ItemOutcome::Retry;
  start();
  settle();
  settle_after(Milliseconds(10));
  EXPECT_TRUE(partition_status().paused);
  append("2");
  settle_after(Milliseconds(50));
  EXPECT_EQ(partition_status().read, 1);
  EXPECT_EQ(warnings.ids, std::vector<std::string>{"es.overloaded"}) << "once, though it was refused more than once";
  answers.clear();
  settle_after(Milliseconds(200));
  settle_after(Milliseconds(10));
  settle_after(Milliseconds(10));
  EXPECT_FALSE(partition_status().paused);
  EXPECT_TRUE(is_written("2"));
}

TEST_F(IndexingTest, SaysThatDocumentsAreRefusedWhenNothingWasFinishedForTenSeconds) {
  append("1");
  answers["b/1"] = ItemOutcome::Retry;
  start();
  settle();
  settle_after(Milliseconds(10));
  for (int i = 0; i < 99; ++i) settle_after(Milliseconds(100));
  EXPECT_FALSE(indexing->status().refusal);
  for (int i = 0; i < 20; ++i) {
    settle_after(Milliseconds(100));
    const auto refusal = indexing->status().refusal;
    ASSERT_TRUE(refusal) << "also while it is tried again";
    EXPECT_EQ(refusal->id, "es.overloaded");
    EXPECT_NE(refusal->message.find("es_type"), std::string::npos) << refusal->message;
  }
  EXPECT_FALSE(indexing->status().away);
  answers.clear();
  for (int i = 0; i < 20; ++i) settle_after(Milliseconds(100));
  EXPECT_FALSE(indexing->status().refusal);
  EXPECT_EQ(committed(), 1);
}

TEST_F(IndexingTest, SaysThatAnIndexIsReadOnlyThoughOthersAreNot) {
  error_type = "cluster_block_exception";
  for (int i = 0; i < 150; ++i) {
    append(std::to_string(i));
    answers["b/" + std::to_string(i)] = ItemOutcome::Retry;
  }
  options.max_bulk_actions = 2;
  start();
  for (int i = 0; i < 120; ++i) settle_after(Milliseconds(100));
  EXPECT_TRUE(engine.find("a", "0"));
  ASSERT_TRUE(indexing->status().refusal);
  EXPECT_EQ(indexing->status().refusal->id, "es.blocked");
  EXPECT_NE(indexing->status().refusal->message.find("free disk space"), std::string::npos);
}

TEST_F(IndexingTest, SaysNothingOfRefusalsWhileRecordsGetFinished) {
  start();
  for (int i = 0; i < 60; ++i) {
    const std::string id = std::to_string(i);
    append(id);
    answers["b/" + id] = ItemOutcome::Retry;
    for (int wait = 0; wait < 4; ++wait) settle_after(Milliseconds(100));
    answers.erase("b/" + id);
    EXPECT_FALSE(indexing->status().refusal) << i;
  }
  EXPECT_GT(partition_status().finished, 50);
}

TEST_F(IndexingTest, SaysNothingOfRefusalsWhileTheDeadLettersAreAway) {
  append("1");
  answers["a/1"] = ItemOutcome::Retry;
  letters.fails = true;
  start();
  for (int i = 0; i < 5; ++i) settle_after(Milliseconds(100));
  answers["a/1"] = ItemOutcome::Rejected;
  for (int i = 0; i < 120; ++i) settle_after(Milliseconds(100));
  EXPECT_EQ(partition_status().finished, 0);
  EXPECT_FALSE(indexing->status().refusal);
  ASSERT_TRUE(indexing->status().letters) << "nor is it passed over in silence";
  EXPECT_EQ(indexing->status().letters->id, "kafka.dlq_failed");
  letters.fails = false;
  for (int i = 0; i < 15; ++i) settle_after(Milliseconds(100));
  EXPECT_FALSE(indexing->status().letters);
  EXPECT_EQ(partition_status().finished, 1);
}

TEST_F(IndexingTest, ALetterThatTakesItsWholeTimeOutLeavesAPauseInWhichOthersAreWritten) {
  topic.logs[kOther];
  append("bad");
  for (int i = 0; i < 50; ++i) append(std::to_string(i), kOther);
  letters.fails = true;
  letters.takes_time = [this] { now += Milliseconds(30'000); };
  start();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(indexing->step());
  EXPECT_EQ(letters.attempts, 1) << "the next one is due after the pause, not at once";
  EXPECT_TRUE(is_written("49"));
}

TEST_F(IndexingTest, ASweepThatIsRefusedHoldsUpItsOwnPartitionAndNoOther) {
  topic.logs[kOther];
  append("sweep");
  start();
  sink->refuses_sweeps = true;
  for (int i = 0; i < 120; ++i) {
    append(std::to_string(i), kOther);
    settle_after(Milliseconds(100));
    EXPECT_FALSE(indexing->status().away) << i;
  }
  EXPECT_TRUE(is_written("118"));
  EXPECT_LT(indexing->status().counters.sweeps, 25u) << "it is tried again with growing waits";
  ASSERT_TRUE(indexing->status().refusal);
  EXPECT_EQ(indexing->status().refusal->id, "es.overloaded");
  sink->refuses_sweeps = false;
  for (int i = 0; i < 15; ++i) settle_after(Milliseconds(100));
  EXPECT_EQ(committed(), 1);
}

TEST_F(IndexingTest, WhatCannotBePreparedIsAskedForOnceForAllPartitions) {
  topic.logs[kOther];
  append("1");
  append("2", kOther);
  maker.misses = true;
  maker.takes_time = [this] { now += Milliseconds(30'000); };
  start();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(indexing->step());
  EXPECT_EQ(maker.preparations, 1);
  maker.misses = false;
  for (int i = 0; i < 15; ++i) settle_after(Milliseconds(100));
  EXPECT_TRUE(is_written("1") && is_written("2"));
}

TEST_F(IndexingTest, SaysAwayAndNotRefusedWhenTheSearchEngineWentAwayMeanwhile) {
  append("1");
  answers["b/1"] = ItemOutcome::Retry;
  start();
  settle();
  settle_after(Milliseconds(10));
  sink->fate = [](std::uint64_t) { return Fate::LostBeforeApplied; };
  for (int i = 0; i < 120; ++i) settle_after(Milliseconds(100));
  EXPECT_TRUE(indexing->status().away);
  EXPECT_FALSE(indexing->status().refusal);
}

TEST_F(IndexingTest, CommitsNothingBeyondAnUnfinishedRecord) {
  for (const char* id : {"1", "2", "3"}) append(id);
  answers["a/2"] = ItemOutcome::Retry;
  start();
  for (int i = 0; i < 5; ++i) settle_after(Milliseconds(50));
  EXPECT_EQ(committed(), 1);
}

TEST_F(IndexingTest, PutsARejectedRecordAmongTheDeadLettersOnce) {
  append("1");
  answers["a/1"] = ItemOutcome::Rejected;
  answers["b/1"] = ItemOutcome::Rejected;
  start();
  for (int i = 0; i < 4; ++i) settle_after(Milliseconds(50));
  ASSERT_EQ(letters.letters.size(), 1u);
  EXPECT_EQ(letters.letters[0].partition, kPartition);
  EXPECT_EQ(letters.letters[0].record.offset, 0);
  EXPECT_EQ(letters.letters[0].id, "1");
  EXPECT_EQ(letters.letters[0].error_type, "es_type");
  EXPECT_EQ(letters.letters[0].error_reason, "reason");
  EXPECT_EQ(letters.letters[0].attempts, 1u);
  EXPECT_EQ(committed(), 1);
}

TEST_F(IndexingTest, PutsARecordThatCannotBeMadeAmongTheDeadLetters) {
  append("bad");
  append("2");
  start();
  for (int i = 0; i < 4; ++i) settle_after(Milliseconds(50));
  ASSERT_EQ(letters.letters.size(), 1u);
  EXPECT_EQ(letters.letters[0].error_type, "codec.bad_envelope");
  EXPECT_EQ(committed(), 2);
}

TEST_F(IndexingTest, KeepsTheOffsetUntilTheDeadLetterIsAcknowledged) {
  append("bad");
  letters.fails = true;
  start();
  for (int i = 0; i < 10; ++i) settle_after(Milliseconds(100));
  EXPECT_EQ(committed().value_or(0), 0);
  letters.fails = false;
  for (int i = 0; i < 15; ++i) settle_after(Milliseconds(100));
  EXPECT_EQ(committed(), 1);
}

TEST_F(IndexingTest, StopsWithoutMovingTheOffsetWhenADeadLetterCanNeverBeWritten) {
  append("bad");
  letters.refuses = true;
  start();
  base::Result<StepOutcome> outcome = StepOutcome::Busy;
  for (int i = 0; i < 10 && outcome; ++i) outcome = indexing->step();
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().id, "kafka.dead_letter_too_large");
  EXPECT_EQ(outcome.error().recovery, Recovery::Stop);
  EXPECT_EQ(committed().value_or(0), 0);
}

TEST_F(IndexingTest, StopsWhenTooManyRecordsAreRejectedWithinAMinute) {
  options.max_rejected_per_minute = 2;
  for (int i = 0; i < 3; ++i) append("bad");
  start();
  base::Result<StepOutcome> outcome = StepOutcome::Busy;
  for (int i = 0; i < 10 && outcome; ++i) outcome = indexing->step();
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().id, "es.too_many_rejected");
  EXPECT_EQ(outcome.error().recovery, Recovery::Stop);
}

TEST_F(IndexingTest, GoesOnWhenRejectionsAreSpreadOverMinutes) {
  options.max_rejected_per_minute = 2;
  start();
  for (int i = 0; i < 6; ++i) {
    append("bad");
    settle_after(Milliseconds(31'000));
  }
  EXPECT_EQ(letters.letters.size(), 6u);
}

TEST_F(IndexingTest, SendsAFullBulkAtOnceAndALonelyDocumentWhenItIsOld) {
  options.max_bulk_actions = 4;
  for (const char* id : {"1", "2", "3"}) append(id);
  start();
  settle();
  EXPECT_EQ(sent.size(), 4u);
  settle_after(Milliseconds(9));
  EXPECT_EQ(sent.size(), 4u);
  settle_after(Milliseconds(1));
  EXPECT_EQ(sent.size(), 6u);
}

TEST_F(IndexingTest, SendsABulkThatHasItsBytes) {
  options.max_bulk_bytes = 11;  // a record makes two documents of "a" + id + "{}"
  for (const char* id : {"11", "22", "33"}) append(id);
  start();
  settle();
  EXPECT_EQ(sent.size(), 4u);
}

TEST_F(IndexingTest, KeepsSeveralBulksInFlight) {
  options.max_bulk_actions = 2;
  for (const char* id : {"1", "2", "3"}) append(id);
  start();
  sink->fate = [](std::uint64_t) { return Fate::Waits; };
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(indexing->step().has_value());
  EXPECT_EQ(indexing->status().bulks_in_flight, 2u);
  sink->fate = [](std::uint64_t) { return Fate::Answered; };
  settle_after(Milliseconds(10));
  EXPECT_TRUE(is_written("3"));
}

TEST_F(IndexingTest, SendsAnUnknownBulkAgainAndIsNotAwayForEver) {
  start();
  settle_after(Milliseconds(100));
  append("1");
  sink->fate = [](std::uint64_t) { return Fate::LostAfterApplied; };
  settle();
  settle_after(Milliseconds(10));
  EXPECT_TRUE(indexing->status().away);
  EXPECT_TRUE(partition_status().paused);
  EXPECT_EQ(warnings.ids, (std::vector<std::string>{"es.unreachable"}));
  settle_after(Milliseconds(400));
  settle_after(Milliseconds(50));
  EXPECT_EQ(warnings.ids.size(), 1u) << "an outage is told once";
  sink->fate = [](std::uint64_t) { return Fate::Answered; };
  for (int i = 0; i < 30; ++i) settle_after(Milliseconds(100));
  EXPECT_FALSE(indexing->status().away);
  EXPECT_FALSE(partition_status().paused);
  EXPECT_EQ(committed(), 1);
}

TEST_F(IndexingTest, GoesOnByItselfWhenTheCheckpointCouldNotBeStored) {
  append("1");
  start();
  settle();
  settle_after(Milliseconds(10));
  admin.fails_with = base::Error{Recovery::Retry, "es.unreachable", "away"};
  settle_after(Milliseconds(100));
  EXPECT_TRUE(indexing->status().away);
  EXPECT_EQ(committed(), std::nullopt) << "Kafka is told after the search engine";
  admin.fails_with.reset();
  append("2");
  for (int i = 0; i < 30; ++i) settle_after(Milliseconds(100));
  EXPECT_EQ(committed(), 2);
}

TEST_F(IndexingTest, IsNotAwayWhenTheMakerLooksInVainBesideTheStream) {
  start();
  maker.looks_in_vain = true;
  settle();
  settle_after(Milliseconds(100));
  EXPECT_EQ(warnings.ids, std::vector<std::string>{"kafka.unreachable"});
  EXPECT_FALSE(indexing->status().away);
  const int looked = maker.checkpoints;
  settle_after(Milliseconds(100));
  EXPECT_EQ(maker.checkpoints, looked) << "a look may block: the next one comes after a back-off";
  append("1");
  settle_after(Milliseconds(100));
  settle_after(Milliseconds(100));
  EXPECT_TRUE(is_written("1"));
  settle_after(Milliseconds(1000));
  EXPECT_GT(maker.checkpoints, looked);
  EXPECT_EQ(warnings.ids.size(), 1u) << "an outage is told once";
}

TEST_F(IndexingTest, ReadsNoMoreThanItsBufferHolds) {
  options.max_buffered_bytes = 200;
  options.max_bulk_actions = 4;
  for (int i = 0; i < 500; ++i) append("record-" + std::to_string(i));
  source.emplace(topic, 5);
  sink.emplace(engine);
  sink->fate = [](std::uint64_t) { return Fate::Waits; };
  indexing.emplace(options, IndexingPorts{*source, *sink, letters, admin, maker, warnings, [this] { return now; }});
  for (int i = 0; i < 100; ++i) {
    now += Milliseconds(20);
    ASSERT_TRUE(indexing->step().has_value());
    EXPECT_LE(indexing->status().held_bytes, 200u + 5 * 12);
  }
  EXPECT_TRUE(partition_status().paused) << "full for long: paused, and still polled";
  sink->fate = [](std::uint64_t) { return Fate::Answered; };
  for (int i = 0; i < 400; ++i) settle_after(Milliseconds(20));
  EXPECT_EQ(committed(), 500);
}

TEST_F(IndexingTest, KeepsTheLedger) {
  for (int i = 0; i < 40; ++i) append(std::to_string(i));
  answers["a/7"] = ItemOutcome::Rejected;
  answers["b/9"] = ItemOutcome::Superseded;
  answers["b/3"] = ItemOutcome::Retry;
  start();
  for (int i = 0; i < 5; ++i) settle_after(Milliseconds(50));
  answers.erase("b/3");
  for (int i = 0; i < 20; ++i) settle_after(Milliseconds(50));
  const IndexingCounters counters = indexing->status().counters;
  EXPECT_EQ(counters.documents_sent, counters.documents_written + counters.documents_superseded +
                                         counters.documents_retried + counters.documents_rejected);
  EXPECT_EQ(counters.records_read, 40u);
  EXPECT_EQ(counters.records_finished, 40u);
  EXPECT_EQ(counters.records_dead_lettered, 1u);
  EXPECT_GE(counters.documents_retried, 1u);
  EXPECT_EQ(maker.records_taken, 40) << "once each, though one was made again";
}

TEST_F(IndexingTest, TellsTheObserverOfEachBulk) {
  append("1");
  start();
  settle();
  settle_after(Milliseconds(10));
  ASSERT_EQ(warnings.bulks.size(), 1u);
  EXPECT_EQ(warnings.bulks[0].documents, 2u);
  EXPECT_EQ(warnings.bulks[0].oldest_record_timestamp_ms, 1'000);
}

TEST_F(IndexingTest, MeasuresEachEventFromItsCommitToTheAnswerToItsLastDocument) {
  maker.commit_time_us = 1'000'000;
  append("1");
  append("2");
  answers["b/2"] = ItemOutcome::Retry;
  start();
  settle();
  wall_now += std::chrono::milliseconds(1'004);
  settle_after(Milliseconds(10));
  EXPECT_EQ(indexing->status().counters.commit_to_bulk.count(), 1u) << "of the other a document is missing";
  EXPECT_EQ(indexing->status().counters.commit_to_bulk.sum(), 4'000u);
  answers.clear();
  wall_now += std::chrono::milliseconds(996);
  for (int i = 0; i < 3; ++i) settle_after(Milliseconds(100));
  EXPECT_EQ(indexing->status().counters.commit_to_bulk.count(), 2u);
  EXPECT_EQ(indexing->status().counters.commit_to_bulk.sum(), 1'004'000u);
}

TEST_F(IndexingTest, MeasuresNothingWithoutACommitTimeNorOfADeadLetter) {
  append("1");
  start();
  settle();
  settle_after(Milliseconds(10));
  maker.commit_time_us = 1;
  append("2");
  answers["a/2"] = ItemOutcome::Rejected;
  for (int i = 0; i < 4; ++i) settle_after(Milliseconds(50));
  EXPECT_EQ(letters.letters.size(), 1u);
  EXPECT_EQ(indexing->status().counters.commit_to_bulk.count(), 0u);
}

// --- leaving

TEST_F(IndexingTest, StopsSettledWithEverythingThatItTookCommitted) {
  append("1");
  start();
  settle();
  indexing->request_stop();
  EXPECT_EQ(settle(), StepOutcome::Stopped);
  EXPECT_EQ(indexing->settlement(), Settlement::Settled);
  EXPECT_EQ(committed(), 1);
}

TEST_F(IndexingTest, StopsUnfinishedWhenTheGraceEnds) {
  append("1");
  start();
  sink->fate = [](std::uint64_t) { return Fate::Waits; };
  settle();
  indexing->request_stop();
  EXPECT_EQ(settle_after(Milliseconds(10)), StepOutcome::Idle);
  EXPECT_EQ(settle_after(options.stop_grace), StepOutcome::Stopped);
  EXPECT_EQ(indexing->settlement(), Settlement::Unfinished);
  EXPECT_EQ(committed().value_or(0), 0);
}

TEST_F(IndexingTest, StopsUnfinishedWhenTheLastCommitIsRefused) {
  append("1");
  start();
  settle();
  source->fail_commits_with(base::Error{Recovery::Retry, "kafka.commit_failed", "not now"});
  indexing->request_stop();
  EXPECT_EQ(settle_after(Milliseconds(10)), StepOutcome::Idle);
  EXPECT_EQ(settle_after(options.stop_grace), StepOutcome::Stopped);
  EXPECT_EQ(indexing->settlement(), Settlement::Unfinished);
}

TEST_F(IndexingTest, RunEndsWhenAStopIsRequested) {
  append("1");
  source.emplace(topic);
  sink.emplace(engine);
  indexing.emplace(options, IndexingPorts{*source, *sink, letters, admin, maker, warnings});
  StopSignal stop;
  const auto settlement = indexing->run(stop, [&stop] { stop.request(); });
  ASSERT_TRUE(settlement.has_value());
  EXPECT_EQ(*settlement, Settlement::Settled);
}

TEST_F(IndexingTest, RunEndsAtOnceWhenTheStopIsForced) {
  start();
  StopSignal stop;
  stop.request();
  stop.request();
  EXPECT_EQ(*indexing->run(stop, [] {}), Settlement::Unfinished);
}

TEST_F(IndexingTest, ReleasesARevokedPartitionAfterItsBulksAndTheCommit) {
  append("1");
  topic.logs[kOther];
  start();
  sink->fate = [](std::uint64_t) { return Fate::Waits; };
  settle();
  source->take({kPartition});
  settle_after(Milliseconds(10));
  EXPECT_TRUE(source->holds(kPartition));
  sink->fate = [](std::uint64_t) { return Fate::Answered; };
  settle();
  EXPECT_FALSE(source->holds(kPartition));
  EXPECT_EQ(committed(), 1);
  ASSERT_EQ(indexing->status().partitions.size(), 1u);
  EXPECT_EQ(partition_status().partition, kOther);
}

TEST_F(IndexingTest, ReleasesARevokedPartitionWhenItsGraceEnds) {
  append("1");
  start();
  sink->fate = [](std::uint64_t) { return Fate::Waits; };
  settle();
  source->take({kPartition});
  settle();
  settle_after(options.revoke_grace);
  EXPECT_FALSE(source->holds(kPartition));
  EXPECT_EQ(committed().value_or(0), 0);
  sink->fate = [](std::uint64_t) { return Fate::Answered; };
  settle_after(Milliseconds(10));  // the late outcome meets nothing
}

TEST_F(IndexingTest, ForgetsALostPartitionAndCommitsNothing) {
  append("1");
  start();
  sink->fate = [](std::uint64_t) { return Fate::Waits; };
  settle();
  source->lose({kPartition});
  settle_after(Milliseconds(10));
  sink->fate = [](std::uint64_t) { return Fate::Answered; };
  for (int i = 0; i < 5; ++i) settle_after(Milliseconds(100));
  EXPECT_EQ(committed(), std::nullopt);
  EXPECT_TRUE(indexing->status().partitions.empty());
}
