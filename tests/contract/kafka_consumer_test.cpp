// Consumer against a real broker: the contract of every RecordSource, and two members of one group.
#include "sluice/kafka/consumer.h"

#include <fstream>
#include <set>

#include "contract/kafka_eyes.h"
#include "contract/record_source_contract.h"
#include "sluice/kafka/producer.h"
#include "sluice/testing/consumer_group.h"
#include "sluice/testing/temporary_directory.h"

namespace sluice::testing {
namespace {

void write_messages(const kafka::ClientOptions& client, const std::string& topic, std::int32_t partition,
                    const std::vector<MemoryMessage>& messages) {
  auto producer = kafka::Producer::open(client, {}, {topic}, topic);
  ASSERT_TRUE(producer) << producer.error().message;
  std::vector<change::Record> records;
  for (const MemoryMessage& message : messages) {
    change::Record record;
    record.partition = partition;
    record.key = message.key;
    record.tombstone = !message.value;
    if (message.value) record.value = *message.value;
    record.header = message.header;
    records.push_back(record);
  }
  const auto written = kafka::send_and_wait(**producer, records, base::Clock::now() + std::chrono::seconds(30));
  ASSERT_TRUE(written) << written.error().message;
}

class KafkaSourcePlace final : public SourcePlace {
 public:
  KafkaSourcePlace() { create_topic(client_, topic_, kPartitions); }
  std::string topic() const override { return topic_; }
  void write(std::int32_t partition, const std::vector<MemoryMessage>& messages) override {
    write_messages(client_, topic_, partition, messages);
  }
  void trim(std::int32_t partition, pipeline::Offset begin) override {
    const TemporaryDirectory folder;
    const std::string file = folder / "offsets.json";
    std::ofstream(file) << R"({"version":1,"partitions":[{"topic":")" << topic_ << R"(","partition":)" << partition
                        << R"(,"offset":)" << begin << "}]}";
    run_ok({SLUICE_SOURCE_DIR "/Docker_Files/native/kafka", "tool", "DeleteRecordsCommand", "--bootstrap-server",
            client_.brokers, "--offset-json-file", file});
  }
  std::unique_ptr<pipeline::RecordSource> open() override {
    kafka::ConsumerOptions options;
    options.group = topic_ + "-group";
    options.topics = {topic_};
    options.max_batch_records = 300;
    auto consumer = kafka::Consumer::open(client_, options);
    EXPECT_TRUE(consumer) << consumer.error().message;
    return std::move(*consumer);
  }
  void demand_one(pipeline::RecordSource&) override { rival_ = open(); }

 private:
  kafka::ClientOptions client_ = client_of(Server::shared(Server::Kind::Kafka));
  std::string topic_ = unique_topic("source");
  std::unique_ptr<pipeline::RecordSource> rival_;
};

INSTANTIATE_TEST_SUITE_P(Kafka, RecordSourceContract,
                         ::testing::Values([] { return std::make_unique<KafkaSourcePlace>(); }));

/// A member of the group that does as the pipeline does, and writes down what it got.
struct Member {
  std::unique_ptr<pipeline::RecordSource> source;
  std::set<pipeline::Partition> held;
  std::multiset<std::string> values;

  void turn() {
    const auto turned = try_turn();
    ASSERT_TRUE(turned) << turned.error().message;
  }
  base::Result<void> try_turn() {
    for (int i = 0; i < 100; ++i) {
      SLUICE_ASSIGN(auto event, source->next());
      if (!event) break;
      std::visit([this](auto& told) { take(told); }, *event);
    }
    return {};
  }
  void take(pipeline::ConsumedBatchPtr& batch) {
    for (const auto& record : batch->records()) values.emplace(record.value);
    ASSERT_TRUE(source->finish(batch->partition(), batch->records().back().offset + 1));
  }
  void take(pipeline::Assigned& assigned) {
    for (const auto& start : assigned.partitions) {
      held.insert(start.partition);
      ASSERT_TRUE(source->begin(start.partition, start.committed.value_or(start.begin)));
    }
  }
  void take(pipeline::Revoked& revoked) {
    ASSERT_TRUE(source->commit());
    ASSERT_TRUE(source->release(revoked.partitions));
    for (const auto& partition : revoked.partitions) held.erase(partition);
  }
  void take(pipeline::Lost& lost) {
    for (const auto& partition : lost.partitions) held.erase(partition);
  }
};

class KafkaConsumer : public ::testing::Test {
 protected:
  Member member(std::int32_t max_batch = 500) {
    kafka::ConsumerOptions options;
    options.group = topic_ + "-group";
    options.topics = {topic_};
    options.max_batch_records = static_cast<std::uint32_t>(max_batch);
    auto consumer = kafka::Consumer::open(client_, options);
    EXPECT_TRUE(consumer) << consumer.error().message;
    return {std::move(*consumer), {}, {}};
  }

  static bool turn_until(std::vector<Member*> members, const std::function<bool()>& condition) {
    return eventually([&] {
      for (Member* each : members) each->turn();
      return condition() || ::testing::Test::HasFatalFailure();
    });
  }

  kafka::ClientOptions client_ = client_of(Server::shared(Server::Kind::Kafka));
  std::string topic_ = unique_topic("group");
};

TEST_F(KafkaConsumer, TwoMembersShareThePartitionsAndNothingIsReadTwiceOrNever) {
  create_topic(client_, topic_, 6);
  std::vector<MemoryMessage> messages;
  for (int i = 0; i < 2'000; ++i) messages.push_back({"k", std::to_string(i), "", 0});
  for (std::int32_t i = 0; i < 6; ++i) write_messages(client_, topic_, i, messages);
  Member first = member();
  ASSERT_TRUE(turn_until({&first}, [&] { return first.values.size() > 1'000; }));
  Member second = member();
  ASSERT_TRUE(turn_until({&first, &second}, [&] { return second.held.size() == 3; }));
  EXPECT_EQ(first.held.size(), 3U);
  ASSERT_TRUE(turn_until({&first, &second}, [&] { return first.values.size() + second.values.size() >= 12'000; }));
  EXPECT_EQ(first.values.size() + second.values.size(), 12'000U);
  for (int i = 0; i < 2'000; ++i) {
    const std::string value = std::to_string(i);
    ASSERT_EQ(first.values.count(value) + second.values.count(value), 6U) << value;
  }
  second.source.reset();
  EXPECT_TRUE(turn_until({&first}, [&] { return first.held.size() == 6; }));
}

TEST_F(KafkaConsumer, APartitionThatComesBackIsNotPausedAnyMore) {
  create_topic(client_, topic_, 2);
  Member first = member();
  ASSERT_TRUE(turn_until({&first}, [&] { return first.held.size() == 2; }));
  for (const std::int32_t number : {0, 1}) ASSERT_TRUE(first.source->pause({topic_, number}));
  Member second = member();
  ASSERT_TRUE(turn_until({&first, &second}, [&] { return first.held.size() == 1 && second.held.size() == 1; }));
  second.source.reset();
  ASSERT_TRUE(turn_until({&first}, [&] { return first.held.size() == 2; }));
  for (const std::int32_t number : {0, 1})
    write_messages(client_, topic_, number, std::vector<MemoryMessage>(10, {"k", "v", "", 0}));
  EXPECT_TRUE(turn_until({&first}, [&] { return first.values.size() == 10; })) << first.values.size();
}

TEST_F(KafkaConsumer, AProcessThatTakesTheInstanceStopsTheOneThatHadIt) {
  create_topic(client_, topic_, 1);
  client_.properties["group.instance.id"] = "the-instance";
  Member first = member();
  ASSERT_TRUE(turn_until({&first}, [&] { return first.held.size() == 1; }));
  Member second = member();
  std::optional<base::Error> error;
  EXPECT_TRUE(eventually([&] {
    second.turn();
    const auto turned = first.try_turn();
    if (!turned) error = turned.error();
    return error.has_value();
  }));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->id, "kafka.instance_replaced") << error->message;
  EXPECT_EQ(error->recovery, base::Recovery::Stop);
  EXPECT_NE(error->message.find("\"the-instance\""), std::string::npos) << error->message;
  EXPECT_TRUE(turn_until({&second}, [&] { return second.held.size() == 1; }));
}

TEST_F(KafkaConsumer, WhatIsFinishedIsTheGroupsAsKafkaSaysOnceItIsCommitted) {
  create_topic(client_, topic_, 1);
  write_messages(client_, topic_, 0, std::vector<MemoryMessage>(10, {"k", "v", "", 0}));
  Member reader = member();
  ASSERT_TRUE(turn_until({&reader}, [&] { return reader.values.size() == 10; }));
  const auto current_offset = [&] { return committed_offset(client_.brokers, topic_ + "-group", topic_, 0); };
  EXPECT_EQ(current_offset(), "-");
  ASSERT_TRUE(reader.source->commit());
  EXPECT_EQ(current_offset(), "10");
}

TEST_F(KafkaConsumer, ATopicThatIsNotThereYetIsWaitedFor) {
  kafka::ClientOptions hasty = client_;
  hasty.properties["topic.metadata.refresh.interval.ms"] = "500";
  client_ = hasty;
  Member early = member();
  std::optional<base::Error> error;
  EXPECT_TRUE(eventually([&] {
    const auto event = early.source->next();
    if (!event) error = event.error();
    return error.has_value();
  }));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->id, "kafka.topic_missing");
  EXPECT_EQ(error->recovery, base::Recovery::Retry);
}

TEST_F(KafkaConsumer, RetentionThatOvertakesAPausedReaderStopsIt) {
  KafkaSourcePlace place;
  place.write(0, std::vector<MemoryMessage>(50'000, {"k", std::string(500, 'x'), "", 0}));
  const auto source = place.open();
  std::optional<base::Error> error;
  bool trimmed = false;
  EXPECT_TRUE(eventually([&] {
    auto event = source->next();
    if (!event) {
      error = event.error();
      return true;
    }
    if (!*event) return false;
    if (const auto* assigned = std::get_if<pipeline::Assigned>(&**event)) {
      for (const auto& start : assigned->partitions) EXPECT_TRUE(source->begin(start.partition, 0));
    }
    if (std::holds_alternative<pipeline::ConsumedBatchPtr>(**event) && !trimmed) {
      EXPECT_TRUE(source->pause({place.topic(), 0}));
      place.trim(0, 49'000);
      EXPECT_TRUE(source->resume({place.topic(), 0}));
      trimmed = true;
    }
    return false;
  }));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->id, "kafka.retention_overrun");
  EXPECT_EQ(error->recovery, base::Recovery::Stop);
  EXPECT_NE(error->message.find(pipeline::kOverrunRemedy), std::string::npos) << error->message;
}

}  // namespace
}  // namespace sluice::testing
