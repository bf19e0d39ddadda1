// Producer against a real broker: the contract of every RecordSink, and what only a broker can refuse.
#include "sluice/kafka/producer.h"

#include "contract/kafka_eyes.h"
#include "contract/record_sink_contract.h"

namespace sluice::testing {
namespace {

class KafkaSinkPlace final : public SinkPlace {
 public:
  KafkaSinkPlace() {
    create_topic(client_, topic_, kPartitions);
    create_topic(client_, control_, 1, {{"cleanup.policy", "compact"}});
  }
  std::unique_ptr<pipeline::RecordSink> open() override {
    kafka::ProducerOptions options;
    options.max_queue_records = 1'000;
    options.max_message_bytes = 100'000;
    auto producer = kafka::Producer::open(client_, options, {topic_}, control_);
    EXPECT_TRUE(producer) << producer.error().message;
    return std::move(*producer);
  }
  void spoil(pipeline::RecordSink& sink) override {
    const std::string value(200'000, 'x');
    change::Record record;
    record.value = value;
    EXPECT_FALSE(sink.send(record, {0}));
  }
  std::vector<StoredRecord> stored(std::int32_t partition) override {
    return kcat_records(client_.brokers, topic_, partition);
  }

 private:
  kafka::ClientOptions client_ = client_of(Server::shared(Server::Kind::Kafka));
  std::string topic_ = unique_topic("sink");
  std::string control_ = unique_topic("control");
};

INSTANTIATE_TEST_SUITE_P(Kafka, RecordSinkContract,
                         ::testing::Values([] { return std::make_unique<KafkaSinkPlace>(); }));

class KafkaProducer : public ::testing::Test {
 protected:
  std::unique_ptr<kafka::Producer> open(const std::string& topic, kafka::ProducerOptions options = {}) {
    auto producer = kafka::Producer::open(client_, options, {topic}, unique_topic("control"));
    EXPECT_TRUE(producer) << producer.error().message;
    return std::move(*producer);
  }

  static std::optional<base::Error> error_within(kafka::Producer& producer, std::chrono::seconds patience) {
    const base::Deadline deadline = base::Clock::now() + patience;
    while (base::Clock::now() < deadline) {
      if (const auto delivered = producer.deliveries(); !delivered) return delivered.error();
      const pipeline::Wait wait = producer.waits_for();
      pollfd descriptor{wait.fd, wait.events, 0};
      ::poll(&descriptor, 1, 50);
    }
    return std::nullopt;
  }

  static change::Record record(std::int32_t partition, std::string_view value) {
    change::Record record;
    record.partition = partition;
    record.key = "k";
    record.value = value;
    return record;
  }

  kafka::ClientOptions client_ = client_of(Server::shared(Server::Kind::Kafka));
};

TEST_F(KafkaProducer, ARecordThatOnlyTheBrokerFindsTooLargeStopsNamingTopicAndSize) {
  const std::string topic = unique_topic("small");
  create_topic(client_, topic, 1, {{"max.message.bytes", "1000"}});
  kafka::ProducerOptions options;
  options.compression = "none";
  auto producer = open(topic, options);
  const std::string value(5'000, 'x');
  ASSERT_TRUE(producer->send(record(0, value), {1}));
  const auto error = error_within(*producer, std::chrono::seconds(20));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->id, "kafka.message_too_large");
  EXPECT_EQ(error->recovery, base::Recovery::Stop);
  EXPECT_NE(error->message.find(topic), std::string::npos);
  EXPECT_NE(error->message.find("5000"), std::string::npos);
  EXPECT_FALSE(producer->send(record(0, "small"), {2})) << "rule K-3: the producer is finished";
}

TEST_F(KafkaProducer, AMissingTopicStops) {
  kafka::ClientOptions hasty = client_;
  hasty.properties["topic.metadata.propagation.max.ms"] = "500";
  auto producer = kafka::Producer::open(hasty, {}, {unique_topic("missing")}, unique_topic("control"));
  ASSERT_TRUE(producer);
  std::optional<base::Error> error;
  if (const auto sent = (*producer)->send(record(0, "v"), {1}); !sent) error = sent.error();
  if (!error) error = error_within(**producer, std::chrono::seconds(20));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->id, "kafka.topic_missing");
  EXPECT_EQ(error->recovery, base::Recovery::Stop);
}

TEST_F(KafkaProducer, APartitionThatTheTopicDoesNotHaveStops) {
  const std::string topic = unique_topic("narrow");
  create_topic(client_, topic, 1);
  auto producer = open(topic);
  std::optional<base::Error> error;
  if (const auto sent = producer->send(record(5, "v"), {1}); !sent) error = sent.error();
  if (!error) error = error_within(*producer, std::chrono::seconds(20));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->id, "kafka.partitions_changed");
}

TEST_F(KafkaProducer, FlushWaitsUntilAllIsDurableAndTheDeliveriesAreStillTold) {
  const std::string topic = unique_topic("flush");
  create_topic(client_, topic, 1);
  auto producer = open(topic);
  for (std::uint64_t i = 0; i < 500; ++i) ASSERT_TRUE(producer->send(record(0, "v"), {i}));
  const auto flushed = producer->flush(base::Clock::now() + std::chrono::seconds(20));
  ASSERT_TRUE(flushed) << flushed.error().message;
  EXPECT_EQ(producer->in_flight_records(), 0U);
  EXPECT_EQ(kcat_records(client_.brokers, topic, 0).size(), 500U);
  EXPECT_EQ(producer->deliveries()->size(), 500U);
}

TEST_F(KafkaProducer, SendAndWaitGivesTheDeliveriesInTheOrderOfTheRecords) {
  const std::string topic = unique_topic("wait");
  create_topic(client_, topic, 3);
  auto producer = open(topic);
  std::vector<change::Record> records;
  for (std::int32_t i = 0; i < 30; ++i) records.push_back(record(i % 3, "v"));
  const auto delivered = kafka::send_and_wait(*producer, records, base::Clock::now() + std::chrono::seconds(20));
  ASSERT_TRUE(delivered) << delivered.error().message;
  ASSERT_EQ(delivered->size(), 30U);
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_EQ((*delivered)[i].partition, static_cast<std::int32_t>(i % 3));
    EXPECT_EQ((*delivered)[i].offset, static_cast<std::int64_t>(i / 3));
  }
}

TEST_F(KafkaProducer, DestroyingItDoesNotWaitForWhatIsInFlight) {
  const std::string topic = unique_topic("purge");
  create_topic(client_, topic, 1);
  auto producer = open(topic);
  const std::string value(1'000, 'x');
  std::uint64_t sent = 0;
  while (producer->send(record(0, value), {sent}).value() == pipeline::SendStatus::Accepted) ++sent;
  ASSERT_EQ(producer->in_flight_records(), sent);
  producer.reset();
  EXPECT_LT(kcat_records(client_.brokers, topic, 0).size(), sent) << "who waits has them all stored";
}

}  // namespace
}  // namespace sluice::testing
