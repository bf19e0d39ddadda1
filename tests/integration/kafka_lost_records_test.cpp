// link: sluice::base
// servers: own
//
// Kafka has less than it acknowledged: the replicator stops instead of going on behind the gap (P-2.6).
#include <filesystem>

#include <gtest/gtest.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

class KafkaLostRecords : public testing::Test {
 protected:
  void SetUp() override {
    stack.sql("CREATE TABLE t (id int PRIMARY KEY)");
    stack.settings()["postgres.tables"] = "[public.t]";
    stack.settings()["kafka.partitions"] = "1";
    start();
  }

  void start() {
    std::filesystem::remove(stack.folder() + "/replicator.log");
    stack.start_replicator();
    ASSERT_TRUE(eventually([&] { return stack.replicator().log().find("streaming from") != std::string::npos; }))
        << stack.replicator().log();
  }

  /// As a disk does that was not flushed before the power failed.
  void forget_the_end_of_the_log() {
    const std::filesystem::path folder = stack.kafka().data() + "/logs/" + stack.topic() + "-0";
    stack.kafka().kill_now();
    const auto log = folder / "00000000000000000000.log";
    ASSERT_GT(std::filesystem::file_size(log), kept_bytes) << "nothing was written after the mark";
    std::filesystem::resize_file(log, kept_bytes);
    stack.kafka().start();
  }
  void mark_the_end_of_the_log() {
    kept_bytes =
        std::filesystem::file_size(stack.kafka().data() + "/logs/" + stack.topic() + "-0/00000000000000000000.log");
  }

  void expect_stop() {
    EXPECT_EQ(stack.replicator().wait(), 3) << stack.replicator().log();
    const std::string last = stack.replicator().last_line();
    EXPECT_TRUE(last.starts_with("ERROR kafka.topic_truncated:")) << last;
    EXPECT_NE(last.find("slot reset --new-epoch"), std::string::npos) << last;
  }

  std::uintmax_t kept_bytes = 0;
  Stack stack{{.own_kafka = true}};
};

}  // namespace

TEST_F(KafkaLostRecords, WhatWasWrittenSinceTheLastStartIsMissedAfterACleanStopAndAfterAKill) {
  stack.sql("INSERT INTO t VALUES (1)");
  ASSERT_TRUE(stack.caught_up()) << stack.replicator().log();
  mark_the_end_of_the_log();
  stack.sql("INSERT INTO t VALUES (2)");
  ASSERT_TRUE(stack.caught_up()) << stack.replicator().log();
  ASSERT_EQ(stack.replicator().stop(), 0) << stack.replicator().log();
  forget_the_end_of_the_log();
  ASSERT_EQ(stack.events().size(), 1u);
  stack.start_replicator();
  expect_stop();

  ASSERT_EQ(stack.replicator_command({"slot", "reset", "--new-epoch"}).exit_code, 0);
  start();
  mark_the_end_of_the_log();
  stack.sql("INSERT INTO t VALUES (3)");
  ASSERT_TRUE(stack.caught_up()) << stack.replicator().log();
  stack.replicator().kill_now();
  forget_the_end_of_the_log();
  stack.start_replicator();
  expect_stop();
}
