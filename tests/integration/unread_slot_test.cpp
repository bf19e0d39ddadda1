// link: sluice::base
// servers: own
//
// While Kafka is away nobody reads the slot: it must live on, and its danger must be told before it is lost (P-15,
// P-16).
#include <set>

#include <gtest/gtest.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

class UnreadSlot : public testing::Test {
 protected:
  void SetUp() override {
    stack.sql("CREATE TABLE t (id int PRIMARY KEY)");
    stack.settings()["postgres.tables"] = "[public.t]";
    stack.settings()["postgres.accept_snapshot_race"] = "on";  // of the minor version that the tests have
    stack.settings()["postgres.park_after"] = "2s";
    stack.settings()["kafka.request_timeout"] = "1s";
    stack.start_replicator();
    ASSERT_TRUE(log_has("streaming from")) << stack.replicator().log();
    stack.kafka().stop();
    stack.sql("INSERT INTO t VALUES (1)");
    ASSERT_TRUE(log_has("kafka.parked")) << stack.replicator().log();
  }

  bool log_has(const std::string& words) {
    return eventually([&] { return stack.replicator().log().find(words) != std::string::npos; });
  }
  void expect_it_outlives_the_timeout() {
    // Two seconds lie between one reading and the next: more of them than the time-out has.
    std::set<std::string> readings;
    EXPECT_TRUE(eventually([&] {
      stack.sql("CHECKPOINT");  // which invalidates what was idle for too long
      readings.insert(slot("inactive_since"));
      return readings.size() >= 6 || slot("invalidation_reason") != "";
    })) << stack.replicator().log();
    EXPECT_EQ(slot("invalidation_reason"), "");
  }
  std::string slot(const std::string& column) {
    return stack.sql("SELECT " + column + " FROM pg_replication_slots WHERE slot_name = '" + stack.slot() + "'");
  }

  Stack stack{{.own_postgres = true,
               .own_kafka = true,
               .postgres_options = {"--version", "18", "--set", "idle_replication_slot_timeout=6s", "--set",
                                    "max_slot_wal_keep_size=128MB"}}};
};

}  // namespace

TEST_F(UnreadSlot, OutlivesTheIdleTimeoutWhileAStartWaitsForKafka) {
  stack.replicator().kill_now();
  stack.start_replicator();
  expect_it_outlives_the_timeout();
}

TEST_F(UnreadSlot, OutlivesTheIdleTimeoutOfTheServerAndItsDangerIsTold) {
  expect_it_outlives_the_timeout();
  EXPECT_EQ(stack.replicator().log().find("pg.slot_in_danger"), std::string::npos);
  for (int segment = 0; segment < 8; ++segment) {
    stack.sql("SELECT pg_logical_emit_message(false, 'filler', 'x')");
    stack.sql("SELECT pg_switch_wal()");
  }
  EXPECT_TRUE(log_has("pg.slot_in_danger")) << stack.replicator().log();

  stack.kafka().start();
  EXPECT_TRUE(stack.topic_has(1)) << stack.replicator().log();
  EXPECT_TRUE(stack.caught_up()) << stack.replicator().log();
}
