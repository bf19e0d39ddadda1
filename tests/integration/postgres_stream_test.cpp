// The replication stream, judged by what SQL and the plugin test_decoding say.
#include <gmock/gmock.h>

#include "sluice/postgres/publication.h"
#include "sluice/postgres/server.h"
#include "sluice/testing/postgres_fixture.h"

namespace sluice::testing {
namespace {

using base::Milliseconds;
using base::Recovery;
using change::Op;
using postgres::Connection;
using postgres::ConnectionKind;
using postgres::ReplicationStream;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PostgresStream : public PostgresFixture {
 protected:
  void SetUp() override {
    PostgresFixture::SetUp();
    if (IsSkipped()) return;
    sql("create table t (id int primary key, name text); create publication p for table t");
    create_slot(name());
    catalog_.emplace(options());
  }

  postgres::StreamOptions stream_options() const {
    postgres::StreamOptions options{name(), "p"};
    options.epoch = 3;
    options.status_interval = Milliseconds(50);
    return options;
  }
  base::Result<std::unique_ptr<ReplicationStream>> start(postgres::StreamOptions options) {
    return ReplicationStream::start(session(ConnectionKind::Replication), std::move(options), *catalog_);
  }
  std::unique_ptr<ReplicationStream> start() { return must(start(stream_options())); }

  /// The walsender of a stream that ended may hold it for a moment still.
  void wait_for_free_slot() {
    ASSERT_TRUE(eventually([this] { return slot_fact("active") == "f"; }));
  }
  std::string slot_fact(const std::string& column) {
    return sql(fmt::format("select {} from pg_replication_slots where slot_name = '{}'", column, name()));
  }
  change::Lsn wal_end() { return must(change::Lsn::parse(sql("select pg_current_wal_lsn()"))); }
  postgres::SqlCatalog& catalog() { return *catalog_; }

 private:
  std::optional<postgres::SqlCatalog> catalog_;
};

TEST_F(PostgresStream, GivesTheChangesOfCommittedTransactionsInOrder) {
  auto stream = start();
  sql("insert into t values (1, 'a'), (2, null)");
  sql("begin; insert into t values (9, 'never'); rollback");
  sql("begin; update t set name = 'b' where id = 1; delete from t where id = 2; end");
  Seen seen;
  read_until(*stream, seen, [&] { return seen.ends.size() == 2; });
  ASSERT_EQ(seen.events.size(), 4U);
  EXPECT_EQ(seen.events[0].op, Op::Insert);
  EXPECT_THAT(seen.events[0].after, ElementsAre("1", "a"));
  EXPECT_THAT(seen.events[1].after, ElementsAre("2", "<null>"));
  EXPECT_EQ(seen.events[2].op, Op::Update);
  EXPECT_EQ(seen.events[3].op, Op::Delete);
  EXPECT_THAT(seen.events[3].before, ElementsAre("2", "<null>"));
  EXPECT_EQ(seen.events[0].id.epoch, 3U);
  EXPECT_EQ(seen.events[3].id.seq, 2U);
  EXPECT_LT(seen.events[1].id, seen.events[2].id);
  EXPECT_EQ(change::qualified_name(*seen.events[0].table), "public.t");
  EXPECT_TRUE(seen.events[0].table->columns[0].primary_key);
  EXPECT_EQ(seen.events[0].table->columns[1].nullable, true);
}

TEST_F(PostgresStream, GivesAsManyChangesAsTestDecodingCounts) {
  sql(fmt::format("select pg_create_logical_replication_slot('{}_check', 'test_decoding')", name()));
  sql("do $$ begin for i in 1..300 loop"
      " insert into t select g, 'row ' || g from generate_series(i * 100, i * 100 + 40) g;"
      " update t set name = name || '!' where id % 7 = 0 and id / 100 = i; delete from t where id % 5 = 0 and id / 100 "
      "= i;"
      " if i % 6 = 0 then rollback; else commit; end if; end loop; end $$");
  const auto end = wal_end();
  auto stream = start();
  Seen seen;
  read_until(*stream, seen,
             [&] { return !seen.heartbeats.empty() && seen.heartbeats.back() >= change::position_of(end); });
  const auto counted = sql(fmt::format(
      "select count(*) from pg_logical_slot_get_changes('{}_check', null, null) where data like 'table public.t:%'",
      name()));
  EXPECT_EQ(std::to_string(seen.events.size()), counted);
  EXPECT_EQ(seen.ends.size(), 250U);
  EXPECT_GT(stream->counters().bytes, 100'000U);
}

TEST_F(PostgresStream, ConfirmsExactlyWhatItWasTold) {
  auto stream = start();
  sql("insert into t values (1, 'a')");
  sql("insert into t values (2, 'b')");
  Seen seen;
  read_until(*stream, seen, [&] { return seen.ends.size() == 2; });
  ASSERT_EQ(seen.ends.size(), 2U);
  const std::string before = slot_fact("confirmed_flush_lsn");
  EXPECT_LT(must(change::Lsn::parse(before)), change::lsn_of(seen.ends[0].end));
  const std::string first_end = change::to_string(change::lsn_of(seen.ends[0].end));
  EXPECT_TRUE(eventually([&] {
    must(stream->confirm(seen.ends[0].end));
    return slot_fact("confirmed_flush_lsn") == first_end;
  }));
  // Going on for a while moves it no further, although the server has sent more.
  read_until(
      *stream, seen, [&] { return false; }, Milliseconds(300));
  must(stream->confirm(seen.ends[0].end));
  EXPECT_EQ(slot_fact("confirmed_flush_lsn"), first_end);
}

TEST_F(PostgresStream, GoesOnBehindWhatWasConfirmedAndRepeatsTheRest) {
  Seen first;
  {
    auto stream = start();
    sql("insert into t values (1, 'a')");
    sql("insert into t values (2, 'b')");
    read_until(*stream, first, [&] { return first.ends.size() == 2; });
    must(stream->confirm(first.ends[0].end));
    must(stream->finish(Milliseconds(5'000)));
  }
  wait_for_free_slot();
  auto options = stream_options();
  options.start = change::lsn_of(first.ends[0].end);
  auto stream = must(start(options));
  Seen second;
  read_until(*stream, second, [&] { return second.ends.size() == 1; });
  ASSERT_EQ(second.events.size(), 1U);
  EXPECT_THAT(second.events[0].after, ElementsAre("2", "b"));
  EXPECT_EQ(second.events[0].id, first.events[1].id);
}

TEST_F(PostgresStream, MayBeginAheadOfWhatIsDurableAndConfirmsOnlyThat) {
  // A producer that lives on has transactions that Kafka has not acknowledged yet.
  Seen first;
  {
    auto stream = start();
    sql("insert into t values (1, 'a')");
    sql("insert into t values (2, 'b')");
    read_until(*stream, first, [&] { return first.ends.size() == 2; });
  }
  wait_for_free_slot();
  auto options = stream_options();
  options.start = change::lsn_of(first.ends[1].end);
  auto stream = must(start(options));
  const std::string untouched = slot_fact("confirmed_flush_lsn");
  Seen second;
  sql("insert into t values (3, 'c')");
  read_until(*stream, second, [&] { return second.ends.size() == 1; });
  const std::string durable = change::to_string(change::lsn_of(first.ends[0].end));
  EXPECT_EQ(slot_fact("confirmed_flush_lsn"), untouched) << "nothing was confirmed yet";
  EXPECT_TRUE(eventually([&] {
    must(stream->confirm(first.ends[0].end));
    return slot_fact("confirmed_flush_lsn") == durable;
  }));
}

TEST_F(PostgresStream, AnIdleStreamAdvancesByHeartbeats) {
  auto stream = start();
  sql("create table unpublished (id int, filler text)");
  sql("insert into unpublished select g, repeat('x', 500) from generate_series(1, 2000) g");
  const auto end = wal_end();
  Seen seen;
  change::Position durable{};
  EXPECT_TRUE(eventually([&] {
    read_until(
        *stream, seen, [&] { return !seen.heartbeats.empty() && seen.heartbeats.back() > durable; }, Milliseconds(200));
    if (!seen.heartbeats.empty()) durable = seen.heartbeats.back();
    must(stream->confirm(durable));
    return must(change::Lsn::parse(slot_fact("confirmed_flush_lsn"))) >= end;
  }));
  EXPECT_TRUE(seen.events.empty());
  for (std::size_t i = 1; i < seen.heartbeats.size(); ++i) EXPECT_LT(seen.heartbeats[i - 1], seen.heartbeats[i]);
}

TEST_F(PostgresStream, StaysAliveWhileItIsNotReadButConfirmed) {
  sql("insert into t select g, repeat('x', 1000) from generate_series(1, 20000) g");
  auto options = this->options();
  options.wal_sender_timeout = Milliseconds(1'000);
  auto stream = must(ReplicationStream::start(must(Connection::open(options, ConnectionKind::Replication)),
                                              stream_options(), catalog()));
  const base::Deadline later = base::Clock::now() + Milliseconds(3'000);
  EXPECT_TRUE(eventually([&] {
    must(stream->confirm({}));
    return base::Clock::now() > later;
  }));
  Seen seen;
  read_until(*stream, seen, [&] {
    must(stream->confirm({}));
    return seen.ends.size() == 1;
  });
  EXPECT_FALSE(seen.error) << seen.error->message;
  EXPECT_EQ(seen.events.size(), 20'000U);
}

TEST_F(PostgresStream, LogicalMessagesAreGiven) {
  auto stream = start();
  sql("select pg_logical_emit_message(true, 'prefix', 'content')");
  Seen seen;
  read_until(*stream, seen, [&] { return seen.ends.size() == 1; });
  ASSERT_EQ(seen.events.size(), 1U);
  EXPECT_EQ(seen.events[0].op, Op::Message);
  EXPECT_EQ(seen.events[0].message, "content");
}

TEST_F(PostgresStream, ASlotThatIsReadByAnotherIsTriedAgainAndItsPidIsNamed) {
  auto stream = start();
  const auto second = start(stream_options());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().id, "pg.slot_active");
  EXPECT_EQ(second.error().recovery, Recovery::Retry);
  EXPECT_THAT(second.error().message, HasSubstr(slot_fact("active_pid")));
}

TEST_F(PostgresStream, FinishingFreesTheSlotWhileTheConnectionIsStillThere) {
  auto stream = start();
  sql("insert into t select g, 'x' from generate_series(1, 50000) g");
  must(stream->finish(Milliseconds(10'000)));
  EXPECT_TRUE(eventually([&] { return start(stream_options()).has_value(); }));
}

TEST_F(PostgresStream, AMissingSlotAndAMissingPublicationAreToldApart) {
  auto options = stream_options();
  options.slot = name() + "_gone";
  EXPECT_EQ(start(options).error().id, "pg.slot_missing");
  options = stream_options();
  options.publication = "no_such";
  auto stream = must(start(options));  // the server looks for it at the first change
  sql("insert into t values (1, 'a')");
  Seen seen;
  read_until(*stream, seen, [&] { return false; });
  ASSERT_TRUE(seen.error);
  EXPECT_EQ(seen.error->id, "pg.publication_missing");
}

TEST_F(PostgresStream, APublicationMadeAfterTheChangesIsToldSo) {
  sql("drop publication p; insert into t values (1, 'a'); create publication p for table t");
  auto stream = start();
  Seen seen;
  read_until(*stream, seen, [&] { return false; });
  ASSERT_TRUE(seen.error);
  EXPECT_EQ(seen.error->id, "pg.publication_newer_than_slot");
  EXPECT_EQ(seen.error->recovery, Recovery::Stop);
}

TEST_F(PostgresStream, ASlotOfAnotherPluginOrDatabaseIsRefused) {
  sql(fmt::format("select pg_create_logical_replication_slot('{}_other', 'test_decoding')", name()));
  auto options = stream_options();
  options.slot = name() + "_other";
  EXPECT_FALSE(start(options));
  auto elsewhere = must(Connection::open(options_for("postgres"), ConnectionKind::Replication));
  const auto refused = ReplicationStream::start(std::move(elsewhere), stream_options(), catalog());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "pg.slot_wrong_database");
}

TEST_F(PostgresStream, ATerminatedWalsenderIsALostConnection) {
  auto stream = start();
  sql(fmt::format("select pg_terminate_backend({})", slot_fact("active_pid")));
  Seen seen;
  read_until(*stream, seen, [&] { return false; });
  ASSERT_TRUE(seen.error);
  EXPECT_EQ(seen.error->id, "pg.connection_lost");
  EXPECT_EQ(seen.error->recovery, Recovery::Retry);
}

TEST_F(PostgresStream, ANapIsATimeAndReadsNothingBeforeItsEnd) {
  sql("insert into t select g, repeat('x', 1000) from generate_series(1, 50000) g");
  auto stream = must(ReplicationStream::start(must(Connection::open(socket_options(), ConnectionKind::Replication)),
                                              stream_options(), catalog()));
  Seen seen;
  std::uint64_t naps = 0;
  const base::Deadline deadline = base::Clock::now() + Milliseconds(60'000);
  while (seen.ends.empty() && base::Clock::now() < deadline) {
    const auto item = must(stream->next());
    if (item) {
      seen.take(*item);
      continue;
    }
    const pipeline::Wait wait = stream->waits_for();
    if (wait.fd < 0) {
      ++naps;
      ASSERT_TRUE(wait.deadline);
      const auto messages = stream->counters().messages;
      const auto early = must(stream->next());
      if (base::Clock::now() < *wait.deadline) {
        EXPECT_FALSE(early);
        EXPECT_EQ(stream->counters().messages, messages);
      }
      if (early) seen.take(*early);
    }
    wait_for(*stream, deadline);
  }
  EXPECT_EQ(seen.events.size(), 50'000U);
  EXPECT_GT(naps, 0U) << "50 MB at once are fast enough to nap";
  EXPECT_GE(stream->counters().naps, naps);
}

TEST_F(PostgresStream, ReadsOverTheUnixSocketToo) {
  auto stream = must(ReplicationStream::start(must(Connection::open(socket_options(), ConnectionKind::Replication)),
                                              stream_options(), catalog()));
  sql("insert into t select g, 'x' from generate_series(1, 100000) g");
  Seen seen;
  read_until(*stream, seen, [&] { return seen.ends.size() == 1; });
  EXPECT_EQ(seen.events.size(), 100'000U);
}

TEST_F(PostgresStream, TypesThatAreNotBuiltInAreDescribed) {
  sql("create type mood as enum ('sad', 'ok'); create domain email as text; create type pair as (a int, b text);"
      "create table typed (id int primary key, m mood, ms mood[], e email, p pair, r int4range, es email[]);"
      "alter publication p add table typed");
  auto stream = start();
  sql("insert into typed values (1, 'ok', '{sad,ok}', 'a@b', '(1,x)', '[1,2)', '{a}')");
  Seen seen;
  read_until(*stream, seen, [&] { return seen.ends.size() == 1; });
  ASSERT_EQ(seen.events.size(), 1U);
  const auto& columns = seen.events[0].table->columns;
  EXPECT_EQ(columns[0].type, nullptr);
  EXPECT_EQ(columns[1].type->kind, change::TypeKind::Enum);
  EXPECT_EQ(columns[1].type->name, "mood");
  EXPECT_EQ(columns[2].type->kind, change::TypeKind::Array);
  EXPECT_EQ(columns[2].type->element->name, "mood");
  EXPECT_EQ(columns[3].type->kind, change::TypeKind::Domain);
  EXPECT_EQ(columns[3].type->element->oid, 25U);
  EXPECT_EQ(columns[4].type->kind, change::TypeKind::Composite);
  EXPECT_EQ(columns[5].type, nullptr);
  EXPECT_EQ(columns[6].type->element->kind, change::TypeKind::Domain);
}

}  // namespace
}  // namespace sluice::testing
