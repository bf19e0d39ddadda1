// link: sluice::base
//
// A DBA makes the slot, the program never does (postgres.create_slot: off): a start that came too early must not make
// his slot look like ours (P-2.4a).
#include <filesystem>

#include <gtest/gtest.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;

TEST(SlotMadeBeforehand, IsAdoptedAlsoAfterAStartThatDidNotFindIt) {
  Stack stack;
  stack.sql("CREATE TABLE t (id int PRIMARY KEY)");
  stack.settings()["postgres.tables"] = "[public.t]";
  stack.settings()["postgres.create_slot"] = "off";
  stack.settings()["postgres.snapshot"] = "never";
  stack.start_replicator();
  EXPECT_EQ(stack.replicator().wait(), 3) << stack.replicator().log();
  EXPECT_TRUE(stack.replicator().last_line().starts_with("ERROR pg.slot_missing:")) << stack.replicator().last_line();

  stack.sql("SELECT pg_create_logical_replication_slot('" + stack.slot() + "', 'pgoutput')");
  stack.sql("INSERT INTO t VALUES (1)");
  std::filesystem::remove(stack.folder() + "/replicator.log");
  stack.start_replicator();
  EXPECT_TRUE(stack.topic_has(1)) << stack.replicator().log();
  EXPECT_NE(stack.replicator().log().find("adopted"), std::string::npos) << stack.replicator().log();
  EXPECT_EQ(stack.replicator().stop(), 0) << stack.replicator().log();
}
