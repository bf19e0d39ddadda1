#include "sluice/postgres/connection.h"

#include <poll.h>

#include <utility>
#include <vector>

#include <fmt/core.h>
#include <libpq-fe.h>

#include "sluice/postgres/error_mapping.h"
#include "socket_wait.h"

namespace sluice::postgres {
namespace {

using base::Recovery;

// Notices are for people at a terminal; libpq would print them on our stderr.
void ignore_notice(void*, const PGresult*) {}

base::Result<void> check_conninfo(const ConnectOptions& options) {
  if (options.conninfo.empty()) return {};
  char* message = nullptr;
  PQconninfoOption* parsed = PQconninfoParse(options.conninfo.reveal().c_str(), &message);
  PQfreemem(message);
  if (parsed != nullptr) {
    PQconninfoFree(parsed);
    return {};
  }
  return base::fail(
      Recovery::Stop, "pg.bad_connection_string",
      "the connection string is not one that libpq can read (it is not shown, since it may hold a password). "
      "Write it as keyword=value pairs or as postgresql://user@host:port/dbname");
}

tl::unexpected<base::Error> could_not_connect(pg_conn* connection, const ConnectOptions& options,
                                              std::string_view more) {
  std::string message = connection == nullptr ? "out of memory" : scrubbed(PQerrorMessage(connection), options);
  if (!more.empty()) message = message.empty() ? std::string(more) : message + "; " + std::string(more);
  return tl::make_unexpected(connect_error(message, describe_target(options)));
}

base::Result<void> finish_connecting(pg_conn* connection, const ConnectOptions& options) {
  const base::Deadline deadline = base::Clock::now() + options.connect_timeout;
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (status != PGRES_POLLING_OK) {
    if (status == PGRES_POLLING_FAILED) return could_not_connect(connection, options, "");
    const short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!wait_for_socket(PQsocket(connection), events, deadline)) {
      return could_not_connect(connection, options,
                               fmt::format("no answer within {} ms", options.connect_timeout.count()));
    }
    status = PQconnectPoll(connection);
  }
  return {};
}

// Without this a value that is no UTF-8 ends the walsender at the same position for ever (rule P-27).
base::Result<void> choose_encoding(pg_conn* connection, const ConnectOptions& options) {
  const char* encoding = PQparameterStatus(connection, "server_encoding");
  if (encoding == nullptr || std::string_view(encoding) != "SQL_ASCII") return {};
  if (PQsetClientEncoding(connection, "SQL_ASCII") != 0) return could_not_connect(connection, options, "");
  return {};
}

// For text that is invalid in the connection's encoding, which libpq refuses to quote; the server will refuse it by
// name.
std::string quoted_by_hand(std::string_view text, std::string_view begin, std::string_view special, char end) {
  std::string quoted(begin);
  for (const char character : text) {
    if (special.find(character) != std::string_view::npos) quoted.push_back(character);
    quoted.push_back(character);
  }
  quoted.push_back(end);
  return quoted;
}

bool is_success(ExecStatusType status) {
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_OUT ||
         status == PGRES_COPY_BOTH || status == PGRES_EMPTY_QUERY;
}

bool begins_copy(ExecStatusType status) { return status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH; }

base::Error error_of(const pg_result* result, const ConnectOptions& options, std::string_view attempted) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const char* text = primary != nullptr ? primary : PQresultErrorMessage(result);
  return query_error(state == nullptr ? "" : state, scrubbed(text, options), attempted);
}

}  // namespace

void close_connection(pg_conn* connection) noexcept { PQfinish(connection); }

base::Result<Connection> Connection::open(ConnectOptions options, ConnectionKind kind) {
  SLUICE_TRY(check_conninfo(options));
  const ConnectKeywords keywords = connect_keywords(options, kind);
  std::vector<const char*> names;
  std::vector<const char*> values;
  for (const auto& [name, value] : keywords) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  Handle connection(PQconnectStartParams(names.data(), values.data(), 1));
  if (connection == nullptr || PQstatus(connection.get()) == CONNECTION_BAD) {
    return could_not_connect(connection.get(), options, "");
  }
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);  // else a refused start would not tell its SQLSTATE
  PQsetNoticeReceiver(connection.get(), &ignore_notice, nullptr);
  SLUICE_TRY(finish_connecting(connection.get(), options));
  SLUICE_TRY(choose_encoding(connection.get(), options));
  return Connection(std::move(connection), std::move(options));
}

base::Result<ResultHandle> Connection::await_result(base::Deadline deadline, std::string_view attempted) {
  while (PQisBusy(raw()) != 0) {
    if (!wait_for_socket(PQsocket(raw()), POLLIN, deadline)) {
      return base::fail(Recovery::Retry, "pg.timeout",
                        fmt::format("{}: PostgreSQL did not answer in time. It is tried again; look for locks and load "
                                    "on the server if it goes on",
                                    attempted));
    }
    if (PQconsumeInput(raw()) == 0) return tl::make_unexpected(query_error("", last_message(), attempted));
  }
  return ResultHandle(PQgetResult(raw()));
}

base::Result<QueryResult> Connection::query(std::string_view attempted, const std::string& sql,
                                            std::span<const std::string> parameters) {
  return query_within(options_.query_timeout, attempted, sql, parameters);
}

base::Result<QueryResult> Connection::query_within(base::Milliseconds patience, std::string_view attempted,
                                                   const std::string& sql, std::span<const std::string> parameters) {
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  const int sent = parameters.empty() ? PQsendQuery(raw(), sql.c_str())
                                      : PQsendQueryParams(raw(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                                                          values.data(), nullptr, nullptr, 0);
  if (sent == 0) return tl::make_unexpected(query_error("", last_message(), attempted));
  const base::Deadline deadline = base::Clock::now() + patience;
  ResultHandle last;
  std::optional<base::Error> failure;
  for (;;) {
    SLUICE_ASSIGN(ResultHandle next, await_result(deadline, attempted));
    if (next == nullptr) break;
    const ExecStatusType status = PQresultStatus(next.get());
    if (!is_success(status) && !failure) failure = error_of(next.get(), options_, attempted);
    last = std::move(next);
    if (begins_copy(status)) break;
  }
  if (failure) return tl::make_unexpected(std::move(*failure));
  if (last == nullptr) return tl::make_unexpected(query_error("", last_message(), attempted));
  return QueryResult(std::move(last));
}

std::string Connection::identifier(std::string_view name) const {
  char* quoted = PQescapeIdentifier(raw(), name.data(), name.size());
  if (quoted == nullptr) return quoted_by_hand(name, "\"", "\"", '"');
  std::string text(quoted);
  PQfreemem(quoted);
  return text;
}

std::string Connection::literal(std::string_view text) const {
  char* quoted = PQescapeLiteral(raw(), text.data(), text.size());
  if (quoted == nullptr) return quoted_by_hand(text, "E'", "'\\", '\'');
  std::string copy(quoted);
  PQfreemem(quoted);
  return copy;
}

std::uint32_t Connection::server_version_num() const { return static_cast<std::uint32_t>(PQserverVersion(raw())); }

std::uint32_t Connection::backend_pid() const { return static_cast<std::uint32_t>(PQbackendPID(raw())); }

bool Connection::reads_sql_ascii() const {
  const char* encoding = PQparameterStatus(raw(), "client_encoding");
  return encoding != nullptr && std::string_view(encoding) == "SQL_ASCII";
}

std::string Connection::last_message() const { return scrubbed(PQerrorMessage(raw()), options_); }

}  // namespace sluice::postgres
