// What travels inside CopyData while a connection streams: the server's XLogData and keepalive, our status update.
//
// Source of the layout: PostgreSQL 15 manual, "Streaming Replication Protocol", START_REPLICATION. All times there are
// microseconds since 2000-01-01 UTC; here they are microseconds since 1970-01-01 UTC.
//
// Thread rule: pure functions and values. Views point into the bytes given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "sluice/base/error.h"
#include "sluice/change/lsn.h"

namespace sluice::pgoutput {

/// 2000-01-01 00:00:00 UTC in microseconds since 1970-01-01 00:00:00 UTC.
inline constexpr std::int64_t kPostgresEpochUs = 946'684'800'000'000;

/// PostgreSQL's time as ours; nothing when it is out of range.
inline std::optional<std::int64_t> unix_us_from_postgres(std::int64_t postgres_us) {
  std::int64_t unix_us = 0;
  if (__builtin_add_overflow(postgres_us, kPostgresEpochUs, &unix_us)) return std::nullopt;
  return unix_us;
}

/// 'w': one message of the output plugin.
struct XLogData {
  change::Lsn data_start;  ///< of the WAL record; 0/0 for Relation, Type and Origin
  change::Lsn wal_end;
  std::int64_t send_time_us = 0;
  std::string_view message;
};

/// 'k': how far the server has read its WAL.
struct Keepalive {
  change::Lsn wal_end;
  std::int64_t send_time_us = 0;
  bool reply_requested = false;  ///< answer at once, or the server closes the connection
};

using ReplicationMessage = std::variant<XLogData, Keepalive>;

/// Errors, all Stop: pgoutput.malformed, pgoutput.unexpected_message.
base::Result<ReplicationMessage> parse_replication_message(std::string_view bytes);

/// 'r'. `flushed` is what the server may forget (rule P-1: only after it is durable and checkpointed).
struct StatusUpdate {
  change::Lsn written;
  change::Lsn flushed;
  change::Lsn applied;
  std::int64_t clock_us = 0;     ///< our wall clock, microseconds since 1970-01-01 UTC
  bool reply_requested = false;  ///< ask the server for a keepalive
};

/// Appends the bytes to send in one CopyData.
void append_status_update(const StatusUpdate& update, std::string& out);

}  // namespace sluice::pgoutput
