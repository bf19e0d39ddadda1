// Unchanged out-of-line values are fetched, in order, from a snapshot that knows the change, and never hold up
// feedback.
#include <thread>

#include <gmock/gmock.h>

#include "sluice/postgres/reselect.h"
#include "sluice/testing/postgres_fixture.h"

namespace sluice::testing {
namespace {

using base::Milliseconds;
using change::Op;
using postgres::Connection;
using postgres::ConnectionKind;
using postgres::ReselectOptions;
using postgres::ReselectSource;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Longer than a page and not compressible, so that it is stored out of line.
constexpr const char* kBig = "(select string_agg(md5((g * {})::text), '') from generate_series(1, 300) g)";

class PostgresReselect : public PostgresFixture {
 protected:
  void SetUp() override {
    PostgresFixture::SetUp();
    if (IsSkipped()) return;
    sql("create table t (id int primary key, n int, big text, big2 text); create publication p for table t");
    insert(1, 1);
    create_slot(name());
    catalog_.emplace(options());
  }

  static std::string big(int seed) { return fmt::format(fmt::runtime(kBig), seed); }
  void insert(int id, int seed) { sql(fmt::format("insert into t values ({}, 0, {}, 'small')", id, big(seed))); }

  ReselectSource& start(ReselectOptions options = {}) {
    postgres::StreamOptions stream_options{name(), "p"};
    stream_options.status_interval = Milliseconds(50);
    stream_ = must(postgres::ReplicationStream::start(session(ConnectionKind::Replication), stream_options, *catalog_));
    source_ = must(ReselectSource::open(*stream_, session(), options));
    return *source_;
  }
  Seen read_transactions(std::size_t count, Milliseconds patience = Milliseconds(20'000)) {
    Seen seen;
    read_until(
        *source_, seen, [&] { return seen.ends.size() >= count; }, patience);
    EXPECT_FALSE(seen.error) << seen.error->message;
    return seen;
  }
  std::string stored_big(int id) { return sql(fmt::format("select big from t where id = {}", id)); }

  std::unique_ptr<postgres::ReplicationStream> stream_;
  std::unique_ptr<ReselectSource> source_;

 private:
  std::optional<postgres::SqlCatalog> catalog_;
};

TEST_F(PostgresReselect, AMissingValueIsFetchedAndNamed) {
  start();
  sql("update t set n = 1 where id = 1");
  const Seen seen = read_transactions(1);
  ASSERT_EQ(seen.events.size(), 1U);
  EXPECT_THAT(seen.events[0].after, ElementsAre("1", "1", stored_big(1), "small"));
  EXPECT_THAT(seen.events[0].reselected, ElementsAre(2U));
  EXPECT_EQ(source_->counters().queries, 1U);
}

// An answer names the base type of a domain, the Relation message the domain.
TEST_F(PostgresReselect, AValueOfADomainIsFetched) {
  sql("create domain body as text; create domain letter as body check (value <> ''); create domain tags as text[];"
      "create table d (id int primary key, n int, a body, b letter, c tags); alter publication p add table d");
  sql("alter table d alter a set storage external, alter b set storage external, alter c set storage external");
  sql("insert into d values (1, 0, repeat('a', 10000), repeat('b', 10000), array[repeat('c', 10000)])");
  start();
  sql("update d set n = 1");
  const Seen seen = read_transactions(2);
  ASSERT_EQ(seen.events.size(), 2U);
  EXPECT_THAT(seen.events[1].after,
              ElementsAre("1", "1", std::string(10'000, 'a'), std::string(10'000, 'b'), sql("select c from d")));
  EXPECT_THAT(seen.events[1].reselected, ElementsAre(2U, 3U, 4U));
}

TEST_F(PostgresReselect, WhatHasAllItsValuesPassesWithoutAQuery) {
  start();
  insert(2, 2);
  sql("update t set n = 1, big = 'short' where id = 2; delete from t where id = 2; truncate t");
  const Seen seen = read_transactions(2);
  EXPECT_EQ(seen.events.size(), 4U);
  EXPECT_EQ(source_->counters().queries, 0U);
}

TEST_F(PostgresReselect, OrderIsKeptThroughManyTables) {
  sql("create table u (id int primary key, n int, big text); alter publication p add table u");
  sql(fmt::format("insert into u select g, 0, {} from generate_series(1, 50) g", big(9)));
  for (int id = 2; id <= 50; ++id) insert(id, id);
  ReselectOptions options;
  options.max_batch_rows = 7;
  start(options);
  for (int round = 1; round <= 5; ++round) {
    sql(fmt::format("begin; update t set n = {0}; insert into t values (1000 + {0}); update u set n = {0}; end",
                    round));
  }
  const Seen seen = read_transactions(55);
  std::size_t updates = 0;
  change::EventId last;
  for (const SeenEvent& event : seen.events) {
    EXPECT_LT(last, event.id);
    last = event.id;
    if (event.op != Op::Update || event.after[0].size() > 3) continue;
    ++updates;
    EXPECT_GT(event.after[2].size(), 9'000U) << event.after[0];
    EXPECT_THAT(event.reselected, ElementsAre(2U));
  }
  EXPECT_EQ(updates, 5U * 100U);
}

TEST_F(PostgresReselect, NoMoreIsFetchedThanMayWait) {
  sql("insert into t select n, 0, (select string_agg(md5(g::text), '') from generate_series(1, 80) g), 'small' "
      "from generate_series(2, 60) n");
  ReselectOptions options;
  options.max_batch_rows = 10;
  options.max_held_bytes = 80'000;  // the events as they come, and some ten of the values
  start(options);
  sql("update t set n = 1 where id > 1");
  constexpr std::size_t kRows = 59;
  constexpr std::size_t kValueBytes = 2'560;
  constexpr std::size_t kEventBytes = 400;  // at least, as it comes
  std::size_t given = 0;
  EXPECT_TRUE(eventually([&] {
    // So that an answer which is under way has come, if there is any.
    wait_for(*source_, base::Clock::now() + Milliseconds(20));
    const auto item = source_->next();
    if (!item || !*item) return !item;
    const auto* const* event = std::get_if<const change::ChangeEvent*>(&**item);
    if (event != nullptr && !(*event)->reselected.empty()) {
      ++given;
      const std::size_t fetched = source_->counters().reselected_events;
      const std::size_t waiting = (fetched - given) * kValueBytes + (kRows - given) * kEventBytes;
      EXPECT_LE(waiting, options.max_held_bytes + options.max_batch_rows * kValueBytes) << given;
    }
    return given == kRows;
  }));
}

TEST_F(PostgresReselect, AValueOfTheSameTransactionIsCarriedAndNotFetched) {
  start();
  sql(
      fmt::format("begin; update t set big = {} where id = 1; update t set n = 7 where id = 1;"
                  "update t set id = 5 where id = 1; update t set n = 8 where id = 5; end",
                  big(77)));
  const std::string then = stored_big(5);
  sql(fmt::format("update t set big = {} where id = 5", big(78)));
  const Seen seen = read_transactions(2);
  ASSERT_EQ(seen.events.size(), 5U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(seen.events[i].after[2], then) << i;
    EXPECT_THAT(seen.events[i].reselected, IsEmpty());
  }
  EXPECT_EQ(source_->counters().queries, 0U);
  EXPECT_EQ(source_->counters().carried_events, 3U);
}

TEST_F(PostgresReselect, AChangedKeyIsLookedUpByTheNewOne) {
  start();
  sql("update t set id = 2 where id = 1");
  const Seen seen = read_transactions(1);
  ASSERT_EQ(seen.events.size(), 1U);
  EXPECT_EQ(seen.events[0].after[2], stored_big(2));
}

TEST_F(PostgresReselect, ANullOfNowIsANull) {
  start();
  sql("update t set n = 1 where id = 1");
  sql("update t set big = null where id = 1");
  const Seen seen = read_transactions(2);
  EXPECT_THAT(seen.events[0].after, ElementsAre("1", "1", "<null>", "small"));
  EXPECT_THAT(seen.events[0].reselected, ElementsAre(2U));
}

TEST_F(PostgresReselect, OfARowThatIsGoneTheCellStaysUnchanged) {
  start();
  sql("update t set n = 1 where id = 1");
  sql("delete from t where id = 1");
  const Seen seen = read_transactions(2);
  EXPECT_EQ(seen.events[0].after[2], "<unchanged>");
  EXPECT_THAT(seen.events[0].reselected, IsEmpty());
  EXPECT_EQ(seen.events[1].op, Op::Delete);
  EXPECT_EQ(source_->counters().given_up_events, 1U);
  EXPECT_EQ(source_->counters().timed_out_events, 0U);
  EXPECT_THAT(source_->take_warnings(), IsEmpty()) << "the mirror's document goes, too";
}

class PostgresReselectGone : public PostgresReselect, public ::testing::WithParamInterface<const char*> {};

TEST_P(PostgresReselectGone, TheCellStaysUnchanged) {
  start();
  sql("update t set n = 1 where id = 1");
  sql(GetParam());
  const Seen seen = read_transactions(1);
  ASSERT_GE(seen.events.size(), 1U);
  EXPECT_EQ(seen.events[0].after[2], "<unchanged>");
}

INSTANTIATE_TEST_SUITE_P(
    Changes, PostgresReselectGone,
    ::testing::Values("alter table t drop column big", "drop table t",
                      "alter table t alter column big type bytea using big::bytea",
                      "create domain bytes as bytea; alter table t alter column big type bytes using big::bytea",
                      "drop table t; create table t (id uuid primary key, n int, big text, big2 text)",
                      "drop table t; create table t (id json, n int, big text, big2 text)",
                      "drop table t; create table t (id int primary key, n int, big text, big2 text);"
                      "insert into t values (1, 1, 'another table')"));

TEST_F(PostgresReselect, AKeyOfAnExtensionsTypeIsComparedByItsOwnOperator) {
  sql("create schema \"E x\"; create extension ltree schema \"E x\"; create domain way as \"E x\".ltree;"
      "create table paths (id way primary key, n int, big text); alter publication p add table paths");
  sql(fmt::format("insert into paths values ('a.b', 0, {})", big(3)));
  start();
  sql("update paths set n = 1");
  EXPECT_EQ(read_transactions(2).events.at(1).after[2], sql("select big from paths"));
  EXPECT_THAT(source_->take_warnings(), IsEmpty());
}

TEST_F(PostgresReselect, ARefusedQuestionTakesNoOtherRowsValueAndIsToldOnce) {
  sql("create table k (id text primary key, n int, big text); alter publication p add table k");
  sql(fmt::format("insert into k select id, 0, {} from unnest(array['x', '2', '3', 'y']) id", big(3)));
  start();
  sql("update k set n = 1");
  sql("alter table k alter id type int using (case id when 'x' then 100 when 'y' then 101 else id::int end)");
  const Seen seen = read_transactions(2);
  ASSERT_EQ(seen.events.size(), 8U);
  const std::string now = sql("select big from k limit 1");
  for (std::size_t i = 4; i < 8; ++i) {
    const std::string& id = seen.events[i].after[0];
    EXPECT_EQ(seen.events[i].after[2], id == "x" || id == "y" ? "<unchanged>" : now) << id;
  }
  EXPECT_EQ(source_->counters().reselected_events, 2U);
  EXPECT_EQ(source_->counters().given_up_events, 2U);
  EXPECT_EQ(source_->counters().refused_events, 2U);
  const auto warnings = source_->take_warnings();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].id, "pg.reselect_impossible");
  EXPECT_THAT(warnings[0].message, HasSubstr("public.k: "));
  EXPECT_THAT(warnings[0].message, HasSubstr("SQLSTATE 22P02"));
  EXPECT_THAT(warnings[0].message, Not(HasSubstr("\"x\""))) << "a value of a row";
  EXPECT_THAT(source_->take_warnings(), IsEmpty());
}

TEST_F(PostgresReselect, AQuestionThatIsRefusedWhateverTheRowsIsNotAskedForEach) {
  sql("insert into t select g, 0, (select big from t where id = 1) from generate_series(2, 50) g");
  start();
  sql("update t set n = 1");
  sql("drop table t; create table t (id json, n int, big text, big2 text)");
  EXPECT_EQ(read_transactions(2).events.size(), 99U);
  EXPECT_EQ(source_->counters().refused_events, 50U);
  EXPECT_LT(source_->counters().queries, 5U) << "one, when all rows had come before it was asked";
  EXPECT_EQ(source_->take_warnings().size(), 1U);
}

TEST_F(PostgresReselect, ATableWithoutAKeyIsLeftAlone) {
  sql("create table nokey (n int, big text); alter table nokey replica identity full; alter publication p add table "
      "nokey");
  sql(fmt::format("insert into nokey values (1, {})", big(3)));
  start();
  sql("update nokey set n = 2");
  const Seen seen = read_transactions(2);
  EXPECT_GT(seen.events[1].after[1].size(), 9'000U);  // FULL: the value is in the old row
  EXPECT_EQ(source_->counters().queries, 0U);
}

TEST_F(PostgresReselect, APartitionIsReadThroughItsRoot) {
  sql("create table root (id int primary key, n int, big text) partition by range (id);"
      "create table leaf partition of root default; drop publication p;"
      "create publication p for table t, root with (publish_via_partition_root = true)");
  must(postgres::drop_slot(main_session(), name()));
  create_slot(name());
  sql(fmt::format("insert into root values (1, 1, {})", big(3)));
  start();
  sql("update root set n = 2");
  const Seen seen = read_transactions(2);
  ASSERT_EQ(seen.events.size(), 2U);
  EXPECT_EQ(seen.events[1].after[2], sql("select big from root"));
}

TEST_F(PostgresReselect, ALockedTableIsWaitedForAndFeedbackGoesOn) {
  ReselectOptions options;
  options.query_timeout = Milliseconds(100);
  start(options);
  sql("update t set n = 1 where id = 1");
  Connection locker = writer();
  value_in(locker, "begin");
  value_in(locker, "lock table t in access exclusive mode");
  Seen seen;
  const auto updates = stream_->counters().status_updates;
  EXPECT_TRUE(eventually([&] {
    read_until(
        *source_, seen, [&] { return !seen.events.empty(); }, Milliseconds(50));
    must(source_->confirm({}));
    return source_->counters().queries >= 3;
  }));
  EXPECT_TRUE(seen.events.empty());
  EXPECT_GT(stream_->counters().status_updates, updates);
  value_in(locker, "rollback");
  read_until(*source_, seen, [&] { return !seen.ends.empty(); });
  ASSERT_EQ(seen.events.size(), 1U);
  EXPECT_GT(seen.events[0].after[2].size(), 9'000U);
}

TEST_F(PostgresReselect, BeyondItsDeadlineAnEventGoesOnWithoutTheValue) {
  ReselectOptions options;
  options.query_timeout = Milliseconds(50);
  options.deadline = Milliseconds(300);
  start(options);
  sql("update t set n = 1 where id = 1");
  Connection locker = writer();
  value_in(locker, "begin");
  value_in(locker, "lock table t in access exclusive mode");
  const Seen seen = read_transactions(1);
  EXPECT_EQ(seen.events[0].after[2], "<unchanged>");
  EXPECT_EQ(source_->counters().given_up_events, 1U);
  EXPECT_EQ(source_->counters().timed_out_events, 1U);
  const auto warnings = source_->take_warnings();
  ASSERT_EQ(warnings.size(), 1U) << "a mirror lacks the value now, though the row has it";
  EXPECT_EQ(warnings[0].id, "pg.reselect_timed_out");
  EXPECT_THAT(warnings[0].message, HasSubstr("public.t: "));
  EXPECT_THAT(warnings[0].message, HasSubstr(change::to_string(seen.events[0].id)));
}

TEST_F(PostgresReselect, BehindALockNotEveryBatchWaitsForAnAnswerOfItsOwn) {
  sql("insert into t select g, 0, (select big from t where id = 1) from generate_series(2, 400) g");
  ReselectOptions options;
  options.max_batch_rows = 1;
  options.query_timeout = Milliseconds(100);
  options.deadline = Milliseconds(300);
  start(options);
  sql("update t set n = 1");
  Connection locker = writer();
  value_in(locker, "begin");
  value_in(locker, "lock table t in access exclusive mode");
  EXPECT_EQ(read_transactions(2).ends.size(), 2U) << "400 queries would take forty seconds";
  EXPECT_EQ(source_->counters().timed_out_events, 400U);
  EXPECT_EQ(source_->take_warnings().size(), 1U);
}

TEST_F(PostgresReselect, TheStreamIsNotLeftUnreadBehindALock) {
  ReselectOptions options;
  options.query_timeout = Milliseconds(50);
  options.deadline = Milliseconds(600'000);
  options.max_unread = Milliseconds(200);
  options.max_held_items = 50;
  start(options);
  sql("update t set n = 1 where id = 1");
  sql("insert into t select g, g from generate_series(100, 500) g");
  Connection locker = writer();
  value_in(locker, "begin");
  value_in(locker, "lock table t in access exclusive mode");
  const Seen seen = read_transactions(2);
  ASSERT_EQ(seen.events.size(), 402U);
  EXPECT_EQ(seen.events[0].after[2], "<unchanged>");
  EXPECT_EQ(source_->counters().timed_out_events, 1U);
}

TEST_F(PostgresReselect, WhatWaitsIsBounded) {
  ReselectOptions options;
  options.query_timeout = Milliseconds(100);
  options.max_held_items = 50;
  start(options);
  Connection locker = writer();
  sql("update t set n = 1 where id = 1");
  sql("insert into t select g, g from generate_series(100, 500) g");
  value_in(locker, "begin");
  value_in(locker, "lock table t in access exclusive mode");
  Seen seen;
  read_until(*source_, seen, [&] { return source_->counters().queries >= 3 && source_->held_items() >= 50; });
  EXPECT_EQ(source_->held_items(), 50U);
  value_in(locker, "rollback");
  read_until(*source_, seen, [&] { return seen.ends.size() == 2; });
  EXPECT_EQ(seen.events.size(), 402U);
}

// A committed transaction that waits for a standby is in the stream and yet invisible (rule P-31).
TEST_F(PostgresReselect, AnInvisibleTransactionIsWaitedFor) {
  start();
  const auto set_standby = [this](const std::string& value) {
    sql("set synchronous_commit = local");
    sql(fmt::format("alter system set synchronous_standby_names = '{}'", value));
    sql("select pg_reload_conf()");
    Connection fresh = session();
    EXPECT_TRUE(
        eventually([&] { return value_in(fresh, "select current_setting('synchronous_standby_names')") == value; }));
    sql("checkpoint");  // it is the checkpointer that lets commits wait, and it reads the settings first
  };
  set_standby("nobody");
  std::thread waiting([this] {
    Connection connection = writer();
    (void)connection.query("update", fmt::format("update t set n = 1, big2 = {} where id = 1", big(5)));
  });
  Seen seen;
  read_until(*source_, seen, [&] { return source_->counters().queries >= 3 || !seen.events.empty(); });
  EXPECT_TRUE(seen.events.empty());
  EXPECT_EQ(sql("select n from t where id = 1"), "0") << "the test proves nothing when the row is visible";
  set_standby("");
  waiting.join();
  read_until(*source_, seen, [&] { return !seen.ends.empty(); });
  ASSERT_EQ(seen.events.size(), 1U);
  EXPECT_EQ(seen.events[0].after[2], stored_big(1));
}

TEST_F(PostgresReselect, ARoleThatMayNotReadTheTableStops) {
  const std::string role = name() + "_r";
  sql(fmt::format("create role {0} login password 'x'; grant usage on schema public to {0}", role));
  postgres::SqlCatalog catalog(options());
  auto stream = must(postgres::ReplicationStream::start(session(ConnectionKind::Replication), {name(), "p"}, catalog));
  auto limited = options();
  limited.user = role;
  limited.password = base::Secret("x");
  auto source = must(ReselectSource::open(*stream, must(Connection::open(limited, ConnectionKind::Sql))));
  sql("update t set n = 1 where id = 1");
  Seen seen;
  read_until(*source, seen, [] { return false; });
  ASSERT_TRUE(seen.error);
  EXPECT_EQ(seen.error->id, "pg.privilege");
  source.reset();
  EXPECT_TRUE(eventually(
      [&] { return main_session().query("drop", fmt::format("drop owned by {0}; drop role {0}", role)).has_value(); }));
}

}  // namespace
}  // namespace sluice::testing
