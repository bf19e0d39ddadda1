// servers: postgres
//
// Protocol 2 (`streaming`) against protocol 1: the same histories through two slots give the same events, field by
// field, and as many as test_decoding counts. On every version of PostgreSQL. SLUICE_HISTORIES (100) says how many
// random histories.
#include <cstdlib>
#include <random>

#include <gmock/gmock.h>

#include "sluice/testing/postgres_fixture.h"
#include "sluice/testing/stack.h"
#include "sluice/testing/temporary_directory.h"
#include "unit/pgoutput/item_text.h"

namespace sluice::testing {
namespace {

using postgres::Connection;
using postgres::ConnectionKind;
using postgres::ReplicationStream;

/// Everything that an item says. Of a value: its beginning, size and hash.
std::string all_of(const change::SourceItem& item) {
  if (const auto* end = std::get_if<change::TransactionEnd>(&item)) {
    return fmt::format("end {} {} xid {} at {}", end->end.value, to_string(end->commit_lsn), end->xid,
                       end->commit_time_us);
  }
  const auto* change = std::get_if<const change::ChangeEvent*>(&item);
  if (change == nullptr) return "";
  const change::ChangeEvent& event = **change;
  std::size_t hash = std::hash<std::string_view>{}(event.message.content);
  for (const change::Row* row : {&event.before, &event.after}) {
    for (const change::Cell& cell : row->cells()) hash = hash * 31 + std::hash<std::string_view>{}(cell.bytes);
  }
  return fmt::format("{} at {} in {} xid {} time {} hash {} of {}", event_text(event), to_string(event.record_lsn),
                     to_string(event.id.commit_lsn), event.xid, event.commit_time_us, hash,
                     event.table ? table_text(*event.table) : "");
}

class TransactionsInProgress : public PostgresFixture, public ::testing::WithParamInterface<int> {
 protected:
  void SetUp() override {
    use_postgres_of(GetParam());
    PostgresFixture::SetUp();
    // The server streams what outgrows this, and keeps the rest.
    sql(fmt::format("alter database {} set logical_decoding_work_mem = '64kB'", name()));
    for (int client = 0; client < kClients; ++client) {
      sql(fmt::format("create table t{} (id serial primary key, seed int, filler text)", client));
      clients_.push_back(writer());
    }
    sql("create publication p for all tables");
    for (const char* plugin_slot : {"one", "two"}) create_slot(name() + plugin_slot);
    sql(fmt::format("select pg_create_logical_replication_slot('{}_check', 'test_decoding')", name()));
    catalog_.emplace(options());
  }

  /// What a slot gives up to now, and how much of it was ever kept here.
  std::vector<std::string> read(const std::string& slot, std::optional<postgres::SpoolOptions> streaming,
                                pgoutput::SpoolCounters* most = nullptr) {
    const change::Position end = change::position_of(must(change::Lsn::parse(sql("select pg_current_wal_lsn()"))));
    postgres::StreamOptions options{name() + slot, "p"};
    options.epoch = 1;
    options.streaming = std::move(streaming);
    // The walsender of an earlier reading may not have seen yet that its client is gone.
    EXPECT_TRUE(eventually([&] {
      return sql("select active from pg_replication_slots where slot_name = '" + options.slot + "'") == "f";
    }));
    auto stream = must(ReplicationStream::start(session(ConnectionKind::Replication), std::move(options), *catalog_));
    std::vector<std::string> items;
    const base::Deadline deadline = base::Clock::now() + base::Milliseconds(120'000);
    for (bool passed = false; !passed;) {
      if (base::Clock::now() > deadline) throw std::runtime_error("the stream does not come to its end");
      auto item = must(stream->next());
      if (most != nullptr) {
        const pgoutput::SpoolCounters now = stream->counters().spool;
        most->transactions = std::max(most->transactions, now.transactions);
        most->bytes = std::max(most->bytes, now.bytes);
        most->spilled_bytes = std::max(most->spilled_bytes, now.spilled_bytes);
      }
      if (!item) {
        must(stream->confirm({}));  // as the replicator does: it also wakes a walsender that missed a flush
        wait_for(*stream, base::Clock::now() + base::Milliseconds(50));
      } else if (const auto* heartbeat = std::get_if<change::Heartbeat>(&*item)) {
        passed = heartbeat->position >= end;
      } else {
        const auto* last = std::get_if<change::TransactionEnd>(&*item);
        passed = last != nullptr && last->end >= end;
        // An empty transaction has no records. Whether its end is sent differs between protocols and versions.
        const bool is_empty = last != nullptr && (items.empty() || items.back().starts_with("end"));
        if (!is_empty) items.push_back(all_of(*item));
      }
    }
    return items;
  }

  postgres::SpoolOptions spool(std::uint64_t memory = 1 << 20) const { return {directory_.path(), {memory}}; }

  /// The number of row changes that PostgreSQL's own test plugin prints.
  std::size_t counted_by_test_decoding() {
    return std::stoul(sql(fmt::format(
        "select count(*) from pg_logical_slot_get_changes('{}_check', null, null) where data like 'table public.%'",
        name())));
  }

  static std::size_t rows_in(const std::vector<std::string>& items) {
    return static_cast<std::size_t>(
        std::count_if(items.begin(), items.end(), [](const auto& item) { return !item.starts_with("end"); }));
  }

  void run(int client, const std::string& statement) {
    (void)must(clients_[static_cast<std::size_t>(client)].query("history", statement));
  }
  std::string insert(int client, int rows) {
    return fmt::format(
        "insert into t{} (seed, filler) select g, repeat(md5(g::text), 12) from generate_series(1, {}) g", client,
        rows);
  }

  /// Some clients with a transaction each, a step of one after a step of another.
  void random_history(std::mt19937& random) {
    const auto up_to = [&random](int bound) { return static_cast<int>(random() % static_cast<unsigned>(bound)); };
    std::vector<int> savepoints(kClients, 0);
    for (int client = 0; client < kClients; ++client) run(client, "begin");
    for (int step = 0; step < 14; ++step) {
      const int client = up_to(kClients);
      int& depth = savepoints[static_cast<std::size_t>(client)];
      switch (up_to(10)) {
        case 0:
        case 1:
        case 2: run(client, insert(client, 1 + up_to(150))); break;
        case 3: run(client, fmt::format("update t{} set seed = seed + 1 where id % 7 = {}", client, up_to(7))); break;
        case 4: run(client, fmt::format("delete from t{} where id % 11 = {}", client, up_to(11))); break;
        case 5:
        case 6: run(client, fmt::format("savepoint s{}", ++depth)); break;
        case 7:
          if (depth > 0) {
            const int target = 1 + up_to(depth);
            run(client, fmt::format("rollback to s{}", target));
            depth = target;
          }
          break;
        case 8:
          if (depth > 0) {
            const int target = 1 + up_to(depth);
            run(client, fmt::format("release s{}", target));
            depth = target - 1;
          }
          break;
        default: other_step(client, up_to(6)); break;
      }
    }
    for (int client = 0; client < kClients; ++client) run(client, up_to(5) == 0 ? "rollback" : "commit");
  }

  void other_step(int client, int which) {
    static int column = 0;
    switch (which) {
      case 0: run(client, fmt::format("alter table t{} add column c{} int default 7", client, ++column)); break;
      case 1: run(client, fmt::format("truncate t{}", client)); break;
      case 2: run(client, "select pg_logical_emit_message(true, 'inside', repeat('m', 50))"); break;
      case 3: run(client, "select pg_logical_emit_message(false, 'outside', 'at once')"); break;
      case 4:
        run(client, fmt::format("update t{} set id = id + 100000 where id % 13 = 0 and id < 100000", client));
        break;
      default: run(client, insert(client, 400)); break;
    }
  }

  static constexpr int kClients = 3;
  TemporaryDirectory directory_;

 private:
  std::vector<Connection> clients_;
  std::optional<postgres::SqlCatalog> catalog_;
};

TEST_P(TransactionsInProgress, RandomHistoriesGiveTheSameEventsInBothProtocols) {
  const char* wanted = std::getenv("SLUICE_HISTORIES");
  const int histories = wanted == nullptr ? 100 : std::atoi(wanted);
  std::mt19937 random(20'261'126);
  for (int history = 0; history < histories; ++history) random_history(random);
  const auto plain = read("one", std::nullopt);
  pgoutput::SpoolCounters most;
  const auto streamed = read("two", spool(), &most);
  for (std::size_t i = 0; i < std::min(plain.size(), streamed.size()); ++i)
    ASSERT_EQ(plain[i], streamed[i]) << "item " << i;
  ASSERT_EQ(plain.size(), streamed.size());
  EXPECT_GT(most.transactions, 1U) << "nothing was streamed: the comparison said nothing";
  std::size_t messages = 0;
  std::size_t truncates = 0;
  for (const std::string& item : plain) {
    if (item.starts_with("m ")) ++messages;
    if (item.starts_with("t ")) ++truncates;
  }
  EXPECT_EQ(rows_in(plain) - messages, counted_by_test_decoding()) << truncates << " truncates";
}

TEST_P(TransactionsInProgress, NestedSavepointsOfWhichHalfAreRolledBack) {
  Connection client = writer();
  (void)must(client.query("test", "begin"));
  for (int depth = 0; depth < 1'000; ++depth) {
    (void)must(client.query("test", fmt::format("savepoint s{}; {}", depth, insert(0, 10))));
    if (depth % 4 == 3) (void)must(client.query("test", fmt::format("rollback to s{}", depth - 1)));
  }
  (void)must(client.query("test", "commit"));
  const auto plain = read("one", std::nullopt);
  pgoutput::SpoolCounters most;
  EXPECT_EQ(plain, read("two", spool(), &most));
  EXPECT_GT(most.bytes, 1'000'000U);
  EXPECT_EQ(rows_in(plain), counted_by_test_decoding());
}

TEST_P(TransactionsInProgress, ALargeTransactionSpillsAndLeavesNothingBehind) {
  sql("insert into t0 (seed, filler) select g, repeat('x', 200) from generate_series(1, 60000) g");
  pgoutput::SpoolCounters most;
  const auto streamed = read("two", spool(), &most);
  EXPECT_EQ(rows_in(streamed), 60'000U);
  EXPECT_GT(most.spilled_bytes, 10'000'000U);
  EXPECT_LT(most.bytes - most.spilled_bytes, 4'000'000U);
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
  EXPECT_EQ(streamed, read("one", std::nullopt));
}

TEST_P(TransactionsInProgress, AShortTransactionIsNotHeldUpByALongOneAndPositionsGoOn) {
  Connection client = writer();
  (void)must(client.query("test", "begin; " + insert(0, 5'000)));
  sql("insert into t1 (seed) values (1)");
  pgoutput::SpoolCounters most;
  const auto first = read("two", spool(), &most);  // ends at a position behind the short one
  EXPECT_EQ(rows_in(first), 1U);
  EXPECT_GT(most.bytes, 1'000'000U);
  // A new connection: the server sends the long one again from its beginning.
  (void)must(client.query("test", "commit"));
  const auto second = read("two", spool());
  EXPECT_EQ(second, read("one", std::nullopt));
  EXPECT_EQ(rows_in(second), 5'001U);
}

TEST_P(TransactionsInProgress, WhatRollsBackOnTheWayIsNeverGiven) {
  Connection client = writer();
  (void)must(client.query("test", "begin; " + insert(0, 5'000)));
  sql("insert into t1 (seed) values (1)");
  (void)must(client.query("test", "rollback"));
  sql("insert into t1 (seed) values (2)");
  EXPECT_EQ(rows_in(read("two", spool())), 2U);
}

TEST_P(TransactionsInProgress, ALargeOneThatRollsBackGivesNothingInProtocol1Either) {
  Connection client = writer();
  (void)must(client.query("test", "begin; savepoint s; " + insert(0, 2'000) + "; savepoint t; " + insert(0, 2'000)));
  (void)must(client.query("test", "rollback"));
  sql("insert into t1 (seed) values (2)");
  EXPECT_EQ(rows_in(read("one", std::nullopt)), 1U);
}

TEST_P(TransactionsInProgress, AFullSpoolIsTold) {
  sql("insert into t0 (seed, filler) select g, repeat('x', 200) from generate_series(1, 60000) g");
  postgres::SpoolOptions small = spool();
  small.limits.total_bytes = 5'000'000;
  try {
    (void)read("two", small);
    FAIL() << "more than the limit was kept";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("pgoutput.spool_full"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("postgres.spool_limit"));
  }
}

INSTANTIATE_TEST_SUITE_P(PostgreSQL, TransactionsInProgress, ::testing::Values(14, 15, 16, 17, 18),
                         [](const auto& version) { return std::to_string(version.param); });

}  // namespace
}  // namespace sluice::testing
