// link: sluice::base
//
// Rule P-33: harmless changes of a schema are followed; a table whose existing rows were rewritten without an event is
// halted where that happened, over restarts, while all others go on; an operator's decision makes it whole again.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;
using nlohmann::json;

namespace {

class SchemaChanges : public testing::Test {
 protected:
  /// A publication of all tables is nobody's member list: a table made again is in it at once.
  void publish_all_tables() {
    stack.sql("CREATE PUBLICATION " + publication() + " FOR ALL TABLES WITH (publish_via_partition_root = true)");
    stack.settings()["postgres.create_publication"] = "off";
  }
  void publish(const std::string& tables) { stack.settings()["postgres.tables"] = "[" + tables + "]"; }
  std::string publication() { return stack.settings()["postgres.publication_name"]; }

  void SetUp() override {
    stack.settings()["postgres.recheck_interval"] = "1s";
    // Whatever the minor version: nothing writes while the slot is made.
    stack.settings()["postgres.accept_snapshot_race"] = "on";
    stack.sql("CREATE TABLE calm (id int PRIMARY KEY, v text); INSERT INTO calm VALUES (1, 'snapshot')");
  }

  void start() {
    std::filesystem::remove(stack.folder() + "/replicator.log");
    stack.start_replicator();
    ASSERT_TRUE(log_has("streaming from")) << stack.replicator().log();
  }
  void stop() { ASSERT_EQ(stack.replicator().stop(), 0) << stack.replicator().log(); }
  void kill() {
    stack.replicator().kill_now();
    ASSERT_TRUE(eventually([&] {
      return stack.sql("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '" + stack.slot() +
                       "' AND active") == "0";
    }));
  }
  bool log_has(const std::string& text) {
    return eventually([&] { return stack.replicator().log().find(text) != std::string::npos; });
  }
  bool halted(const std::string& table, const std::string& reason) {
    return log_has("public." + table + " is halted since ") && log_has(reason);
  }
  int times_logged(const std::string& text) {
    const std::string log = stack.replicator().log();
    int count = 0;
    for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++count;
    return count;
  }
  void expect_caught_up() { EXPECT_TRUE(stack.caught_up()) << stack.replicator().log(); }

  /// What the raw records of the newest epoch say of a table: rows by id. Repeated ids are failures.
  std::map<std::string, json> rows_in_topic(const std::string& table) {
    std::vector<json> events;
    std::uint32_t epoch = 0;
    for (const KafkaRecord& record : stack.events()) {
      events.push_back(record.json());
      epoch = std::max(epoch, events.back()["source"]["epoch"].get<std::uint32_t>());
    }
    std::map<std::string, json> rows;
    std::set<std::string> ids;
    for (const json& event : events) {
      if (event["source"]["table"] != table || event["source"]["epoch"] != epoch) continue;
      EXPECT_TRUE(ids.insert(event["id"]).second) << "twice: " << event;
      if (event["op"] == "d") {
        rows.erase(event["before"]["id"].dump());
      } else {
        rows[event["after"]["id"].dump()] = event["after"];
      }
    }
    return rows;
  }
  std::set<std::string> ids_in_topic(const std::string& table) {
    std::set<std::string> ids;
    for (const auto& [id, row] : rows_in_topic(table)) ids.insert(id);
    return ids;
  }
  void expect_equal(const std::string& table) {
    SCOPED_TRACE(table);
    const auto wanted = stack.table_rows(table);
    const auto found = rows_in_topic(table);
    EXPECT_EQ(found.size(), wanted.size());
    int shown = 0;
    for (const auto& [id, row] : wanted) {
      const auto in_topic = found.find(id);
      if (in_topic != found.end() && in_topic->second == row) continue;
      ADD_FAILURE() << row << " is " << (in_topic == found.end() ? json() : in_topic->second);
      if (++shown == 5) break;
    }
  }
  std::size_t schema_records_of(const std::string& table) {
    std::set<std::string> keys;
    for (const KafkaRecord& record : stack.records(stack.control_topic())) {
      if (record.key.starts_with("schema:") && record.value && record.json()["table"] == table) keys.insert(record.key);
    }
    return keys.size();
  }
  void expect_whole_again_in_a_new_epoch(const std::vector<std::string>& tables) {
    const Finished reset = stack.replicator_command({"slot", "reset", "--new-epoch"});
    ASSERT_EQ(reset.exit_code, 0) << reset.output;
    start();
    EXPECT_EQ(times_logged("pg.table_halted"), 0) << stack.replicator().log();
    for (const auto& table : tables) stack.sql("INSERT INTO " + table + " (id) VALUES (1000000)");
    expect_caught_up();
    for (const auto& table : tables) expect_equal(table);
  }

  /// Statements of one session, each in its own transaction unless they say otherwise; one that fails is passed over.
  std::thread session(const std::string& statements) {
    return std::thread([dsn = stack.dsn(), statements] {
      run({"sh", "-c", "psql '" + dsn + "' -X -q >/dev/null 2>&1"}, statements);
    });
  }

  using Ids = std::set<std::string>;
  Stack stack;
};

std::string repeated(int times, const std::function<std::string(int)>& statements) {
  std::string text;
  for (int i = 0; i < times; ++i) text += statements(i);
  return text;
}

std::string number(int i) { return std::to_string(i); }

/// A row that is there already or does not fit any more is no matter.
std::string insert(const std::string& table, int i) {
  return "INSERT INTO " + table + " (id) VALUES (" + number(i) + ");";
}

}  // namespace

TEST_F(SchemaChanges, ThatLeaveTheRowsAsTheyAreAreFollowed) {
  publish_all_tables();
  stack.settings()["encoding.decimal"] = "number";
  stack.sql(R"(
    CREATE TYPE mood AS ENUM ('sad'); CREATE DOMAIN positive AS int CHECK (value > 0); CREATE TYPE pair AS (a int);
    CREATE TABLE t (id int PRIMARY KEY, name varchar(10), price numeric(6,2), m mood, p positive, c pair,
                    at timestamp(3), old int);
    INSERT INTO t VALUES (1, 'one', 1.50, 'sad', 1, row(1)::pair, '2026-11-26 08:00:00.125', 7))");
  start();
  stack.sql(R"(
    INSERT INTO t (id, old) VALUES (2, 2);
    ALTER TABLE t ADD COLUMN extra int DEFAULT 5;
    INSERT INTO t (id) VALUES (3);
    ALTER TABLE t DROP COLUMN old;
    INSERT INTO t (id) VALUES (4);
    ALTER TABLE t RENAME COLUMN extra TO more;
    INSERT INTO t (id, more) VALUES (5, 6);
    BEGIN;
    INSERT INTO t (id) VALUES (6);
    ALTER TABLE t ADD COLUMN inside text;
    INSERT INTO t (id, inside) VALUES (7, 'seven');
    SAVEPOINT s;
    ALTER TABLE t ALTER COLUMN inside TYPE int USING 1;
    INSERT INTO t (id, inside) VALUES (8, 8);
    ROLLBACK TO s;
    INSERT INTO t (id, inside) VALUES (8, 'eight');
    COMMIT;
    ALTER TABLE t ALTER COLUMN name TYPE varchar(20), ALTER COLUMN price TYPE numeric(12,2),
                  ALTER COLUMN at TYPE timestamp(6);
    INSERT INTO t (id, name, price) VALUES (9, 'longer than before', 123456.50);
    ALTER TABLE t ALTER COLUMN name TYPE text;
    INSERT INTO t (id, name) VALUES (10, 'ten');
    ALTER TYPE mood ADD VALUE 'happy';
    ALTER DOMAIN positive DROP CONSTRAINT positive_check;
    ALTER TYPE pair ADD ATTRIBUTE b text;
    INSERT INTO t (id, m, p, c) VALUES (11, 'happy', -1, row(1, 'two')::pair);
    ALTER TABLE t REPLICA IDENTITY FULL;
    INSERT INTO calm VALUES (2, 'stream'))");
  expect_caught_up();
  EXPECT_EQ(times_logged("pg.table_halted"), 0) << stack.replicator().log();
  EXPECT_GT(times_logged("schema_changed: public.t"), 0);
  EXPECT_GT(times_logged("pg.column_added"), 0);
  // Rows that were there are whole as soon as they are touched, which is what the warning says.
  stack.sql("UPDATE t SET more = more");
  expect_caught_up();
  expect_equal("t");
  expect_equal("calm");
  // Of the start, +extra, -old, extra as more, +inside, wider, text, identity.
  EXPECT_EQ(schema_records_of("t"), 8u);
}

TEST_F(SchemaChanges, AnotherTypeHaltsTheTableOverAKillAndTheOthersGoOn) {
  publish("public.calm, public.t");
  stack.sql("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1)");
  start();
  stack.sql(R"(
    INSERT INTO t VALUES (2, 2);
    BEGIN;
    INSERT INTO t VALUES (3, 3);
    INSERT INTO calm VALUES (2, 'before');
    ALTER TABLE t ALTER COLUMN v TYPE bigint USING v * 1000;
    INSERT INTO t VALUES (4, 4);
    INSERT INTO calm VALUES (3, 'behind');
    COMMIT;
    UPDATE t SET v = v + 1;
    DELETE FROM t WHERE id = 1;
    TRUNCATE t;
    INSERT INTO t VALUES (5, 5);
    INSERT INTO calm VALUES (4, 'later'))");
  ASSERT_TRUE(halted("t", "another type of column v")) << stack.replicator().log();
  kill();
  start();
  ASSERT_TRUE(halted("t", "another type of column v")) << stack.replicator().log();
  stack.sql("INSERT INTO t VALUES (6, 6); INSERT INTO calm VALUES (5, 'after the kill')");
  expect_caught_up();
  EXPECT_EQ(times_logged("is halted since"), 1) << stack.replicator().log();
  EXPECT_EQ(ids_in_topic("t"), (Ids{"1", "2", "3"}));
  EXPECT_EQ(rows_in_topic("t")["1"]["v"], 1);
  expect_equal("calm");

  const Finished refused = stack.replicator_command({"tables"});
  EXPECT_EQ(refused.exit_code, 3) << refused.output;
  EXPECT_NE(refused.output.find("offsets.in_use"), std::string::npos) << refused.output;
  stop();
  EXPECT_NE(stack.replicator_command({"tables"}).output.find("public.t is halted since"), std::string::npos);
  EXPECT_NE(stack.replicator_command({"status"}).output.find("halted           public.t"), std::string::npos);
  expect_whole_again_in_a_new_epoch({"t", "calm"});
}

TEST_F(SchemaChanges, AnotherTypeWhileNobodyReadsIsNoticedWithTheFirstRow) {
  publish("public.calm, public.t, public.u");
  stack.sql(
      "CREATE TABLE t (id int PRIMARY KEY, v int); CREATE TABLE u (id int PRIMARY KEY, v int);"
      "INSERT INTO t VALUES (1, 1); INSERT INTO u VALUES (1, 1)");
  start();
  stack.sql("INSERT INTO calm VALUES (2, 'stream')");
  expect_caught_up();
  stop();
  // Of t only the snapshot has told. Rows before the change are sent still.
  stack.sql("INSERT INTO t VALUES (2, 2); ALTER TABLE t ALTER v TYPE text; INSERT INTO t VALUES (3, 'three')");
  start();
  ASSERT_TRUE(halted("t", "another type of column v")) << stack.replicator().log();
  kill();
  stack.sql(
      "ALTER TABLE u ALTER v TYPE text; INSERT INTO t VALUES (4, 'four'); INSERT INTO u VALUES (2, 'two');"
      "INSERT INTO calm VALUES (3, 'last')");
  start();
  ASSERT_TRUE(halted("u", "another type of column v")) << stack.replicator().log();
  expect_caught_up();
  EXPECT_EQ(ids_in_topic("t"), (Ids{"1", "2"}));
  EXPECT_EQ(ids_in_topic("u"), (Ids{"1"}));
  expect_equal("calm");
}

TEST_F(SchemaChanges, AnotherKeyHaltsTheTableAndARenamedColumnOfTheKeyDoesNot) {
  publish_all_tables();
  stack.sql(R"(
    CREATE TABLE t (id int PRIMARY KEY, code int NOT NULL UNIQUE, v text); INSERT INTO t VALUES (1, 11, 'one');
    CREATE TABLE u (id int PRIMARY KEY, code int NOT NULL UNIQUE, v text); INSERT INTO u VALUES (1, 11, 'one');
    CREATE TABLE w (no int PRIMARY KEY, id int))");
  start();
  stack.sql(R"(
    INSERT INTO t VALUES (2, 12, 'two');
    ALTER TABLE t REPLICA IDENTITY USING INDEX t_code_key;
    DELETE FROM t WHERE id = 1;
    INSERT INTO w VALUES (1, 1); ALTER TABLE w RENAME no TO number; INSERT INTO w VALUES (2, 2);
    INSERT INTO calm VALUES (2, 'stream'))");
  ASSERT_TRUE(halted("t", "another key: column code")) << stack.replicator().log();
  expect_caught_up();
  EXPECT_EQ(ids_in_topic("t"), (Ids{"1", "2"})) << "the deleted row's document has the key of before";
  EXPECT_EQ(ids_in_topic("w"), (Ids{"1", "2"}));
  stop();
  // While nobody reads, and where the catalog alone knows the key.
  stack.sql(R"(
    ALTER TABLE u REPLICA IDENTITY FULL; INSERT INTO u VALUES (2, 12, 'two');
    ALTER TABLE u DROP CONSTRAINT u_pkey, ADD PRIMARY KEY (code); DELETE FROM u WHERE id = 1)");
  start();
  ASSERT_TRUE(halted("u", "another key: column code")) << stack.replicator().log();
  expect_caught_up();
  stop();
  expect_whole_again_in_a_new_epoch({"calm"});
  expect_equal("w");
  expect_equal("t");
  expect_equal("u");
}

TEST_F(SchemaChanges, ATableMadeAgainOrRenamedIsHalted) {
  publish_all_tables();
  stack.sql(
      "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1);"
      "CREATE TABLE u (id int PRIMARY KEY, v int); INSERT INTO u VALUES (1, 1)");
  start();
  stack.sql(R"(
    DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (2, 2);
    ALTER TABLE u RENAME TO w; INSERT INTO w VALUES (2, 2);
    INSERT INTO calm VALUES (2, 'stream'))");
  ASSERT_TRUE(halted("t", "dropped and made again")) << stack.replicator().log();
  ASSERT_TRUE(halted("w", "renamed from public.u")) << stack.replicator().log();
  expect_caught_up();
  EXPECT_EQ(ids_in_topic("t"), (Ids{"1"}));
  EXPECT_EQ(ids_in_topic("w"), Ids{});
  expect_equal("calm");
  stop();
  expect_whole_again_in_a_new_epoch({"t", "w", "calm"});
}

TEST_F(SchemaChanges, ATableThatThePublicationLosesIsHaltedAlone) {
  publish("public.calm, public.t, public.u");
  stack.sql("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)");
  start();
  stack.sql("INSERT INTO t VALUES (1); INSERT INTO u VALUES (1)");
  expect_caught_up();
  stack.sql("DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY); ALTER PUBLICATION " + publication() +
            " ADD TABLE t; INSERT INTO t VALUES (2)");
  // As the stream tells it, or the question in between that found the publication without it.
  ASSERT_TRUE(log_has("public.t is halted since ")) << stack.replicator().log();
  EXPECT_TRUE(eventually([&] { return times_logged("made again") + times_logged("taken out of the publication") > 0; }))
      << stack.replicator().log();
  stack.sql("INSERT INTO calm VALUES (2, 'stream')");
  expect_caught_up();
  stop();
  stack.sql("ALTER PUBLICATION " + publication() + " DROP TABLE u; INSERT INTO u VALUES (2); ALTER PUBLICATION " +
            publication() + " ADD TABLE u; INSERT INTO u VALUES (3); INSERT INTO calm VALUES (3, 'stream')");
  start();
  ASSERT_TRUE(halted("u", "taken out of the publication")) << stack.replicator().log();
  expect_caught_up();
  stop();
  start();
  ASSERT_TRUE(halted("u", "taken out of the publication")) << "the second start compares with the publication of now";
  expect_caught_up();
  EXPECT_EQ(ids_in_topic("t"), (Ids{"1"}));
  EXPECT_EQ(ids_in_topic("u"), (Ids{"1"}));
  expect_equal("calm");
}

TEST_F(SchemaChanges, APartitionedTableIsHaltedAsOneTable) {
  publish("public.calm, public.p");
  stack.sql(R"(
    CREATE TABLE p (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
    CREATE TABLE p_low PARTITION OF p FOR VALUES FROM (0) TO (10);
    CREATE TABLE p_high PARTITION OF p FOR VALUES FROM (10) TO (20);
    INSERT INTO p VALUES (1, 1))");
  start();
  stack.sql(R"(
    INSERT INTO p VALUES (2, 2), (12, 12);
    DROP TABLE p_low; CREATE TABLE p_low PARTITION OF p FOR VALUES FROM (0) TO (10);
    INSERT INTO p VALUES (3, 3);
    ALTER TABLE p ALTER COLUMN v TYPE text;
    INSERT INTO p VALUES (4, 'four'), (14, 'fourteen');
    INSERT INTO calm VALUES (2, 'stream'))");
  ASSERT_TRUE(halted("p", "another type of column v")) << stack.replicator().log();
  expect_caught_up();
  EXPECT_EQ(ids_in_topic("p"), (Ids{"1", "2", "12", "3"})) << "a partition of a root is no table of its own";
  EXPECT_EQ(times_logged("is halted since"), 1) << stack.replicator().log();
  expect_equal("calm");
}

TEST_F(SchemaChanges, AnOperatorLetsATableGoOnWithTheGap) {
  publish("public.calm, public.t");
  stack.sql("CREATE TABLE t (id int PRIMARY KEY, v int)");
  start();
  stack.sql("INSERT INTO t VALUES (1, 1); ALTER TABLE t ALTER v TYPE text; INSERT INTO t VALUES (2, 'two')");
  ASSERT_TRUE(halted("t", "another type")) << stack.replicator().log();
  expect_caught_up();
  stop();
  const Finished warned = stack.replicator_command({"tables", "--resume", "public.t"});
  EXPECT_EQ(warned.exit_code, 3) << warned.output;
  EXPECT_NE(warned.output.find("replicator.gap_not_accepted"), std::string::npos) << warned.output;
  const Finished unknown = stack.replicator_command({"tables", "--resume", "public.calm", "--accept-gap"});
  EXPECT_NE(unknown.output.find("replicator.table_not_halted"), std::string::npos) << unknown.output;
  const Finished resumed = stack.replicator_command({"tables", "--resume", "public.t", "--accept-gap"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_EQ(stack.replicator_command({"tables"}).output, "no table is halted\n");
  start();
  stack.sql("INSERT INTO t VALUES (3, 'three')");
  expect_caught_up();
  EXPECT_EQ(ids_in_topic("t"), (Ids{"1", "3"}));
  stack.sql("ALTER TABLE t ALTER v TYPE int USING 0; INSERT INTO t VALUES (4, 4)");
  EXPECT_TRUE(halted("t", "another type")) << "what it goes on with is remembered, too";
}

TEST_F(SchemaChanges, WithContinueATableGoesOnAndIsWarnedOf) {
  publish("public.calm, public.t");
  stack.settings()["postgres.on_rewrite"] = "continue";
  stack.sql("CREATE TABLE t (id int PRIMARY KEY, v int)");
  start();
  stack.sql("INSERT INTO t VALUES (1, 1); ALTER TABLE t ALTER v TYPE text; INSERT INTO t VALUES (2, 'two')");
  ASSERT_TRUE(log_has("pg.table_rewritten")) << stack.replicator().log();
  expect_caught_up();
  EXPECT_EQ(ids_in_topic("t"), (Ids{"1", "2"}));
}

TEST_F(SchemaChanges, AHaltIsSeenFromOutside) {
  const int port = free_port();
  stack.settings()["admin.enabled"] = "on";
  stack.settings()["admin.replicator"] = "127.0.0.1:" + std::to_string(port);
  publish("public.calm, public.t");
  stack.sql("CREATE TABLE t (id int PRIMARY KEY, v int)");
  start();
  const auto get = [&](const std::string& path) {
    return run({"curl", "-s", "-m", "5", "-w", "\n%{http_code}", "http://127.0.0.1:" + std::to_string(port) + path})
        .output;
  };
  ASSERT_TRUE(eventually([&] { return get("/readyz").ends_with("\n200"); }));
  stack.sql(
      "INSERT INTO t VALUES (1, 1); ALTER TABLE t ALTER v TYPE text; INSERT INTO t VALUES (2, 'two'), (3, 'three')");
  EXPECT_TRUE(eventually([&] { return get("/readyz").ends_with("\n503"); }));
  EXPECT_TRUE(get("/healthz").ends_with("\n200")) << "nobody has to start it again";
  EXPECT_TRUE(eventually([&] { return get("/metrics").find("table=\"public.t\"} 2") != std::string::npos; }))
      << get("/metrics");
  const std::string status = get("/status");
  EXPECT_NE(status.find(R"("halted_tables":{"public.t":{)"), std::string::npos) << status;
  EXPECT_NE(status.find(R"("events_not_sent":2)"), std::string::npos) << status;
  const Finished command = stack.replicator_command({"status"});
  EXPECT_NE(command.output.find("NOT WORKING  pg.table_halted: public.t is halted since"), std::string::npos)
      << command.output;
}

// Fault 25: each table has a session that changes rows and schema in turn, while the program is killed now and then.
class SchemaStorm : public SchemaChanges {
 protected:
  static constexpr int kRounds = 300;
  static constexpr int kChange = kRounds / 2;  // the round in which what halts a table happens
  static constexpr int kCalmRows = kRounds * 8;
  static constexpr int kKills = 5;

  void SetUp() override {
    SchemaChanges::SetUp();
    publish_all_tables();
    for (const char* table : {"widened", "undone", "retyped", "nested", "recreated", "renamed"}) {
      stack.sql("CREATE TABLE " + std::string(table) + " (id int PRIMARY KEY, v varchar(10), w int DEFAULT 1);" +
                "INSERT INTO " + table + " (id) VALUES (0)");
    }
    start();
  }

  void begin_calm() {
    sessions.push_back(session(repeated(kCalmRows, [](int i) {
      return insert("calm", i + 10) + "UPDATE calm SET v = '" + number(i) + "' WHERE id = " + number(i) + ";";
    })));
  }
  /// Harmless in every round: added, widened, renamed, dropped, in a transaction with a savepoint and outside.
  void begin_widened() {
    sessions.push_back(session(repeated(kRounds, [](int i) {
      return insert("widened", 4 * i + 1) + "ALTER TABLE widened ADD COLUMN c" + number(i) + " int DEFAULT 7;" +
             insert("widened", 4 * i + 2) + "BEGIN; ALTER TABLE widened ALTER v TYPE varchar(" + number(i + 11) + ");" +
             insert("widened", 4 * i + 3) + "SAVEPOINT a; ALTER TABLE widened RENAME c" + number(i) + " TO d" +
             number(i) + ";" + insert("widened", 4 * i + 4) + "RELEASE a; COMMIT;" +
             "ALTER TABLE widened DROP COLUMN d" + number(i) + ";" +
             "DELETE FROM widened WHERE id = " + number(4 * i + 2) + ";";
    })));
  }
  /// Rewritten in every round, and every time rolled back.
  void begin_undone() {
    sessions.push_back(session(repeated(kRounds, [](int i) {
      return insert("undone", 4 * i + 1) + "BEGIN;" + insert("undone", 4 * i + 2) +
             "SAVEPOINT a; ALTER TABLE undone ALTER w TYPE text; INSERT INTO undone (id, w) VALUES (" + number(-i - 1) +
             ", 'no'); ROLLBACK TO a;" + insert("undone", 4 * i + 3) + "COMMIT;" +
             "BEGIN; ALTER TABLE undone ALTER w TYPE bigint; DROP TABLE undone; ROLLBACK;" +
             insert("undone", 4 * i + 4);
    })));
  }
  void begin_rewritten() {
    const auto once = [](int i, const std::string& statements) { return i == kChange ? statements : ""; };
    sessions.push_back(session(repeated(kRounds, [&](int i) {
      return insert("retyped", i + 1) + once(i, "ALTER TABLE retyped ALTER w TYPE text USING 'x' || w;");
    })));
    sessions.push_back(session(repeated(kRounds, [&](int i) {
      return "BEGIN;" + insert("nested", 2 * i + 1) + "SAVEPOINT a;" +
             once(i, "ALTER TABLE nested ALTER w TYPE text;") + insert("nested", 2 * i + 2) + "RELEASE a; COMMIT;";
    })));
    sessions.push_back(session(repeated(kRounds, [](int i) {
      const std::string again = "DROP TABLE recreated; CREATE TABLE recreated (id int PRIMARY KEY, v int, w int);";
      return insert("recreated", i + 1) + (i < kChange ? "" : again) + insert("recreated", i + 1);
    })));
    sessions.push_back(session(repeated(kRounds, [&](int i) {
      return insert("renamed", i + 1) + once(i, "ALTER TABLE renamed RENAME TO elsewhere;" + insert("elsewhere", 900) +
                                                    "ALTER TABLE elsewhere RENAME TO renamed;");
    })));
  }

  void kill_now_and_then() {
    for (int done = 1; done <= kKills; ++done) {
      const int rows = done * kCalmRows / (kKills + 1);
      ASSERT_TRUE(eventually([&] { return stack.sql_number("SELECT count(*) FROM calm") > rows; }));
      kill();
      start();
    }
    for (auto& each : sessions) each.join();
  }

  void expect_halted(const std::set<std::string>& tables) {
    const std::string list = stack.replicator_command({"tables"}).output;
    for (const auto& table : tables) {
      EXPECT_NE(list.find("public." + table + " is halted since "), std::string::npos) << table << " in " << list;
    }
    EXPECT_EQ(static_cast<std::size_t>(std::count(list.begin(), list.end(), '\n')), tables.size()) << list;
  }

  static Ids up_to(int last) {
    Ids ids;
    for (int i = 0; i <= last; ++i) ids.insert(number(i));
    return ids;
  }

  std::vector<std::thread> sessions;
};

TEST_F(SchemaStorm, HaltsExactlyTheTablesThatWereRewritten) {
  begin_calm();
  begin_widened();
  begin_undone();
  begin_rewritten();
  kill_now_and_then();
  stack.sql("UPDATE widened SET w = w; INSERT INTO calm VALUES (5, 'the end')");
  expect_caught_up();
  EXPECT_TRUE(stack.replicator().is_running()) << stack.replicator().log();
  for (const char* table : {"calm", "widened", "undone"}) expect_equal(table);
  stop();
  expect_halted({"retyped", "nested", "recreated", "elsewhere", "renamed"});
  // Everything before the change is in the topic, nothing behind it.
  EXPECT_EQ(ids_in_topic("retyped"), up_to(kChange + 1));
  EXPECT_EQ(ids_in_topic("nested"), up_to(2 * kChange + 1));
  EXPECT_EQ(ids_in_topic("recreated"), up_to(kChange + 1));
  EXPECT_EQ(ids_in_topic("renamed"), up_to(kChange + 1));
  EXPECT_EQ(ids_in_topic("elsewhere"), Ids{});
  expect_whole_again_in_a_new_epoch({"calm", "widened", "undone", "retyped", "nested", "recreated", "renamed"});
}
