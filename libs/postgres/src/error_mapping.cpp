#include "sluice/postgres/error_mapping.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

namespace sluice::postgres {
namespace {

using base::Error;
using base::Recovery;

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool is_sqlstate(std::string_view text) {
  return text.size() == 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

bool in_class(std::string_view sqlstate, std::string_view prefix) {
  return sqlstate.substr(0, prefix.size()) == prefix;
}

// The server is there but not now: shutting down, starting, recovering, terminated by an administrator.
bool is_passing(std::string_view sqlstate) { return in_class(sqlstate, "57P") || in_class(sqlstate, "08"); }

// Waiting helps: locks, deadlocks, serialisation, cancelled statements, memory and disk of the server.
bool may_work_later(std::string_view sqlstate) {
  constexpr std::array<std::string_view, 4> kCodes{"55P03", "57014", "55006", "25P03"};
  return in_class(sqlstate, "40") || in_class(sqlstate, "53") || sqlstate == "58030" ||
         std::find(kCodes.begin(), kCodes.end(), sqlstate) != kCodes.end();
}

bool is_tls_failure(std::string_view message) {
  if (has(message, "SSL SYSCALL error")) return false;
  return has(message, "SSL") || has(message, "certificate") || has(message, "sslmode");
}

bool is_auth_failure(std::string_view message) {
  return has(message, "no password supplied") || has(message, "channel binding") || has(message, "SCRAM") ||
         has(message, "authentication method");
}

}  // namespace

std::string_view sqlstate_in(std::string_view libpq_message) {
  constexpr std::string_view kMark = ": ";
  std::string_view found;
  for (std::size_t at = libpq_message.find(kMark); at != std::string_view::npos;
       at = libpq_message.find(kMark, at + 1)) {
    std::size_t begin = at + 1;
    while (begin < libpq_message.size() && libpq_message[begin] == ' ') ++begin;
    const std::string_view code = libpq_message.substr(begin, 5);
    if (is_sqlstate(code) && libpq_message.substr(begin + 5, 2) == kMark) found = code;
  }
  return found;
}

namespace {

/// Without the server's source line, which verbose messages end with, and without the last full stop.
std::string_view without_ending(std::string_view message) {
  message = message.substr(0, message.find(" LOCATION: "));
  while (message.ends_with('.') || message.ends_with('?') || message.ends_with(' ')) message.remove_suffix(1);
  return message;
}

}  // namespace

Error connect_error(std::string_view message, std::string_view target) {
  const std::string_view state = sqlstate_in(message);
  const auto error = [&](Recovery recovery, std::string_view id, std::string_view remedy) {
    return Error{recovery, id,
                 fmt::format("cannot connect to PostgreSQL at {}: {}. {}", target, without_ending(message), remedy)};
  };
  if (state == "3D000") {
    return error(Recovery::Stop, "pg.database_missing", "Correct postgres.dbname, or create the database");
  }
  if (state == "53300") {
    return error(Recovery::Retry, "pg.too_many_connections",
                 "Free connections on the server, or raise max_connections or max_wal_senders");
  }
  if (in_class(state, "28") || (state.empty() && is_auth_failure(message))) {
    return error(Recovery::Stop, "pg.auth_failed", "Check postgres.user, its password, and the server's pg_hba.conf");
  }
  if (state == "42501") {
    return error(Recovery::Stop, "pg.privilege",
                 "Give the role what is missing: ALTER ROLE … REPLICATION, or GRANT CONNECT");
  }
  if (state.empty() && is_tls_failure(message)) {
    return error(Recovery::Stop, "pg.tls_failed",
                 "Check postgres.sslmode and sslrootcert against the server's certificate");
  }
  if (state.empty() || is_passing(state) || may_work_later(state)) {
    return error(Recovery::Retry, "pg.unreachable", "Check that the server runs and that host and port are right");
  }
  return error(Recovery::Stop, "pg.query_failed", "Correct what the server refuses");
}

bool message_may_hold_values(std::string_view sqlstate) {
  // 22023 is about a parameter of the command, such as the name of a snapshot.
  return (in_class(sqlstate, "22") && sqlstate != "22023") || in_class(sqlstate, "23") || in_class(sqlstate, "P0");
}

Error query_error(std::string_view sqlstate, std::string_view message, std::string_view attempted) {
  const std::string shown = message_may_hold_values(sqlstate)
                                ? fmt::format("SQLSTATE {}", sqlstate)
                                : fmt::format("{}{}{}", message, sqlstate.empty() ? "" : ", SQLSTATE ", sqlstate);
  const auto error = [&](Recovery recovery, std::string_view id, std::string_view remedy) {
    return Error{recovery, id, fmt::format("{} failed: {}. {}", attempted, shown, remedy)};
  };
  if (sqlstate.empty() || is_passing(sqlstate)) {
    return error(Recovery::Retry, "pg.connection_lost", "It is tried again; look at the server's log if it goes on");
  }
  if (sqlstate == "42501") {
    return error(Recovery::Stop, "pg.privilege", "Grant the role of postgres.user what the message names");
  }
  if (sqlstate == "53300") {
    return error(Recovery::Retry, "pg.too_many_connections",
                 "Free connections on the server, or raise max_connections");
  }
  if (may_work_later(sqlstate)) {
    return error(Recovery::Retry, "pg.query_failed", "It is tried again; look at the server's log if it goes on");
  }
  return error(Recovery::Stop, "pg.query_failed",
               "Look at the server's log; its statement log shows the whole command");
}

Error stream_error(std::string_view sqlstate, std::string_view message) {
  if (sqlstate == "55006") {
    return Error{Recovery::Retry, "pg.slot_active",
                 fmt::format("another process reads the slot: {}. It is tried again until that one is gone; stop the "
                             "other replicator if there is one",
                             message)};
  }
  if (sqlstate == "22021" || sqlstate == "22P05") {
    return Error{Recovery::Stop, "pg.bad_encoding",
                 "the server cannot convert a value to UTF-8 and would fail at the same position for ever. Repair the "
                 "row's encoding, or make a new slot behind it"};
  }
  if (sqlstate.empty() || is_passing(sqlstate) || may_work_later(sqlstate) || sqlstate == "42501") {
    return query_error(sqlstate, message, "the replication stream");
  }
  return Error{Recovery::Stop, "pg.decoding_failed",
               fmt::format("the server cannot decode its log for us: {}, SQLSTATE {}. Mend what it names (publications "
                           "with different column lists, missing WAL), then start again",
                           message_may_hold_values(sqlstate) ? "its message is withheld" : message, sqlstate)};
}

}  // namespace sluice::postgres
