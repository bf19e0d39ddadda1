// One connection to PostgreSQL, for SQL or for replication commands, with the settings of rules P-14 and P-27.
//
// Every call is bounded by a time-out of ConnectOptions. A connection on which a call timed out or broke is finished.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sluice/base/clock.h"
#include "sluice/base/error.h"
#include "sluice/base/handle.h"
#include "sluice/postgres/connect_options.h"
#include "sluice/postgres/query_result.h"

struct pg_conn;

namespace sluice::postgres {

void close_connection(pg_conn* connection) noexcept;

class Connection {
 public:
  /// Connects within options.connect_timeout (name resolution excepted: the C library cannot be interrupted) and sets
  /// up the session; a SQL_ASCII database is read unconverted, since conversion would end the stream for good (rule
  /// P-27). Errors: those of connect_error() (error_mapping.h), pg.bad_connection_string (Stop).
  static base::Result<Connection> open(ConnectOptions options, ConnectionKind kind);

  /// Runs one statement and waits for its rows. On a replication connection parameters are refused by the server: quote
  /// with literal(). Errors: those of query_error(), pg.timeout (Retry). `attempted` says in messages what was wanted.
  base::Result<QueryResult> query(std::string_view attempted, const std::string& sql,
                                  std::span<const std::string> parameters = {});
  /// The same with another patience than options.query_timeout.
  base::Result<QueryResult> query_within(base::Milliseconds patience, std::string_view attempted,
                                         const std::string& sql, std::span<const std::string> parameters = {});

  /// Quoted for SQL (rule S-6).
  std::string identifier(std::string_view name) const;
  std::string literal(std::string_view text) const;

  /// 150020. Never changes.
  std::uint32_t server_version_num() const;
  std::uint32_t backend_pid() const;
  bool reads_sql_ascii() const;
  const ConnectOptions& options() const { return options_; }

  /// libpq's last message, scrubbed.
  std::string last_message() const;

  /// For this library's own asynchronous readers.
  pg_conn* raw() const { return connection_.get(); }

 private:
  using Handle = base::Handle<pg_conn, &close_connection>;
  Connection(Handle connection, ConnectOptions options)
      : connection_(std::move(connection)), options_(std::move(options)) {}

  base::Result<ResultHandle> await_result(base::Deadline deadline, std::string_view attempted);

  Handle connection_;
  ConnectOptions options_;
};

}  // namespace sluice::postgres
