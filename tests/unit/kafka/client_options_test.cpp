// What of the configuration is refused, before anything connects.
#include "sluice/kafka/client_options.h"

#include <gtest/gtest.h>

#include "sluice/kafka/consumer.h"
#include "sluice/kafka/producer.h"

namespace sluice::kafka {
namespace {

/// Nothing listens on port 1.
ClientOptions options_with(std::map<std::string, std::string> properties) {
  ClientOptions options;
  options.brokers = "127.0.0.1:1";
  options.properties = std::move(properties);
  return options;
}

base::Error producer_error(std::map<std::string, std::string> properties) {
  const auto producer = Producer::open(options_with(std::move(properties)), {}, {"t"}, "control");
  if (producer) return {base::Recovery::Retry, "none", ""};
  return producer.error();
}

class ReservedProperty : public ::testing::TestWithParam<const char*> {};

TEST_P(ReservedProperty, IsRefusedWithItsReason) {
  const base::Error error = producer_error({{GetParam(), "1"}});
  EXPECT_EQ(error.id, "kafka.bad_property");
  EXPECT_EQ(error.recovery, base::Recovery::Stop);
  EXPECT_NE(error.message.find(GetParam()), std::string::npos);
  EXPECT_NE(error.message.find("promise"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Promises, ReservedProperty,
                         ::testing::Values("acks", "enable.idempotence", "message.timeout.ms", "max.in.flight",
                                           "partitioner", "enable.auto.commit", "isolation.level",
                                           "auto.offset.reset"));

TEST(ClientOptions, AnUnknownPropertyIsNamed) {
  const base::Error error = producer_error({{"batch.sise", "1"}});
  EXPECT_EQ(error.id, "kafka.bad_property");
  EXPECT_NE(error.message.find("batch.sise"), std::string::npos);
}

TEST(ClientOptions, ARefusedValueIsNotRepeated) {
  const base::Error error = producer_error({{"linger.ms", "hunter2"}});
  EXPECT_EQ(error.id, "kafka.bad_property");
  EXPECT_EQ(error.message.find("hunter2"), std::string::npos);
}

TEST(ClientOptions, APropertyOfTheOtherKindOfClientIsNoMistake) {
  EXPECT_EQ(producer_error({{"fetch.min.bytes", "10"}, {"linger.ms", "7"}}).id, "none");
}

TEST(ClientOptions, AMissingCertificateAuthorityIsToldAtOnce) {
  ClientOptions options = options_with({});
  options.security.protocol = SecurityProtocol::Tls;
  options.security.ca_file = "/nonexistent/ca.pem";
  const auto producer = Producer::open(options, {}, {"t"}, "control");
  ASSERT_FALSE(producer);
  EXPECT_EQ(producer.error().id, "kafka.bad_property");
  EXPECT_NE(producer.error().message.find("ssl.ca.location"), std::string::npos);
}

TEST(ClientOptions, AnImpossibleCombinationOfTheConsumerIsRefused) {
  ConsumerOptions consumer;
  consumer.group = "g";
  consumer.topics = {"t"};
  consumer.max_poll_interval = base::Milliseconds(1'000);  // below the session's time-out
  const auto result = Consumer::open(options_with({}), consumer);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id, "kafka.bad_property");
}

TEST(Producer, WithoutABrokerItTakesRecordsAndSaysThatNobodyIsThere) {
  auto producer = Producer::open(options_with({{"statistics.interval.ms", "50"}}), {}, {"t"}, "control");
  ASSERT_TRUE(producer);
  change::Record record;
  record.key = "k";
  record.value = "v";
  ASSERT_EQ((*producer)->send(record, {1}).value(), pipeline::SendStatus::Accepted);
  const base::Deadline deadline = base::Clock::now() + std::chrono::seconds(10);
  while (!(*producer)->reachability().unreachable_since && base::Clock::now() < deadline)
    ASSERT_TRUE((*producer)->deliveries());
  EXPECT_TRUE((*producer)->reachability().unreachable_since);
  EXPECT_NE((*producer)->reachability().last_error.find("127.0.0.1:1"), std::string::npos);
  EXPECT_EQ((*producer)->in_flight_records(), 1U);
  const auto flushed = (*producer)->flush(base::Clock::now() + std::chrono::milliseconds(10));
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().id, "kafka.unreachable");
  EXPECT_TRUE((*producer)->deliveries()) << "the producer lives on";
}

TEST(Consumer, WithoutABrokerItEndsSoThatANewOneIsMade) {
  ConsumerOptions consumer;
  consumer.group = "g";
  consumer.topics = {"t"};
  consumer.unreachable_limit = base::Milliseconds(300);
  auto source = Consumer::open(options_with({{"statistics.interval.ms", "50"}}), consumer);
  ASSERT_TRUE(source);
  const base::Deadline deadline = base::Clock::now() + std::chrono::seconds(10);
  auto event = (*source)->next();
  while (event && base::Clock::now() < deadline) event = (*source)->next();
  ASSERT_FALSE(event);
  EXPECT_EQ(event.error().id, "kafka.unreachable");
  EXPECT_EQ(event.error().recovery, base::Recovery::Retry);
  EXPECT_NE(event.error().message.find("127.0.0.1:1"), std::string::npos) << event.error().message;
}

TEST(Producer, ARecordOverTheLimitStopsAndItsContentsAreNotTold) {
  ProducerOptions options;
  options.max_message_bytes = 1'000;
  auto producer = Producer::open(options_with({}), options, {"events"}, "control");
  ASSERT_TRUE(producer);
  const std::string value(2'000, 'x');
  change::Record record;
  record.partition = 1;
  record.key = "secret key";
  record.value = value;
  const auto sent = (*producer)->send(record, {1});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().id, "kafka.message_too_large");
  EXPECT_EQ(sent.error().recovery, base::Recovery::Stop);
  for (const char* part : {"events", "2000", "1000"})
    EXPECT_NE(sent.error().message.find(part), std::string::npos) << part;
  for (const char* part : {"secret", "xx"}) EXPECT_EQ(sent.error().message.find(part), std::string::npos) << part;
}

}  // namespace
}  // namespace sluice::kafka
