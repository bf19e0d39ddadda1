#include "../../../libs/kafka/src/client.h"

#include <gtest/gtest.h>

#include <array>

namespace sluice::kafka {
namespace {

std::string property_of(const rd_kafka_conf_t* conf, const char* name) {
  std::array<char, 512> value{};
  std::size_t size = value.size();
  EXPECT_EQ(rd_kafka_conf_get(conf, name, value.data(), &size), RD_KAFKA_CONF_OK);
  return value.data();
}

TEST(Client, StatisticsAreMadeOnlyWhereSomebodyTakesThem) {
  ClientState state{{}};
  const auto idle = make_conf({}, {}, state);
  ASSERT_TRUE(idle) << idle.error().message;
  EXPECT_EQ(property_of(idle->get(), "statistics.interval.ms"), "0");
  const auto polled = make_conf({}, {kStatistics}, state);
  ASSERT_TRUE(polled) << polled.error().message;
  EXPECT_EQ(property_of(polled->get(), "statistics.interval.ms"), "1000");
}

/// Only then it begins again with the brokers of its configuration. Built by CMake, versions below 2.15 never notice.
TEST(Librdkafka, NoticesThatAllBrokersAreGone) {
  ClientOptions options;
  options.brokers = "127.0.0.1:1";
  ClientState state{options};
  auto conf = make_conf(options, {}, state);
  ASSERT_TRUE(conf) << conf.error().message;
  static bool noticed;
  noticed = false;
  rd_kafka_conf_set_error_cb(conf->get(), [](rd_kafka_t*, int code, const char*, void*) {
    noticed = noticed || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
  });
  const auto client = make_client(RD_KAFKA_PRODUCER, std::move(*conf));
  ASSERT_TRUE(client) << client.error().message;
  const base::Deadline deadline = base::Clock::now() + std::chrono::seconds(10);
  while (!noticed && base::Clock::now() < deadline) rd_kafka_poll(client->get(), 100);
  EXPECT_TRUE(noticed);
}

}  // namespace
}  // namespace sluice::kafka
