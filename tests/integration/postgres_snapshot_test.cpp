// The snapshot, and that it and the stream together are the table: nothing lost, nothing twice.
#include <map>
#include <thread>

#include <gmock/gmock.h>

#include "sluice/postgres/publication.h"
#include "sluice/postgres/snapshot_source.h"
#include "sluice/testing/postgres_fixture.h"

namespace sluice::testing {
namespace {

using base::Milliseconds;
using change::Op;
using postgres::Connection;
using postgres::ConnectionKind;
using postgres::CreatedSlot;
using postgres::SnapshotSource;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class PostgresSnapshot : public PostgresFixture {
 protected:
  void SetUp() override {
    PostgresFixture::SetUp();
    if (IsSkipped()) return;
    catalog_.emplace(options());
  }

  /// A slot whose snapshot is exported as long as the test runs.
  CreatedSlot export_snapshot() {
    exporter_.emplace(session(ConnectionKind::Replication));
    return must(postgres::create_slot(*exporter_, main_session(), {name()}));
  }
  base::Result<std::unique_ptr<SnapshotSource>> open_snapshot(const CreatedSlot& slot) {
    return SnapshotSource::open(session(), {"p", slot.snapshot_name, slot.consistent_point, 3}, *catalog_);
  }
  Seen read(SnapshotSource& source) {
    Seen seen;
    read_until(
        source, seen, [] { return false; }, Milliseconds(60'000));
    return seen;
  }
  Seen read_all() { return read(*must(open_snapshot(export_snapshot()))); }

  std::unique_ptr<postgres::ReplicationStream> open_stream(const CreatedSlot& slot) {
    postgres::StreamOptions options{name(), "p", slot.consistent_point};
    return must(postgres::ReplicationStream::start(session(ConnectionKind::Replication), options, *catalog_));
  }

 private:
  std::optional<Connection> exporter_;
  std::optional<postgres::SqlCatalog> catalog_;
};

TEST_F(PostgresSnapshot, GivesEveryRowAsTextWithTheSlotsPositionThenEnds) {
  sql("create table t (id int primary key, name text, at timestamptz, raw bytea); create publication p for table t;"
      "insert into t values (1, E'tab\\tnewline\\nback\\\\slash', '2026-11-21 08:00:00+01', '\\x00ff'), (2, null, "
      "null, null),"
      " (3, '\\N', 'infinity', '')");
  const CreatedSlot slot = export_snapshot();
  const Seen seen = read(*must(open_snapshot(slot)));
  ASSERT_TRUE(seen.finished);
  ASSERT_EQ(seen.events.size(), 3U);
  EXPECT_THAT(seen.events[0].after, ElementsAre("1", "tab\tnewline\nback\\slash", "2026-11-21 07:00:00+00", "\\x00ff"));
  EXPECT_THAT(seen.events[1].after, ElementsAre("2", "<null>", "<null>", "<null>"));
  EXPECT_THAT(seen.events[2].after, ElementsAre("3", "\\N", "infinity", "\\x"));
  EXPECT_EQ(seen.events[0].op, Op::Snapshot);
  EXPECT_EQ(seen.events[0].id, (change::EventId{3, slot.consistent_point, 0, 0}));
  EXPECT_EQ(seen.events[0].row_identity, "");
}

TEST_F(PostgresSnapshot, ReadsTheTablesOfThePublicationAndTellsItsProgress) {
  sql("create table a (id int primary key); create table b (id int primary key); create table c (id int primary key);"
      "insert into a select generate_series(1, 1000); insert into c values (1); analyze a;"
      "create publication p for table a, b");
  auto source = must(open_snapshot(export_snapshot()));
  EXPECT_EQ(read(*source).events.size(), 1'000U);
  const auto progress = source->progress();
  ASSERT_EQ(progress.size(), 2U);
  EXPECT_EQ(change::qualified_name(*progress[0].table), "public.a");
  EXPECT_EQ(progress[0].rows, 1'000U);
  EXPECT_EQ(progress[0].estimated_rows, 1'000);
  EXPECT_EQ(progress[0].bytes, 3'893U);
  EXPECT_TRUE(progress[0].finished && progress[1].finished);
  EXPECT_EQ(progress[1].rows, 0U);
  EXPECT_TRUE(std::holds_alternative<change::EndOfSource>(*must(source->next())));
}

TEST_F(PostgresSnapshot, ChangesAfterTheSlotAreNotInIt) {
  sql("create table t (id int primary key, v int); insert into t values (1, 1), (2, 2); create publication p for table "
      "t");
  const CreatedSlot slot = export_snapshot();
  sql("update t set v = 9; insert into t values (3, 3); delete from t where id = 2");
  const Seen seen = read(*must(open_snapshot(slot)));
  ASSERT_EQ(seen.events.size(), 2U);
  EXPECT_THAT(seen.events[0].after, ElementsAre("1", "1"));
  EXPECT_THAT(seen.events[1].after, ElementsAre("2", "2"));
}

TEST_F(PostgresSnapshot, ListsAndFiltersOfThePublicationCount) {
  sql("create table t (id int primary key, a int, b text); insert into t select g, g, 'x' || g from generate_series(1, "
      "10) g;"
      "create publication p for table t (id, b) where (id > 8)");
  const Seen seen = read_all();
  ASSERT_EQ(seen.events.size(), 2U);
  EXPECT_THAT(seen.events[0].after, ElementsAre("9", "x9"));
}

TEST_F(PostgresSnapshot, PartitionsAreReadThroughTheirRootOrOneByOne) {
  sql("create table root (id int primary key, v text) partition by range (id);"
      "create table low partition of root for values from (0) to (10); create table high partition of root default;"
      "insert into root select g, 'x' from generate_series(1, 20) g;"
      "create publication p for table root with (publish_via_partition_root = true)");
  auto through_root = must(open_snapshot(export_snapshot()));
  EXPECT_EQ(read(*through_root).events.size(), 20U);
  ASSERT_EQ(through_root->progress().size(), 1U);
  EXPECT_EQ(through_root->progress()[0].table->name, "root");
  through_root.reset();
  sql("drop publication p; create publication p for table root");
  must(postgres::drop_slot(main_session(), name()));
  auto one_by_one = must(open_snapshot(export_snapshot()));
  EXPECT_EQ(read(*one_by_one).events.size(), 20U);
  EXPECT_EQ(one_by_one->progress().size(), 2U);
}

TEST_F(PostgresSnapshot, InheritanceChildrenAreReadOnce) {
  sql("create table parent (id int primary key); create table child (primary key (id)) inherits (parent);"
      "insert into parent values (1); insert into child values (2); create publication p for table parent");
  EXPECT_EQ(read_all().events.size(), 2U);
}

TEST_F(PostgresSnapshot, RowsWithoutAKeyAreToldApart) {
  sql("create table t (v text); insert into t values ('same'), ('same'); create publication p for table t");
  const Seen seen = read_all();
  ASSERT_EQ(seen.events.size(), 2U);
  EXPECT_THAT(seen.events[0].after, ElementsAre("same"));
  const std::string oid = sql("select 't'::regclass::oid");
  EXPECT_EQ(seen.events[0].row_identity, oid + ":(0,1)");
  EXPECT_EQ(seen.events[1].row_identity, oid + ":(0,2)");
}

TEST_F(PostgresSnapshot, StrangeNamesGeneratedAndMissingColumnsAreNoTrouble) {
  sql("create schema \"S'x\"; create table \"S'x\".\"a.b\"\"c\" (\"select\" int primary key, \"\xC3\xA4 \"\"q\" text,"
      " g int generated always as (\"select\" + 1) stored);"
      "insert into \"S'x\".\"a.b\"\"c\" values (1, 'v'); create table none (); insert into none default values;"
      "create publication p for table \"S'x\".\"a.b\"\"c\", none");
  const Seen seen = read_all();
  ASSERT_FALSE(seen.error) << seen.error->message;
  ASSERT_EQ(seen.events.size(), 2U);
  EXPECT_THAT(seen.events[0].after, ElementsAre("1", "v"));
  EXPECT_TRUE(seen.events[1].after.empty());
}

TEST_F(PostgresSnapshot, ItsSchemasAreThoseOfTheStream) {
  sql("create type mood as enum ('ok'); create domain email as text;"
      "create table keyed (id int, part int, n numeric(10, 2), m mood, e email[], g int generated always as (1) stored,"
      " gone int, v varchar(7), primary key (part, id)); alter table keyed drop column gone;"
      "create table full_one (id int primary key, v text); alter table full_one replica identity full;"
      "create table nothing (id int primary key); alter table nothing replica identity nothing;"
      "create table late (id int primary key deferrable); alter table late replica identity nothing;"
      "create table by_index (id int primary key, b text not null); create unique index by_b on by_index (b);"
      "alter table by_index replica identity using index by_b;"
      "create table root (id int primary key, v text) partition by range (id); create table leaf partition of root "
      "default;"
      "create table listed (id int, part int, v text, w text, primary key (id, part));"
      "alter table listed replica identity full;"
      "create publication p for table keyed, full_one, nothing, late, by_index, root, listed (id, v)"
      " with (publish = 'insert', publish_via_partition_root = true)");
  const CreatedSlot slot = export_snapshot();
  auto source = must(open_snapshot(slot));
  std::map<std::string, change::TableSchemaPtr> expected;
  for (const auto& table : source->progress()) expected[table.table->name] = table.table;
  ASSERT_EQ(expected.size(), 7U);
  sql("insert into keyed values (1, 2, 3.5, 'ok', '{a}', default, 'v'); insert into full_one values (1, 'v');"
      "insert into nothing values (1); insert into late values (1); insert into by_index values (1, 'b');"
      "insert into root values (1, 'v'); insert into listed values (1, 2, 'v', 'w')");
  auto stream = open_stream(slot);
  Seen seen;
  read_until(*stream, seen, [&] { return seen.events.size() == 7; });
  ASSERT_EQ(seen.events.size(), 7U);
  for (const SeenEvent& event : seen.events) {
    const auto& table = expected.at(event.table->name);
    EXPECT_EQ(event.table->id, table->id) << table->name;
    EXPECT_EQ(event.table->key_columns, table->key_columns) << table->name;
    for (std::size_t i = 0; i < table->columns.size(); ++i) {
      EXPECT_EQ(event.table->columns[i].nullable, table->columns[i].nullable) << table->name << i;
      EXPECT_EQ(event.table->columns[i].primary_key, table->columns[i].primary_key) << table->name << i;
      EXPECT_EQ(event.table->columns[i].type == nullptr, table->columns[i].type == nullptr) << table->name << i;
    }
  }
}

TEST_F(PostgresSnapshot, TogetherWithTheStreamItIsTheTable) {
  sql("create table t (id int primary key, v int); insert into t select g, 0 from generate_series(1, 500) g;"
      "create publication p for table t");
  std::atomic<bool> stop = false;
  std::atomic<int> written = 0;
  std::vector<std::thread> writers;
  for (int seed = 0; seed < 4; ++seed) {
    writers.emplace_back([this, seed, &stop, &written] {
      Connection connection = writer();
      for (int round = 0; !stop; ++round) {
        const int key = (round * 37 + seed * 101) % 600;
        const auto done =
            connection.query("write", fmt::format("begin; insert into t values ({0}, 1) on conflict (id) do update set "
                                                  "v = t.v + 1; delete from t where id = {1}; {2}",
                                                  key, (key * 7) % 600, round % 7 == 0 ? "rollback" : "commit"));
        if (done) {
          ++written;
        } else {
          (void)connection.query("write", "rollback");  // two writers may deadlock
        }
      }
    });
  }
  const CreatedSlot slot = export_snapshot();
  std::map<std::string, std::string> copy;
  const Seen snapshot = read(*must(open_snapshot(slot)));
  for (const SeenEvent& event : snapshot.events) EXPECT_TRUE(copy.emplace(event.after[0], event.after[1]).second);
  // The rows are read in no time: on a busy machine the writers might not have had a turn meanwhile.
  EXPECT_TRUE(eventually([&written, before = written.load()] { return written > before + 100; }));
  stop = true;
  for (std::thread& each : writers) each.join();
  const auto end = change::position_of(must(change::Lsn::parse(sql("select pg_current_wal_lsn()"))));
  auto stream = open_stream(slot);
  Seen seen;
  read_until(*stream, seen, [&] {
    return (!seen.ends.empty() && seen.ends.back().end >= end) ||
           (!seen.heartbeats.empty() && seen.heartbeats.back() >= end);
  });
  for (const SeenEvent& event : seen.events) {
    // Strict: an insert meets no row, an update and a delete meet one.
    if (event.op == Op::Delete) {
      EXPECT_EQ(copy.erase(event.before[0]), 1U);
    } else {
      EXPECT_EQ(copy.count(event.after[0]), event.op == Op::Insert ? 0U : 1U);
      copy[event.after[0]] = event.after[1];
    }
  }
  std::string text;
  std::map<int, std::string> sorted;
  for (const auto& [id, v] : copy) sorted[std::stoi(id)] = v;
  for (const auto& [id, v] : sorted) text += fmt::format("{}={} ", id, v);
  EXPECT_EQ(text, sql("select string_agg(id || '=' || v || ' ', '' order by id) from t"));
  EXPECT_GT(seen.events.size(), 0U);
}

class PostgresSnapshotChange : public PostgresSnapshot, public ::testing::WithParamInterface<const char*> {};

TEST_P(PostgresSnapshotChange, ATableThatIsNotWhatItWasBeginsTheSnapshotAgain) {
  sql("create table t (id int primary key, v int); insert into t select g, g from generate_series(1, 100) g;"
      "create publication p for table t");
  const CreatedSlot slot = export_snapshot();
  auto source = must(open_snapshot(slot));
  sql(GetParam());
  const Seen seen = read(*source);
  ASSERT_TRUE(seen.error) << seen.events.size();
  EXPECT_EQ(seen.error->id, "pg.table_changed");
  EXPECT_EQ(seen.error->recovery, base::Recovery::Retry);
  EXPECT_THAT(seen.error->message, HasSubstr("public.t"));
}

INSTANTIATE_TEST_SUITE_P(Changes, PostgresSnapshotChange,
                         ::testing::Values("alter table t alter column v type text using v::text || '!'",
                                           "alter table t add column w float default random()",
                                           "drop table t; create table t (id int primary key, v int)", "drop table t",
                                           "alter table t drop column v", "truncate t", "alter table t rename to u"));

TEST_F(PostgresSnapshot, AColumnThatIsAddedMeanwhileDoesNotMatter) {
  sql("create table t (id int primary key); insert into t values (1); create publication p for table t");
  auto source = must(open_snapshot(export_snapshot()));
  sql("alter table t add column v int default 7");
  const Seen seen = read(*source);
  ASSERT_EQ(seen.events.size(), 1U);
  EXPECT_THAT(seen.events[0].after, ElementsAre("1"));
}

TEST_F(PostgresSnapshot, NoLockIsHeldOnATableThatWasRead) {
  sql("create table a (id int primary key); insert into a values (1);"
      "create table b (id int primary key, v text); insert into b select g, repeat('x', 1000) from generate_series(1, "
      "50000) g;"
      "create publication p for table a, b");
  auto source = must(open_snapshot(export_snapshot()));
  Seen seen;
  read_until(*source, seen, [&] { return seen.events.size() > 1; });
  sql("set lock_timeout = '5s'; alter table a add column v int");
  EXPECT_EQ(sql("select count(*) from pg_locks where relation = 'b'::regclass and mode = 'AccessShareLock'"), "1");
}

TEST_F(PostgresSnapshot, ASnapshotThatIsGoneIsTriedAgain) {
  sql("create publication p");
  auto opened = open_snapshot({change::Lsn(8), "00000003-0000001B-1"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().id, "pg.snapshot_gone");
  EXPECT_EQ(opened.error().recovery, base::Recovery::Retry);
}

TEST_F(PostgresSnapshot, AMissingPublicationIsNamed) {
  EXPECT_EQ(open_snapshot(export_snapshot()).error().id, "pg.publication_missing");
}

}  // namespace
}  // namespace sluice::testing
