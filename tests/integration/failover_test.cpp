// link: sluice::base
// servers: own
//
// The server goes on as another timeline while the replicator lives: nothing was lost by it, so nothing stops (P-2.6).
#include <gtest/gtest.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

class Failover : public testing::Test {
 protected:
  void SetUp() override {
    stack.sql("CREATE TABLE t (id int PRIMARY KEY)");
    stack.settings()["postgres.tables"] = "[public.t]";
    stack.start_replicator();
    ASSERT_TRUE(log_has("streaming from", 1)) << stack.replicator().log();
  }

  bool log_has(const std::string& words, int times) {
    return eventually([&] {
      const std::string log = stack.replicator().log();
      int found = 0;
      for (auto at = log.find(words); at != std::string::npos; at = log.find(words, at + 1)) ++found;
      return found >= times;
    });
  }

  /// As a standby that has all of the WAL would be.
  void promote() {
    stack.postgres().stop();
    run_ok({"sh", "-c", "touch " + signal_file() + " && chown --reference=" + cluster() + " " + signal_file()});
    stack.postgres().start();
    ASSERT_EQ(stack.sql_in("postgres", "SELECT pg_promote()"), "t");
  }
  std::string timeline() { return stack.sql("SELECT timeline_id FROM pg_control_checkpoint()"); }
  std::string cluster() { return stack.postgres().data() + "/data"; }
  std::string signal_file() { return cluster() + "/standby.signal"; }

  Stack stack{{.own_postgres = true}};
};

}  // namespace

TEST_F(Failover, TheLivingReplicatorGoesOnOverEachOfThem) {
  stack.sql("INSERT INTO t VALUES (1)");
  ASSERT_TRUE(stack.topic_has(1)) << stack.replicator().log();
  promote();
  stack.sql("CHECKPOINT; INSERT INTO t VALUES (2)");
  ASSERT_EQ(timeline(), "2");
  ASSERT_TRUE(stack.topic_has(2)) << stack.replicator().log();
  ASSERT_TRUE(log_has("streaming from", 2)) << stack.replicator().log();
  // The state knows the new timeline: neither the next connection nor the next start finds a fork behind what was sent.
  ASSERT_TRUE(stack.caught_up()) << stack.replicator().log();
  stack.postgres().kill_now();
  stack.postgres().start();
  stack.sql("INSERT INTO t VALUES (3)");
  ASSERT_TRUE(stack.topic_has(3)) << stack.replicator().log();
  EXPECT_EQ(stack.replicator().stop(), 0) << stack.replicator().log();
  stack.sql("INSERT INTO t VALUES (4)");
  stack.start_replicator();
  ASSERT_TRUE(stack.topic_has(4)) << stack.replicator().log();
  EXPECT_EQ(stack.replicator().stop(), 0) << stack.replicator().log();
  EXPECT_EQ(stack.events().size(), 4u);
}
