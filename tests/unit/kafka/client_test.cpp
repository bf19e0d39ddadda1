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

}  // namespace
}  // namespace sluice::kafka
