#include "sluice/kafka/reachability.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::kafka {
namespace {

/// As librdkafka prints it, cut down to what is looked at.
BrokersSeen seen(const std::string& source, const std::string& state) {
  return brokers_in(R"({"brokers":{ ":0/internal": { "source":"internal", "state":"INIT"}, "b": { "source":")" +
                    source + R"(", "state":")" + state + R"("}}})");
}

TEST(BrokersSeen, OneThatIsUpIsEnough) {
  EXPECT_TRUE(seen("learned", "UP").one_is_up);
  EXPECT_FALSE(seen("learned", "CONNECT").one_is_up);
}

TEST(BrokersSeen, ThoseOfTheConfigurationAndOfTheClusterCount) {
  EXPECT_TRUE(seen("learned", "CONNECT").any);
  EXPECT_TRUE(seen("configured", "INIT").any);
  EXPECT_FALSE(seen("logical", "INIT").any) << "the coordinator has no address of its own";
  EXPECT_FALSE(brokers_in(R"({"brokers":{ }})").any);
}

}  // namespace
}  // namespace sluice::kafka
