// link: sluice::base
//
// What changed behind our back is noticed at the next start: exit code 3, the id and the remedy; nothing is sent,
// nothing is confirmed (rule P-2).
#include <filesystem>
#include <utility>

#include <gtest/gtest.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

class StartRefusals : public testing::Test {
 protected:
  void SetUp() override {
    stack.sql("CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'one')");
    stack.settings()["postgres.tables"] = "[public.users]";
  }

  std::string state() const { return stack.folder() + "/state"; }

  /// Snapshot, one change, a clean stop.
  void run_once() {
    stack.start_replicator();
    ASSERT_TRUE(streaming()) << stack.replicator().log();
    stack.sql("INSERT INTO users SELECT coalesce(max(id), 0) + 1, 'next' FROM users");
    ASSERT_TRUE(stack.caught_up()) << stack.replicator().log();
    ASSERT_EQ(stack.replicator().stop(), 0) << stack.replicator().log();
    wait_for_free_slot();
    std::filesystem::remove(stack.folder() + "/replicator.log");
  }
  void run_and_kill() {
    stack.start_replicator();
    ASSERT_TRUE(streaming()) << stack.replicator().log();
    stack.sql("INSERT INTO users SELECT coalesce(max(id), 0) + 1, 'next' FROM users");
    ASSERT_TRUE(stack.caught_up()) << stack.replicator().log();
    stack.replicator().kill_now();
    wait_for_free_slot();
    std::filesystem::remove(stack.folder() + "/replicator.log");
  }
  bool streaming() {
    return eventually([&] { return stack.replicator().log().find("streaming from") != std::string::npos; });
  }
  void wait_for_free_slot() {
    EXPECT_TRUE(eventually([&] {
      return stack.sql("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '" + stack.slot() +
                       "' AND active") == "0";
    }));
  }
  std::string confirmed() {
    return stack.sql("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '" + stack.slot() + "'");
  }
  void drop_slot() { stack.sql("SELECT pg_drop_replication_slot('" + stack.slot() + "')"); }
  void make_slot() { stack.sql("SELECT pg_create_logical_replication_slot('" + stack.slot() + "', 'pgoutput')"); }

  /// How many records there are of events, and of control: a refused start announces nothing either.
  std::pair<std::size_t, std::size_t> sent() {
    return {stack.records(stack.topic()).size(), stack.records(stack.control_topic()).size()};
  }
  void expect_refused(const std::string& id, const std::string& remedy) {
    const auto records = sent();
    const auto position = confirmed();
    stack.start_replicator();
    EXPECT_EQ(stack.replicator().wait(), 3) << stack.replicator().log();
    const std::string last = stack.replicator().last_line();
    EXPECT_TRUE(last.starts_with("ERROR " + id + ":")) << last;
    EXPECT_NE(last.find(remedy), std::string::npos) << last;
    EXPECT_EQ(sent(), records) << "something was sent";
    EXPECT_EQ(confirmed(), position) << "something was confirmed";
  }
  void expect_not_adopted(const std::string& id, const std::string& remedy) {
    const auto records = sent();
    const auto position = confirmed();
    const auto adopted = stack.replicator_command({"slot", "adopt"});
    EXPECT_EQ(adopted.exit_code, 3) << adopted.output;
    EXPECT_NE(adopted.output.find("ERROR " + id + ":"), std::string::npos) << adopted.output;
    EXPECT_NE(adopted.output.find(remedy), std::string::npos) << adopted.output;
    EXPECT_EQ(sent(), records) << "something was sent";
    EXPECT_EQ(confirmed(), position) << "something was confirmed";
  }

  Stack stack;
};

}  // namespace

TEST_F(StartRefusals, TheSlotWasDropped) {
  run_once();
  drop_slot();
  expect_refused("pg.slot_missing", "slot reset --new-epoch");
}

TEST_F(StartRefusals, TheSlotWasMadeAgain) {
  run_once();
  drop_slot();
  stack.sql("INSERT INTO users VALUES (50, 'missed')");
  make_slot();
  expect_refused("pg.slot_advanced", "slot reset --new-epoch");
}

TEST_F(StartRefusals, TheSlotIsOnlyASessions) {
  run_once();
  drop_slot();
  Program session(
      {"psql", stack.dsn(), "-c", "SELECT pg_create_logical_replication_slot('" + stack.slot() + "', 'pgoutput', true)",
       "-c", "SELECT pg_sleep(600)"},
      stack.folder() + "/session.log");
  ASSERT_TRUE(eventually([&] { return !confirmed().empty(); })) << session.log();
  expect_refused("pg.slot_temporary", "Name another slot");
  stack.sql("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '" + stack.slot() +
            "'");
}

TEST_F(StartRefusals, TheSlotIsACopyOfAnOlderOne) {
  stack.sql("SELECT pg_create_logical_replication_slot('older', 'pgoutput')");
  run_once();
  drop_slot();
  stack.sql("SELECT pg_copy_logical_replication_slot('older', '" + stack.slot() +
            "'); SELECT pg_drop_replication_slot('older')");
  stack.sql("INSERT INTO users VALUES (50, 'for another')");
  expect_refused("pg.slot_recreated", "slot reset --new-epoch");
}

TEST_F(StartRefusals, TheServerIsAnotherCluster) {
  run_once();
  Stack other(StackOptions{.postgres_version = 16});
  ASSERT_NE(other.postgres().port(), stack.postgres().port());
  // Everything there has the names that it has here.
  const std::string slot = "'" + stack.slot() + "'";
  other.sql_in("postgres", "CREATE DATABASE " + stack.database());
  const auto sql = [&](const std::string& statement) { return other.sql_in(stack.database(), statement); };
  sql("CREATE TABLE users (id int PRIMARY KEY, name text); CREATE PUBLICATION " +
      stack.settings()["postgres.publication_name"] + " FOR TABLE users");
  sql("SELECT pg_create_logical_replication_slot(" + slot + ", 'pgoutput'); INSERT INTO users VALUES (50, 'other')");
  const std::string confirmed_there = "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = " + slot;
  const std::string before = sql(confirmed_there);
  stack.settings()["postgres.port"] = std::to_string(other.postgres().port());
  expect_refused("pg.system_changed", "state_dir");
  EXPECT_EQ(sql(confirmed_there), before);
  sql("SELECT pg_drop_replication_slot(" + slot + ")");
  other.sql_in("postgres", "DROP DATABASE " + stack.database());
}

TEST_F(StartRefusals, TheSlotWasAdvancedByAnother) {
  run_once();
  stack.sql("INSERT INTO users VALUES (50, 'missed')");
  stack.sql("SELECT pg_replication_slot_advance('" + stack.slot() + "', pg_current_wal_lsn())");
  expect_refused("pg.slot_advanced", "slot reset --new-epoch");
}

TEST_F(StartRefusals, TheStateWasDeletedAndAdoptingGoesOnWithoutARecordTwice) {
  run_once();
  std::filesystem::remove_all(state());
  expect_refused("pg.position_lost", "slot adopt");
  const auto before = stack.events().size();
  const auto adopted = stack.replicator_command({"slot", "adopt"});
  EXPECT_EQ(adopted.exit_code, 0) << adopted.output;
  stack.sql("INSERT INTO users VALUES (60, 'after')");
  stack.start_replicator();
  EXPECT_TRUE(stack.topic_has(before + 1)) << stack.replicator().log();
  EXPECT_TRUE(stack.caught_up());
  EXPECT_EQ(stack.events().size(), before + 1);
}

TEST_F(StartRefusals, APositionThatIsThereIsNotReplacedByAdopting) {
  run_once();
  stack.sql("INSERT INTO users VALUES (60, 'after')");
  const auto before = stack.events().size();
  expect_not_adopted("replicator.state_is_there", "Start the replicator");
  stack.start_replicator();
  EXPECT_TRUE(stack.topic_has(before + 1)) << stack.replicator().log();
  EXPECT_TRUE(stack.caught_up());
  EXPECT_EQ(stack.events().size(), before + 1);
}

TEST_F(StartRefusals, ASlotOfADbaIsNotAdoptedWhereNothingWasEverSent) {
  stack.sql("CREATE PUBLICATION " + stack.settings()["postgres.publication_name"] + " FOR TABLE users");
  make_slot();
  expect_not_adopted("replicator.nothing_to_adopt", "postgres.snapshot: never");
  // No state was left behind, which would be taken for a position.
  expect_refused("pg.slot_without_snapshot", "postgres.snapshot: never");
}

TEST_F(StartRefusals, ASlotWhoseSnapshotWasNeverCompleteIsNotAdopted) {
  // Not compressible, and larger than kafka.max_message_bytes: the snapshot cannot end.
  stack.sql("INSERT INTO users SELECT 2, string_agg(md5(g::text), '') FROM generate_series(1, 40000) g");
  stack.start_replicator();
  ASSERT_EQ(stack.replicator().wait(), 3) << stack.replicator().log();
  ASSERT_TRUE(stack.replicator().last_line().starts_with("ERROR kafka.message_too_large:"))
      << stack.replicator().last_line();
  ASSERT_NE(confirmed(), "") << "the slot is there";
  std::filesystem::remove_all(state());
  expect_not_adopted("replicator.snapshot_unfinished", "slot reset --new-epoch");
  expect_refused("pg.position_lost", "slot reset --new-epoch");
}

TEST_F(StartRefusals, AResetBeginsANewEpochWithASnapshot) {
  run_once();
  drop_slot();
  const auto reset = stack.replicator_command({"slot", "reset", "--new-epoch"});
  EXPECT_EQ(reset.exit_code, 0) << reset.output;
  const auto before = stack.events().size();
  stack.start_replicator();
  ASSERT_TRUE(streaming()) << stack.replicator().log();
  const auto events = stack.events();
  EXPECT_EQ(events.size(), before + 2) << "the two rows of the table";
  EXPECT_EQ(events.back().json()["source"]["epoch"], 2);
}

TEST_F(StartRefusals, TheStateIsFromAnOlderBackup) {
  run_once();
  std::filesystem::copy(state(), stack.folder() + "/backup", std::filesystem::copy_options::recursive);
  run_once();
  std::filesystem::remove_all(state());
  std::filesystem::rename(stack.folder() + "/backup", state());
  expect_refused("pg.slot_advanced", "slot reset --new-epoch");
}

TEST_F(StartRefusals, ThePublicationWasMadeAgain) {
  run_once();
  const std::string name = stack.settings()["postgres.publication_name"];
  stack.sql("DROP PUBLICATION " + name + "; CREATE PUBLICATION " + name + " FOR TABLE users");
  expect_refused("pg.publication_changed", "slot reset --new-epoch");
}

TEST_F(StartRefusals, TheTopicWasMadeAgain) {
  run_once();
  stack.topic_tool({"--delete", "--topic", stack.topic()});
  ASSERT_TRUE(eventually([&] { return stack.topic_tool({"--list"}).find(stack.topic() + "\n") == std::string::npos; }));
  stack.topic_tool({"--create", "--topic", stack.topic(), "--partitions", "3"});
  expect_refused("kafka.topic_changed", "slot reset --new-epoch");
}

TEST_F(StartRefusals, TheTopicHasMorePartitions) {
  run_once();
  stack.topic_tool({"--alter", "--topic", stack.topic(), "--partitions", "5"});
  expect_refused("kafka.partitions_changed", "slot reset --new-epoch");
}

TEST_F(StartRefusals, TheRoutingWasChangedAfterAKill) {
  run_and_kill();
  const std::string other = stack.topic() + "-other";
  stack.settings()["kafka.topic"] = other;
  stack.sql("INSERT INTO users VALUES (70, 'elsewhere')");
  expect_refused("config.routing_changed", "--accept-routing-change");
  EXPECT_TRUE(stack.records(other).empty());
}

TEST_F(StartRefusals, TheRoutingWasChangedAfterACleanStopAndIsAccepted) {
  run_once();
  const std::string other = stack.topic() + "-other";
  stack.settings()["kafka.topic"] = other;
  stack.sql("INSERT INTO users VALUES (70, 'elsewhere')");
  stack.start_replicator();
  EXPECT_TRUE(eventually([&] { return stack.records(other).size() >= 1; })) << stack.replicator().log();
}

TEST_F(StartRefusals, ASlotOfADbaIsAdoptedWithSnapshotNever) {
  const std::string name = stack.settings()["postgres.publication_name"];
  stack.sql("CREATE PUBLICATION " + name + " FOR TABLE users");
  make_slot();
  stack.sql("INSERT INTO users VALUES (2, 'behind the slot')");
  stack.settings()["postgres.snapshot"] = "never";
  stack.start_replicator();
  EXPECT_TRUE(stack.topic_has(1)) << stack.replicator().log();
  EXPECT_TRUE(stack.caught_up());
  ASSERT_EQ(stack.events().size(), 1u);
  EXPECT_EQ(stack.events()[0].json()["after"]["id"], 2);
}

TEST_F(StartRefusals, ASlotOfADbaIsNoSnapshot) {
  const std::string name = stack.settings()["postgres.publication_name"];
  stack.sql("CREATE PUBLICATION " + name + " FOR TABLE users");
  make_slot();
  stack.sql("INSERT INTO users VALUES (2, 'behind the slot')");
  expect_refused("pg.slot_without_snapshot", "postgres.snapshot: never");
}

TEST_F(StartRefusals, TheStateAndTheControlTopicWereLostAndTheNextEpochIsAboveTheTopics) {
  run_once();
  std::filesystem::remove_all(state());
  const std::string control = stack.control_topic();
  stack.topic_tool({"--delete", "--topic", control});
  ASSERT_TRUE(eventually([&] { return stack.topic_tool({"--list"}).find(control + "\n") == std::string::npos; }));
  expect_refused("pg.position_lost", "topics of its own");
  // Nobody knows whether the snapshot was complete.
  expect_not_adopted("replicator.snapshot_unfinished", "slot reset --new-epoch");
  const auto reset = stack.replicator_command({"slot", "reset", "--new-epoch"});
  EXPECT_EQ(reset.exit_code, 0) << reset.output;
  stack.start_replicator();
  ASSERT_TRUE(streaming()) << stack.replicator().log();
  EXPECT_EQ(stack.events().back().json()["source"]["epoch"], 2);
}
