// Tail recovery (rule K-9) on a real broker. The records' formats are the caller's, so these tests have their own: a
// value
// `<pipeline> <seq>` is a stream record, a header `<pipeline> <seq>` says that the record follows seq, the key
// `sluice:marker` makes a marker.
#include "sluice/kafka/tails.h"

#include "contract/kafka_eyes.h"
#include "sluice/kafka/gap_reader.h"
#include "sluice/kafka/producer.h"

namespace sluice::testing {
namespace {

using kafka::RecordClue;

change::EventId id(std::uint32_t seq) { return {seq == 0 ? 0U : 1U, change::Lsn(seq == 0 ? 0 : 0x100), seq, 0}; }

RecordClue named(RecordClue::Kind kind, std::string_view text) {
  std::istringstream words{std::string(text)};
  RecordClue clue{kind, {}, ""};
  std::uint32_t seq = 0;
  words >> clue.pipeline >> seq;
  clue.id = id(seq);
  return clue;
}

base::Result<RecordClue> read_clue(const pipeline::ConsumedRecord& record) {
  if (record.key == "sluice:marker") return named(RecordClue::Kind::Marker, record.header);
  if (!record.header.empty()) return named(RecordClue::Kind::Follower, record.header);
  if (record.value.starts_with("ours") || record.value.starts_with("theirs"))
    return named(RecordClue::Kind::Stream, record.value);
  return RecordClue{};
}

class KafkaTails : public ::testing::Test {
 protected:
  void SetUp() override { create_topic(client_, topic_, 3); }

  static base::Deadline soon() { return base::Clock::now() + std::chrono::seconds(30); }

  std::unique_ptr<kafka::Producer> producer() {
    auto producer = kafka::Producer::open(client_, {}, {topic_}, topic_);
    EXPECT_TRUE(producer) << producer.error().message;
    return std::move(*producer);
  }

  struct Written {
    std::int32_t partition;
    std::string value;
    std::string header = "";
    std::string key = "k";
  };
  void write(const std::vector<Written>& all) {
    auto sink = producer();
    std::vector<change::Record> records;
    for (const Written& each : all) {
      change::Record record;
      record.partition = each.partition;
      record.key = each.key;
      record.value = each.value;
      record.header = each.header;
      records.push_back(record);
    }
    const auto written = kafka::send_and_wait(*sink, records, soon());
    ASSERT_TRUE(written) << written.error().message;
  }

  base::Result<std::vector<pipeline::PartitionTail>> recover() {
    sink_ = producer();
    change::Record marker;
    marker.kind = change::RecordKind::Marker;
    marker.key = "sluice:marker";
    marker.value = "{}";
    marker.header = "ours";
    return kafka::recover_tails(client_, *sink_, {{0, topic_, 3}}, marker, "ours", read_clue, soon());
  }

  kafka::GapReaderOptions options() const { return {.topics = {topic_}, .pipeline = "ours"}; }
  std::unique_ptr<kafka::GapReader> gap_reader(const kafka::ClientOptions& client, std::size_t max_waiting = 1'000) {
    kafka::GapReaderOptions chosen = options();
    chosen.max_waiting = max_waiting;
    return kafka::GapReader::make(client, chosen, read_clue);
  }
  static std::vector<kafka::GapContents> read_all(kafka::GapReader& reader) {
    std::vector<kafka::GapContents> all;
    EXPECT_TRUE(eventually([&] {
      auto some = reader.poll(base::Clock::now());
      EXPECT_TRUE(some) << some.error().message;
      if (some) all.insert(all.end(), some->begin(), some->end());
      return !some || reader.unread() == 0;
    }));
    return all;
  }

  kafka::ClientOptions client_ = client_of(Server::shared(Server::Kind::Kafka));
  std::string topic_ = unique_topic("tails");
  std::unique_ptr<kafka::Producer> sink_;
};

TEST_F(KafkaTails, TheLastStreamRecordOfEachPartitionIsItsTail) {
  write({{0, "ours 1"}, {1, "ours 2"}, {0, "ours 3"}, {1, "ours 4"}});
  const auto tails = recover();
  ASSERT_TRUE(tails) << tails.error().message;
  ASSERT_EQ(tails->size(), 3U);
  EXPECT_EQ((*tails)[0], (pipeline::PartitionTail{topic_, 0, 3, id(3)}));
  EXPECT_EQ((*tails)[1], (pipeline::PartitionTail{topic_, 1, 3, id(4)}));
  EXPECT_EQ((*tails)[2], (pipeline::PartitionTail{topic_, 2, 1, {}})) << "nothing was ever written here";
}

TEST_F(KafkaTails, EveryPartitionGetsOneMarkerBehindItsRecords) {
  write({{0, "ours 1"}});
  ASSERT_TRUE(recover());
  for (std::int32_t partition = 0; partition < 3; ++partition) {
    const auto stored = kcat_records(client_.brokers, topic_, partition);
    ASSERT_EQ(stored.size(), partition == 0 ? 2U : 1U);
    EXPECT_EQ(stored.back().key, "sluice:marker");
    EXPECT_EQ(stored.back().header, "ours");
  }
}

TEST_F(KafkaTails, RecordsThatFollowTheStreamNameTheTailInTheirHeader) {
  write({{0, "ours 1"}, {0, "a snapshot row", "ours 1"}, {1, "a snapshot row", "ours 0"}});
  const auto tails = recover();
  ASSERT_TRUE(tails) << tails.error().message;
  EXPECT_EQ((*tails)[0].last, id(1));
  EXPECT_EQ((*tails)[1].last, change::EventId{});
}

TEST_F(KafkaTails, TheWalkGoesBackOverManyForeignRecordsAndOlderMarkers) {
  std::vector<Written> all{{0, "ours 7"}};
  for (int i = 0; i < 1'500; ++i) all.push_back({0, "somebody typed this"});
  write(all);
  ASSERT_TRUE(recover());
  const auto tails = recover();
  ASSERT_TRUE(tails) << tails.error().message;
  EXPECT_EQ((*tails)[0].last, id(7));
  EXPECT_EQ((*tails)[0].end_offset, 1'503);
}

TEST_F(KafkaTails, AnotherPipelineInTheTopicStopsUs) {
  write({{0, "ours 1"}, {0, "{}", "theirs", "sluice:marker"}});
  const auto tails = recover();
  ASSERT_FALSE(tails);
  EXPECT_EQ(tails.error().id, "kafka.topic_in_use");
  EXPECT_EQ(tails.error().recovery, base::Recovery::Stop);
}

TEST_F(KafkaTails, APeekSeesTheLastRecordsAndWritesNothing) {
  std::vector<Written> all{{0, "ours 7"}, {1, "ours 8"}};
  for (int i = 0; i < 1'500; ++i) all.push_back({0, "somebody typed this"});
  write(all);
  const auto tails = kafka::peek_tails(client_, {{0, topic_, 3}}, "ours", read_clue, soon());
  ASSERT_TRUE(tails) << tails.error().message;
  ASSERT_EQ(tails->size(), 3U);
  EXPECT_EQ((*tails)[0], (pipeline::PartitionTail{topic_, 0, 1'501, {}})) << "ours is not among the last thousand";
  EXPECT_EQ((*tails)[1], (pipeline::PartitionTail{topic_, 1, 1, id(8)}));
  EXPECT_EQ((*tails)[2], (pipeline::PartitionTail{topic_, 2, 0, {}}));
  EXPECT_EQ(kcat_records(client_.brokers, topic_, 1).size(), 1U);
  write({{2, "{}", "theirs", "sluice:marker"}});
  const auto strange = kafka::peek_tails(client_, {{0, topic_, 3}}, "ours", read_clue, soon());
  ASSERT_FALSE(strange);
  EXPECT_EQ(strange.error().id, "kafka.topic_in_use");
}

TEST_F(KafkaTails, AFormatErrorOfTheCallerEndsTheRecovery) {
  write({{0, "ours 1"}});
  sink_ = producer();
  const auto broken = [](const pipeline::ConsumedRecord&) -> base::Result<RecordClue> {
    return base::fail(base::Recovery::Stop, "codec.broken", "Unreadable. Look at it");
  };
  const auto tails = kafka::recover_tails(client_, *sink_, {{0, topic_, 3}}, {}, "ours", broken, soon());
  ASSERT_FALSE(tails);
  EXPECT_EQ(tails.error().id, "codec.broken");
}

TEST_F(KafkaTails, WhatTheProducerSendsAfterTheRecoveryContinuesTheOffsets) {
  write({{0, "ours 1"}});
  const auto tails = recover();
  ASSERT_TRUE(tails);
  kafka::DeliveryContiguity contiguity;
  for (const auto& tail : *tails) contiguity.expect(0, tail.partition, tail.end_offset);
  change::Record record;
  record.value = "ours 2";
  std::vector<kafka::DeliveryGap> gaps;
  auto delivered = kafka::send_and_wait(*sink_, {&record, 1}, soon());
  ASSERT_TRUE(contiguity.observe(*delivered, gaps));
  EXPECT_TRUE(gaps.empty());

  write({{0, "ours 2"}, {0, "typed in"}});
  delivered = kafka::send_and_wait(*sink_, {&record, 1}, soon());
  ASSERT_TRUE(contiguity.observe(*delivered, gaps));
  ASSERT_EQ(gaps.size(), 1U);
  auto reader = gap_reader(client_);
  reader->add(gaps[0]);
  const auto contents = read_all(*reader);
  ASSERT_EQ(contents.size(), 1U);
  EXPECT_EQ(contents[0].late_appends, 1U);
  EXPECT_EQ(contents[0].foreign_records, 1U);
  EXPECT_EQ(contents[0].begin, 3) << "behind ours 1, the marker and ours 2";
  EXPECT_EQ(reader->unread(), 0U);
}

TEST_F(KafkaTails, AGapThatAnotherPipelineMadeStops) {
  write({{0, "ours 1"}, {0, "theirs 1"}, {0, "ours 2"}});
  auto reader = gap_reader(client_);
  reader->add({0, 0, 1, 2});
  base::Error error;
  ASSERT_TRUE(eventually([&] {
    auto polled = reader->poll(base::Clock::now());
    if (!polled) error = polled.error();
    return !polled;
  }));
  EXPECT_EQ(error.id, "kafka.topic_in_use");
  EXPECT_EQ(error.recovery, base::Recovery::Stop);
}

TEST_F(KafkaTails, ARecordThatNobodyCanReadIsForeign) {
  write({{0, "?"}, {0, "ours 2"}});
  const auto broken = [](const pipeline::ConsumedRecord&) -> base::Result<RecordClue> {
    return base::fail(base::Recovery::Stop, "codec.broken", "Unreadable. Look at it");
  };
  auto reader = kafka::GapReader::make(client_, {.topics = {topic_}, .pipeline = "ours"}, broken);
  reader->add({0, 0, 0, 1});
  const auto contents = read_all(*reader);
  ASSERT_EQ(contents.size(), 1U);
  EXPECT_EQ(contents[0].foreign_records, 1U);
}

TEST_F(KafkaTails, GapsThatAreTooManyAreJoinedAndStillCountedToTheRecord) {
  std::vector<Written> all;
  for (int i = 0; i < 20; ++i) all.insert(all.end(), {{1, "ours 1"}, {1, "typed in"}, {1, "ours 1"}, {1, "ours 2"}});
  write(all);
  auto reader = gap_reader(client_, 4);
  // Of each four the first is a late append, the second foreign, the others were delivered to us.
  for (std::int64_t i = 0; i < 20; ++i) reader->add({0, 1, i * 4, i * 4 + 2});
  EXPECT_EQ(reader->unread(), 40U);
  const auto contents = read_all(*reader);
  EXPECT_EQ(contents.size(), 4U);
  std::uint64_t late = 0;
  std::uint64_t foreign = 0;
  for (const auto& each : contents) {
    late += each.late_appends;
    foreign += each.foreign_records;
  }
  EXPECT_EQ(late, 20U);
  EXPECT_EQ(foreign, 20U);
}

TEST_F(KafkaTails, AGapThatCannotBeReadIsKeptUntilItCan) {
  write({{0, "typed in"}, {0, "ours 1"}});
  kafka::ClientOptions nowhere = client_;
  nowhere.brokers = "127.0.0.1:1";
  auto reader = kafka::GapReader::make(nowhere, options(), read_clue);
  reader->add({0, 0, 0, 1});
  const base::Deadline begin = base::Clock::now();
  ASSERT_TRUE(reader->poll(begin));
  EXPECT_FALSE(reader->failure());
  ASSERT_TRUE(reader->poll(begin + std::chrono::minutes(1)));
  ASSERT_TRUE(reader->failure());
  EXPECT_EQ(reader->failure()->id, "kafka.unreachable");
  EXPECT_EQ(reader->unread(), 1U);
  ASSERT_TRUE(reader->waits_for().deadline) << "it comes back by itself";
}

}  // namespace
}  // namespace sluice::testing
