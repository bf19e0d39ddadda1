// The snapshot and the stream that goes on from it, while others write: nothing lost, nothing twice, no ghosts (P-21,
// P-24). SLUICE_SNAPSHOT_SEEDS (4) says how many seeds.
//
// link: sluice::base
#include <cstdlib>
#include <set>

#include <gtest/gtest.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

int seeds() {
  const char* value = std::getenv("SLUICE_SNAPSHOT_SEEDS");
  return value == nullptr ? 4 : std::atoi(value);
}

class SnapshotHandover : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    stack.sql(
        "CREATE TABLE work (id int PRIMARY KEY, client int, val text NOT NULL);"
        "INSERT INTO work SELECT g, 0, md5(g::text) FROM generate_series(1, 20000) g;"
        "CREATE FUNCTION change(client int) RETURNS void LANGUAGE sql AS $$"
        "  INSERT INTO work SELECT 100000 + client * 1000000 + floor(random() * 100000)::int, client, "
        "md5(random()::text)"
        "    ON CONFLICT (id) DO UPDATE SET val = excluded.val;"
        "  UPDATE work SET val = md5(random()::text) WHERE id = 1 + floor(random() * 20000)::int;"
        "  DELETE FROM work WHERE id = 1 + floor(random() * 20000)::int; $$");
    stack.settings()["postgres.tables"] = "[public.work]";
  }

  Program writers(int seconds) {
    return Program(
        {"sh", "-c",
         "echo 'SELECT change(:client_id);' | pgbench -n -c 4 -j 2 -R 400 --random-seed=" + std::to_string(GetParam()) +
             " -T " + std::to_string(seconds) + " -f /dev/stdin \"" + stack.dsn() + "\""},
        stack.folder() + "/writers.log");
  }
  bool snapshot_begun() {
    return eventually(
        [&] { return stack.replicator().log().find("slot " + stack.slot() + " made") != std::string::npos; });
  }
  std::size_t ids_seen_twice() {
    std::set<std::string> seen;
    std::size_t twice = 0;
    for (const auto& record : stack.events())
      twice += seen.insert(record.json()["id"].get<std::string>()).second ? 0u : 1u;
    return twice;
  }

  Stack stack;
};

}  // namespace

TEST_P(SnapshotHandover, LosesNothingAndDoublesNothingWhileOthersWrite) {
  Program writing = writers(6);
  stack.start_replicator();
  stack.start_es_consumer();
  ASSERT_TRUE(snapshot_begun()) << stack.replicator().log();
  ASSERT_EQ(writing.wait(), 0) << writing.log();
  ASSERT_TRUE(stack.caught_up()) << stack.replicator().log();
  EXPECT_EQ(stack.mirror_difference("work"), "") << stack.es_consumer().log();
  EXPECT_EQ(ids_seen_twice(), 0u);
}

TEST_P(SnapshotHandover, KilledInTheMiddleItBeginsAgainUnderANewEpochWithoutGhosts) {
  Program writing = writers(6);
  stack.start_es_consumer();
  stack.start_replicator();
  ASSERT_TRUE(snapshot_begun()) << stack.replicator().log();
  stack.replicator().kill_now();
  EXPECT_EQ(stack.replicator().log().find("is complete"), std::string::npos) << "the snapshot was over before the kill";
  // These rows may be in the topic already, under the first epoch: they must not be in the mirror.
  stack.sql("DELETE FROM work WHERE id BETWEEN 1 AND 500");
  stack.start_replicator();
  ASSERT_EQ(writing.wait(), 0) << writing.log();
  ASSERT_TRUE(stack.caught_up(seconds(120))) << stack.replicator().log();
  EXPECT_EQ(stack.mirror_difference("work", seconds(120)), "") << stack.es_consumer().log();
  EXPECT_EQ(ids_seen_twice(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SnapshotHandover, testing::Range(1, 1 + seeds()));
