// A database of one's own on the shared PostgreSQL of tests/run (SLUICE_TEST_PG_*), for tests of the postgres library.
// Header only, since what it needs is an adapter.
//
// Thread rule: one thread.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sluice/base/clock.h"
#include "sluice/change/change_event.h"
#include "sluice/pipeline/change_source.h"
#include "sluice/postgres/catalog.h"
#include "sluice/postgres/connection.h"
#include "sluice/postgres/replication_stream.h"
#include "sluice/postgres/slot.h"
#include "sluice/testing/program.h"

namespace sluice::testing {

inline void must(base::Result<void> result) {
  if (!result) throw std::runtime_error(fmt::format("{}: {}", result.error().id, result.error().message));
}
template <class T>
T must(base::Result<T> result) {
  if (!result) throw std::runtime_error(fmt::format("{}: {}", result.error().id, result.error().message));
  return std::move(*result);
}

/// Waits for what the source wants, at most until `deadline`.
inline void wait_for(const pipeline::Waitable& port, base::Deadline deadline) {
  const pipeline::Wait wait = port.waits_for();
  const auto until = wait.deadline ? std::min(*wait.deadline, deadline) : deadline;
  const auto left = std::max<std::chrono::nanoseconds>(until - base::Clock::now(), std::chrono::nanoseconds(0));
  const timespec timeout{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
  pollfd entry{wait.fd, wait.events, 0};
  (void)ppoll(&entry, wait.fd < 0 ? 0 : 1, &timeout, nullptr);
}

/// A change with bytes of its own. A cell: its text, "<null>" or "<unchanged>".
struct SeenEvent {
  change::EventId id;
  change::Op op = change::Op::Insert;
  change::TableSchemaPtr table;
  std::vector<std::string> before;
  std::vector<std::string> after;
  std::vector<std::uint32_t> reselected;
  std::string row_identity;
  std::string message;
  std::uint32_t xid = 0;
};

inline std::vector<std::string> texts_of(const change::Row& row) {
  std::vector<std::string> texts;
  for (const change::Cell& cell : row.cells()) {
    const bool has_value = cell.kind == change::CellKind::Text || cell.kind == change::CellKind::Binary;
    texts.emplace_back(has_value                             ? std::string(cell.bytes)
                       : cell.kind == change::CellKind::Null ? "<null>"
                                                             : "<unchanged>");
  }
  return texts;
}

/// What a source gave.
struct Seen {
  std::vector<SeenEvent> events;
  std::vector<change::TransactionEnd> ends;
  std::vector<change::Position> heartbeats;
  bool finished = false;
  std::optional<base::Error> error;

  void take(const change::SourceItem& item) {
    if (const auto* event = std::get_if<const change::ChangeEvent*>(&item)) {
      const change::ChangeEvent& from = **event;
      events.push_back({from.id, from.op, from.table, texts_of(from.before), texts_of(from.after), from.reselected,
                        std::string(from.row_identity), std::string(from.message.content), from.xid});
    }
    if (const auto* end = std::get_if<change::TransactionEnd>(&item)) ends.push_back(*end);
    if (const auto* heartbeat = std::get_if<change::Heartbeat>(&item)) heartbeats.push_back(heartbeat->position);
    finished = finished || std::holds_alternative<change::EndOfSource>(item);
  }
};

/// Reads on until the condition holds, the source ends or fails, or `patience` is over.
inline void read_until(pipeline::ChangeSource& source, Seen& seen, const std::function<bool()>& done,
                       base::Milliseconds patience = base::Milliseconds(20'000)) {
  const base::Deadline deadline = base::Clock::now() + patience;
  while (!done() && !seen.finished && !seen.error && base::Clock::now() < deadline) {
    auto item = source.next();
    if (!item) {
      seen.error = item.error();
    } else if (*item) {
      seen.take(**item);
    } else {
      wait_for(source, std::min(deadline, base::Clock::now() + base::Milliseconds(50)));
    }
  }
}

class PostgresFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("SLUICE_TEST_PG_PORT") == nullptr) GTEST_SKIP() << "SLUICE_TEST_PG_PORT names no PostgreSQL";
    name_ = unique_name();
    server_.emplace(open("postgres", postgres::ConnectionKind::Sql));
    (void)must(
        server_->query("test", fmt::format("CREATE DATABASE {} TEMPLATE template0 {}", name_, database_options())));
    session_.emplace(open(name_, postgres::ConnectionKind::Sql));
  }

  void TearDown() override {
    if (!server_) return;
    session_.reset();
    (void)server_->query("test", fmt::format("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE "
                                             "database = '{}' AND active",
                                             name_));
    const auto no_slots = [this] {
      (void)server_->query("test",
                           fmt::format("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE "
                                       "database = '{}' AND NOT active",
                                       name_));
      return value_in(*server_,
                      fmt::format("SELECT count(*) FROM pg_replication_slots WHERE database = '{}'", name_)) == "0";
    };
    EXPECT_TRUE(eventually(no_slots));
    (void)must(server_->query("test", fmt::format("DROP DATABASE {} WITH (FORCE)", name_)));
  }

  /// Of CREATE DATABASE; a fixture may ask for another encoding.
  virtual std::string database_options() const { return ""; }

  postgres::ConnectOptions options() const { return options_for(name_); }
  static postgres::ConnectOptions options_for(const std::string& database) {
    postgres::ConnectOptions options;
    options.host = "127.0.0.1";
    options.port = static_cast<std::uint16_t>(std::stoi(std::getenv("SLUICE_TEST_PG_PORT")));
    options.user = "postgres";
    const char* password = std::getenv("SLUICE_TEST_PG_PASSWORD");
    options.password = base::Secret(password == nullptr ? "" : password);
    options.dbname = database;
    return options;
  }
  postgres::ConnectOptions socket_options() const {
    postgres::ConnectOptions options = this->options();
    options.host = std::getenv("SLUICE_TEST_PG_SOCKET_DIR");
    return options;
  }

  /// A session that may write.
  static postgres::Connection open(const std::string& database, postgres::ConnectionKind kind) {
    postgres::Connection connection = must(postgres::Connection::open(options_for(database), kind));
    (void)must(connection.query("test", "SET default_transaction_read_only = off; SET search_path = public"));
    return connection;
  }
  postgres::Connection session(postgres::ConnectionKind kind = postgres::ConnectionKind::Sql) const {
    return must(postgres::Connection::open(options(), kind));
  }
  postgres::Connection writer() const { return open(name_, postgres::ConnectionKind::Sql); }

  /// The first cell of the answer; empty when there is none.
  static std::string value_in(postgres::Connection& connection, const std::string& statement) {
    const postgres::QueryResult answer = must(connection.query("test", statement));
    return answer.rows() == 0 || answer.columns() == 0 ? "" : answer.row(0).string_or_empty();
  }
  std::string sql(const std::string& statement) { return value_in(*session_, statement); }

  static bool eventually(const std::function<bool()>& condition,
                         base::Milliseconds patience = base::Milliseconds(20'000)) {
    const base::Deadline deadline = base::Clock::now() + patience;
    while (!condition()) {
      if (base::Clock::now() >= deadline) return false;
      (void)poll(nullptr, 0, 20);
    }
    return true;
  }

  postgres::CreatedSlot create_slot(const std::string& slot) {
    postgres::Connection replication = session(postgres::ConnectionKind::Replication);
    postgres::SlotRequest request{slot, postgres::SlotSnapshot::Nothing};
    return must(postgres::create_slot(replication, *session_, request));
  }

  /// The name is also unique among slots and roles of the server.
  const std::string& name() const { return name_; }
  postgres::Connection& main_session() { return *session_; }

 private:
  std::string name_;
  std::optional<postgres::Connection> server_;
  std::optional<postgres::Connection> session_;
};

}  // namespace sluice::testing
