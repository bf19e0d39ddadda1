// link: sluice::base
//
// Wrong configurations and surroundings: a clear last line with an id and a remedy, and nothing lost.
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/mount.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

class WrongBeginnings : public testing::Test {
 protected:
  void SetUp() override {
    stack.sql("CREATE TABLE users (id int PRIMARY KEY, name text)");
    stack.settings()["postgres.tables"] = "[public.users]";
  }
  void expect_end(int exit_code, const std::string& id) {
    stack.start_replicator();
    EXPECT_EQ(stack.replicator().wait(), exit_code) << stack.replicator().log();
    EXPECT_TRUE(stack.replicator().last_line().starts_with("ERROR " + id + ":")) << stack.replicator().last_line();
  }
  bool streaming() {
    return eventually([&] { return stack.replicator().log().find("streaming from") != std::string::npos; });
  }

  Stack stack;
};

}  // namespace

TEST_F(WrongBeginnings, AWrongPassword) {
  stack.settings()["postgres.password"] = "not-the-password";
  expect_end(3, "pg.auth_failed");
  EXPECT_EQ(stack.replicator().log().find("not-the-password"), std::string::npos) << "the log shows the password";
}

TEST_F(WrongBeginnings, AnUnknownKeyNamesTheNearest) {
  stack.settings()["postgres.slotname"] = "x";
  expect_end(2, "config.unknown_key");
  EXPECT_NE(stack.replicator().last_line().find("slot_name"), std::string::npos) << stack.replicator().last_line();
}

TEST_F(WrongBeginnings, AMissingTableNamesTheNearest) {
  stack.settings()["postgres.tables"] = "[public.user]";
  expect_end(3, "pg.table_missing");
  EXPECT_NE(stack.replicator().last_line().find("users"), std::string::npos) << stack.replicator().last_line();
}

TEST_F(WrongBeginnings, APublicationWithoutOneOfTheTables) {
  stack.sql("CREATE TABLE orders (id int PRIMARY KEY)");
  stack.sql("CREATE PUBLICATION " + stack.settings()["postgres.publication_name"] + " FOR TABLE orders");
  expect_end(3, "pg.publication_incomplete");
  EXPECT_NE(stack.replicator().last_line().find("ADD TABLE public.users"), std::string::npos)
      << stack.replicator().last_line();
  stack.sql("ALTER PUBLICATION " + stack.settings()["postgres.publication_name"] + " ADD TABLE public.users");
  std::filesystem::remove(stack.folder() + "/replicator.log");
  stack.start_replicator();
  EXPECT_TRUE(streaming()) << stack.replicator().log();
}

TEST_F(WrongBeginnings, AMissingDatabase) {
  stack.settings()["postgres.dbname"] = "nowhere";
  expect_end(3, "pg.database_missing");
}

TEST_F(WrongBeginnings, AnUnreachableBrokerIsWaitedForAsLongAsAllowed) {
  stack.settings()["kafka.brokers"] = "['127.0.0.1:1']";
  stack.settings()["kafka.request_timeout"] = "2s";
  stack.settings()["retry.max_outage"] = "4s";
  expect_end(4, "kafka.unreachable");
}

TEST_F(WrongBeginnings, AStopDoesNotWaitForABrokerThatIsAway) {
  stack.settings()["kafka.brokers"] = "['127.0.0.1:1']";
  stack.settings()["kafka.request_timeout"] = "5m";
  stack.start_replicator();
  // The last thing before Kafka is asked.
  ASSERT_TRUE(eventually([&] { return stack.sql_number("SELECT count(*) FROM pg_publication") == 1; }))
      << stack.replicator().log();
  EXPECT_EQ(stack.replicator().stop(), 0) << stack.replicator().log();
}

TEST_F(WrongBeginnings, AnUnreachableDatabaseIsWaitedForAsLongAsAllowed) {
  stack.settings()["postgres.port"] = "1";
  stack.settings()["retry.max_outage"] = "2s";
  expect_end(4, "pg.unreachable");
}

TEST_F(WrongBeginnings, ARecordOverTheLimitHaltsAndIsSentOnceTheLimitIsRaised) {
  stack.start_replicator();
  ASSERT_TRUE(streaming()) << stack.replicator().log();
  // Not compressible, and larger than kafka.max_message_bytes.
  stack.sql("INSERT INTO users SELECT 1, string_agg(md5(g::text), '') FROM generate_series(1, 40000) g");
  EXPECT_EQ(stack.replicator().wait(), 3) << stack.replicator().log();
  EXPECT_TRUE(stack.replicator().last_line().starts_with("ERROR kafka.message_too_large:"))
      << stack.replicator().last_line();
  EXPECT_TRUE(stack.events().empty());

  run_ok({SLUICE_SOURCE_DIR "/Docker_Files/native/kafka", "tool", "kafka.admin.ConfigCommand", "--bootstrap-server",
          "127.0.0.1:" + std::to_string(stack.kafka().port()), "--alter", "--topic", stack.topic(), "--add-config",
          "max.message.bytes=4000000"});
  stack.settings()["kafka.max_message_bytes"] = "4000000";
  stack.start_replicator();
  EXPECT_TRUE(stack.topic_has(1)) << stack.replicator().log();
}

TEST_F(WrongBeginnings, WalLevelReplica) {
  StackOptions options;
  options.own_postgres = true;
  options.postgres_options = {"--set", "wal_level=replica"};
  Stack own(options);
  own.sql("CREATE TABLE users (id int PRIMARY KEY)");
  own.settings()["postgres.tables"] = "[public.users]";
  own.start_replicator();
  EXPECT_EQ(own.replicator().wait(), 3) << own.replicator().log();
  EXPECT_TRUE(own.replicator().last_line().starts_with("ERROR pg.wal_level:")) << own.replicator().last_line();
}

TEST_F(WrongBeginnings, AServerWhoseSnapshotsMayMissARowTakesNoneUnlessThatIsAccepted) {
  Stack old(StackOptions{.postgres_version = 16});
  if (old.sql_number("SHOW server_version_num") >= 160'016) GTEST_SKIP() << "needs a PostgreSQL before 16.16";
  old.sql("CREATE TABLE users (id int PRIMARY KEY); INSERT INTO users VALUES (1)");
  old.settings()["postgres.tables"] = "[public.users]";
  const auto slots = [&] {
    return old.sql_number("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '" + old.slot() + "'");
  };
  old.start_replicator();
  EXPECT_EQ(old.replicator().wait(), 3) << old.replicator().log();
  const std::string last = old.replicator().last_line();
  EXPECT_TRUE(last.starts_with("ERROR pg.snapshot_race:")) << last;
  EXPECT_NE(last.find("postgres.accept_snapshot_race"), std::string::npos) << last;
  EXPECT_EQ(slots(), 0);
  EXPECT_TRUE(old.records(old.control_topic()).empty()) << "an epoch was announced";

  old.settings()["postgres.accept_snapshot_race"] = "on";
  old.start_replicator();
  EXPECT_TRUE(old.topic_has(1)) << old.replicator().log();
  EXPECT_EQ(slots(), 1);
}

TEST_F(WrongBeginnings, AFullDiskUnderTheStateLosesNothingAndItGoesOnWhenThereIsSpace) {
  const std::string state = stack.folder() + "/state";
  // To the last page: what large blocks leave over would be enough for a position.
  const auto fill = [&] {
    run({"sh", "-c", "for size in 64k 4k 512; do dd if=/dev/zero bs=$size 2>/dev/null; done >'" + state + "/filler'"});
  };
  const auto make_space = [&] { std::filesystem::remove(state + "/filler"); };
  const auto log_has = [&](const std::string& words) {
    return eventually([&] { return stack.replicator().log().find(words) != std::string::npos; });
  };
  const auto confirmed = [&](const std::string& column) {
    return stack.sql("SELECT " + column + " FROM pg_replication_slots WHERE slot_name = '" + stack.slot() + "'");
  };
  std::filesystem::create_directories(state);
  if (mount("tmpfs", state.c_str(), "tmpfs", 0, "size=3m,mode=700") != 0)
    GTEST_SKIP() << "needs the right to mount a tmpfs";
  stack.settings()["log.database"] = "off";
  stack.settings()["postgres.park_after"] = "2s";
  stack.settings().erase("postgres.idle_checkpoint_interval");  // what others write must not move the position
  // The state keeps the form of each table from its first event on: with these it grows beyond the pages that it has.
  for (const std::string table : {"wide", "wider"})
    stack.sql("SELECT format('CREATE TABLE " + table +
              " (id int PRIMARY KEY, %s)', string_agg(repeat('c', 50) || g || ' int', ', ')) FROM generate_series(1, "
              "1000) g \\gexec");
  stack.settings()["postgres.tables"] = "[public.users, public.wide, public.wider]";

  fill();
  stack.start_replicator();
  EXPECT_TRUE(log_has("offsets.disk_full")) << stack.replicator().log();
  EXPECT_EQ(confirmed("count(*)"), "0");
  make_space();
  ASSERT_EQ(stack.replicator().stop().has_value(), true);

  // It lives on: nothing is confirmed until there is space.
  std::filesystem::remove(stack.folder() + "/replicator.log");
  stack.start_replicator();
  ASSERT_TRUE(streaming()) << stack.replicator().log();
  stack.sql("INSERT INTO users VALUES (1, 'before')");
  ASSERT_TRUE(stack.caught_up());
  fill();
  const std::string begin = stack.sql("SELECT pg_current_wal_insert_lsn()");
  stack.sql("INSERT INTO wide VALUES (1); INSERT INTO users SELECT g, 'while full' FROM generate_series(2, 2000) g");
  ASSERT_TRUE(log_has("offsets.disk_full")) << stack.replicator().log();
  const std::string held = confirmed("confirmed_flush_lsn");
  EXPECT_EQ(confirmed("confirmed_flush_lsn <= '" + begin + "'"), "t") << held << " and " << begin;
  ASSERT_TRUE(log_has("kafka.parked")) << stack.replicator().log();
  EXPECT_EQ(confirmed("confirmed_flush_lsn"), held);
  make_space();
  EXPECT_TRUE(stack.caught_up()) << stack.replicator().log();
  EXPECT_NE(stack.replicator().log().find("the position can be stored again"), std::string::npos);
  EXPECT_EQ(stack.events().size(), 2'001u);

  // It does not live on: the next life has it from PostgreSQL again.
  std::filesystem::remove(stack.folder() + "/replicator.log");
  ASSERT_EQ(stack.replicator().stop(), 0);
  stack.start_replicator();
  ASSERT_TRUE(streaming()) << stack.replicator().log();
  fill();
  stack.sql("INSERT INTO wider VALUES (1); INSERT INTO users VALUES (3000, 'while full')");
  ASSERT_TRUE(log_has("offsets.disk_full")) << stack.replicator().log();
  stack.replicator().kill_now();
  make_space();
  stack.sql("INSERT INTO users VALUES (3001, 'after')");
  stack.start_replicator();
  EXPECT_TRUE(stack.topic_has(2'004)) << stack.replicator().log();
  EXPECT_TRUE(stack.caught_up()) << stack.replicator().log();
  EXPECT_EQ(stack.events().size(), 2'004u);
  stack.replicator().stop();
  umount(state.c_str());
}
