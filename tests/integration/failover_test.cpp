// link: sluice::base
// servers: own
//
// The server goes on as another timeline: where nothing was lost by it, nothing stops; where something was, no start
// goes on (P-2.2, P-2.6).
#include <filesystem>

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
    promote_stopped();
  }
  void promote_stopped() {
    run_ok({"sh", "-c", "touch " + signal_file() + " && chown --reference=" + cluster() + " " + signal_file()});
    stack.postgres().start();
    ASSERT_EQ(stack.sql_in("postgres", "SELECT pg_promote()"), "t");
  }
  void expect_stop(const std::string& id) {
    std::filesystem::remove(stack.folder() + "/replicator.log");
    stack.start_replicator();
    EXPECT_EQ(stack.replicator().wait(), 3) << stack.replicator().log();
    EXPECT_TRUE(stack.replicator().last_line().starts_with("ERROR " + id + ":")) << stack.replicator().last_line();
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

TEST_F(Failover, WhatTheNewServerDoesNotHaveStopsEachStartAlsoWhenItsWalIsPastIt) {
  const std::string state = stack.folder() + "/state";
  const std::string kept = stack.folder() + "/kept";
  stack.sql("INSERT INTO t VALUES (1)");
  ASSERT_TRUE(stack.caught_up()) << stack.replicator().log();
  stack.replicator().kill_now();
  stack.postgres().stop();
  // What a standby had got, and the state of a replicator that had not yet stored what comes now.
  run_ok({"cp", "-a", cluster(), kept});
  run_ok({"cp", "-a", state, kept + "_state"});
  stack.postgres().start();
  stack.start_replicator();
  stack.sql("INSERT INTO t VALUES (2)");
  ASSERT_TRUE(stack.topic_has(2)) << stack.replicator().log();
  stack.replicator().kill_now();
  stack.postgres().stop();
  run_ok({"rm", "-rf", cluster(), state});
  run_ok({"mv", kept, cluster()});
  run_ok({"mv", kept + "_state", state});
  promote_stopped();
  ASSERT_EQ(stack.sql("CHECKPOINT; SELECT timeline_id FROM pg_control_checkpoint()"), "2");

  stack.sql("SELECT pg_switch_wal()");
  stack.sql("INSERT INTO t VALUES (3)");
  expect_stop("pg.timeline_forked");
  expect_stop("pg.timeline_forked");
  EXPECT_EQ(stack.events().size(), 2u) << "something was sent";
}

TEST_F(Failover, ATransactionThatWaitsForAStandbyIsNoSignOfARestoredServer) {
  stack.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
  stack.sql("SELECT pg_reload_conf()");
  stack.sql("CHECKPOINT");  // it is the checkpointer that lets commits wait, and it reads the settings first
  Program waiting({"psql", "-X", "-d", stack.dsn(), "-c", "INSERT INTO t VALUES (1)"}, stack.folder() + "/waiting.log");
  ASSERT_TRUE(stack.topic_has(1)) << stack.replicator().log();
  ASSERT_TRUE(stack.caught_up()) << stack.replicator().log();
  EXPECT_EQ(stack.replicator().stop(), 0) << stack.replicator().log();
  ASSERT_EQ(stack.sql("SELECT count(*) FROM t"), "0") << "it is not committed yet";
  stack.start_replicator();
  EXPECT_TRUE(log_has("streaming from", 2)) << stack.replicator().log();
  stack.sql("ALTER SYSTEM RESET synchronous_standby_names");
  stack.sql("SELECT pg_reload_conf()");
  EXPECT_EQ(waiting.wait(), 0) << waiting.log();
  stack.sql("INSERT INTO t VALUES (2)");
  EXPECT_TRUE(stack.topic_has(2)) << stack.replicator().log();
}
