// A peer stays away for a while under load: bounded memory, nothing lost, and everything catches up by itself (P-14 to
// P-16, K-12). SLUICE_OUTAGE_SECONDS (60) says for how long.
//
// link: sluice::base
// servers: own
#include <cstdlib>
#include <sstream>
#include <utility>

#include <gtest/gtest.h>

#include "crash/checker.h"
#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

constexpr long kMaxMemoryKib = 120 * 1024;

class Outages : public testing::Test {
 protected:
  explicit Outages(StackOptions options) : stack(std::move(options)) {}
  void SetUp() override {
    stack.sql("CREATE TABLE work (id int PRIMARY KEY, client int, val text NOT NULL)");
    stack.settings()["postgres.tables"] = "[public.work]";
    stack.settings()["postgres.park_after"] = "5s";
    // A broker that comes back waits so long for the member that it knew before it gives its partitions away again.
    stack.settings()["kafka.session_timeout"] = "10s";
  }

  void start() {
    stack.start_replicator();
    stack.start_es_consumer();
    ASSERT_TRUE(eventually([&] { return stack.replicator().log().find("streaming from") != std::string::npos; }))
        << stack.replicator().log();
    // Who was never given partitions has none to lose.
    ASSERT_TRUE(eventually([&] { return stack.es_consumer().log().find("3 partitions") != std::string::npos; }))
        << stack.es_consumer().log();
  }

  /// As Kafka knows it. A member that did not poll in time is put out of the group and comes back under another id.
  std::string member_id() {
    std::istringstream table(run_ok({SLUICE_SOURCE_DIR "/Docker_Files/native/kafka", "tool",
                                     "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "--bootstrap-server",
                                     "127.0.0.1:" + std::to_string(stack.kafka().port()), "--describe", "--members",
                                     "--timeout", "60000", "--group", stack.settings()["kafka.groupID"]}));
    for (std::string line; std::getline(table, line);) {
      std::istringstream columns(line);
      std::string group, member;
      columns >> group >> member;
      if (group == stack.settings()["kafka.groupID"]) return member;
    }
    return "";
  }

  static int outage_seconds() {
    const char* value = std::getenv("SLUICE_OUTAGE_SECONDS");
    return value == nullptr ? 60 : std::atoi(value);
  }
  /// What came together in the outage has to be caught up with.
  static seconds patience() { return seconds(180 + 2 * outage_seconds()); }
  Program writers() {
    const std::string script =
        "INSERT INTO work SELECT floor(random() * 1000000)::int + g * 1000000, g, repeat(md5(random()::text), 8) "
        "FROM generate_series(1, 50) g ON CONFLICT (id) DO NOTHING;";
    return Program({"sh", "-c",
                    "echo '" + script + "' | pgbench -n -c 2 -R 40 -T " + std::to_string(outage_seconds()) +
                        " -f /dev/stdin \"" + stack.dsn() + "\""},
                   stack.folder() + "/writers.log");
  }

  /// The outage begins under load. Topic and indices are made before, so that the writers' time is that of the outage.
  Program writers_at_work() {
    stack.sql("INSERT INTO work VALUES (0, 0, 'before all others')");
    EXPECT_TRUE(stack.journal_has("work", 1)) << stack.es_consumer().log();
    EXPECT_EQ(stack.mirror_difference("work"), "") << stack.es_consumer().log();
    Program writing = writers();
    EXPECT_TRUE(stack.journal_has("work", 1'000)) << writing.log() << stack.es_consumer().log();
    return writing;
  }

  void expect_bounded_memory() {
    EXPECT_LT(stack.replicator().peak_memory_kib(), kMaxMemoryKib);
    EXPECT_LT(stack.es_consumer().peak_memory_kib(), kMaxMemoryKib);
  }

  Stack stack;
};

class OutageOfKafka : public Outages {
 protected:
  OutageOfKafka() : Outages({.own_kafka = true}) {}
};

class OutageOfElasticsearch : public Outages {
 protected:
  OutageOfElasticsearch() : Outages({.own_elasticsearch = true}) {}
};

/// What others write goes into the WAL of their server, too.
class IdleDatabase : public Outages {
 protected:
  IdleDatabase() : Outages({.own_postgres = true}) {}
};

}  // namespace

TEST_F(OutageOfKafka, ParksTheReplicatorInBoundedMemoryAndIsCaughtUpWith) {
  start();
  Program writing = writers_at_work();
  stack.kafka().stop();
  EXPECT_EQ(writing.wait(seconds(outage_seconds() + 60)), 0) << writing.log();
  for (const char* told : {"kafka.parked", "kafka.unreachable"}) {
    EXPECT_TRUE(eventually([&] { return stack.replicator().log().find(told) != std::string::npos; }))
        << told << "\n"
        << stack.replicator().log();
  }
  EXPECT_TRUE(eventually([&] {
    return stack.sql("SELECT active FROM pg_replication_slots WHERE slot_name = '" + stack.slot() + "'") == "f";
  }));
  stack.kafka().start();
  ASSERT_TRUE(stack.caught_up(patience())) << stack.replicator().log();
  EXPECT_EQ(stack.mirror_difference("work", patience()), "") << stack.es_consumer().log();
  EXPECT_EQ(static_cast<std::int64_t>(stack.events().size()), stack.sql_number("SELECT count(*) FROM work"));
  EXPECT_NE(stack.replicator().log().find("Kafka answers again"), std::string::npos) << stack.replicator().log();
  expect_bounded_memory();
}

TEST_F(OutageOfElasticsearch, LeavesTheConsumerItsMembershipAndIsCaughtUpWith) {
  // The outage is longer, so who stops polling is out.
  stack.settings()["kafka.max_poll_interval"] = "10s";
  start();
  Program writing = writers_at_work();
  const std::string member = member_id();
  EXPECT_NE(member, "");
  stack.elasticsearch_server().stop();
  EXPECT_EQ(writing.wait(seconds(outage_seconds() + 60)), 0) << writing.log();
  EXPECT_TRUE(stack.es_consumer().is_running()) << stack.es_consumer().log();
  EXPECT_EQ(member_id(), member) << stack.es_consumer().log();
  stack.elasticsearch_server().start();
  EXPECT_EQ(stack.mirror_difference("work", patience()), "") << stack.es_consumer().log();
  EXPECT_EQ(member_id(), member) << stack.es_consumer().log();
  const auto records = stack.events();
  EXPECT_TRUE(stack.journal_has("work", records.size(), patience())) << stack.es_consumer().log();
  EXPECT_EQ(check_journal(records, stack.documents(stack.journal("work"))), std::vector<std::string>{});
  expect_bounded_memory();
}

TEST_F(IdleDatabase, ReleasesItsWalBesideABusyTableThatIsNotPublished) {
  stack.settings().erase("postgres.idle_checkpoint_interval");
  start();
  stack.sql("CREATE TABLE busy (id bigserial PRIMARY KEY, filler text)");
  for (int i = 0; i < 5; ++i)
    stack.sql("INSERT INTO busy (filler) SELECT repeat('x', 500) FROM generate_series(1, 10000)");
  EXPECT_TRUE(eventually(
      [&] {
        return stack.sql_number(
                   "SELECT pg_current_wal_lsn() - confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '" +
                   stack.slot() + "'") < 1'000'000;
      },
      seconds(15)))
      << stack.replicator().log();
}
