#include "sluice/pgoutput/replication_message.h"

#include <fmt/core.h>

#include "malformed.h"
#include "sluice/base/byte_reader.h"

namespace sluice::pgoutput {
namespace {

using base::ByteReader;
using base::Recovery;

base::Result<ReplicationMessage> parse_xlog_data(std::string_view bytes) {
  ByteReader reader(bytes);
  reader.u8();
  XLogData data;
  data.data_start = change::Lsn(reader.u64());
  data.wal_end = change::Lsn(reader.u64());
  const std::optional<std::int64_t> send_time_us = unix_us_from_postgres(reader.i64());
  if (reader.failed() || !send_time_us) return malformed(bytes, reader.offset());
  data.send_time_us = *send_time_us;
  data.message = reader.bytes(reader.remaining());
  return data;
}

base::Result<ReplicationMessage> parse_keepalive(std::string_view bytes) {
  ByteReader reader(bytes);
  reader.u8();
  Keepalive keepalive;
  keepalive.wal_end = change::Lsn(reader.u64());
  const std::optional<std::int64_t> send_time_us = unix_us_from_postgres(reader.i64());
  keepalive.reply_requested = reader.u8() != 0;
  if (!reader.finished() || !send_time_us) return malformed(bytes, reader.offset());
  keepalive.send_time_us = *send_time_us;
  return keepalive;
}

void append_u64(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>((value >> shift) & 0xFF));
}

}  // namespace

base::Result<ReplicationMessage> parse_replication_message(std::string_view bytes) {
  if (bytes.empty()) {
    return base::fail(
        Recovery::Stop, "pgoutput.malformed",
        "the server sent an empty CopyData. Start again; if it comes back, report it with the server's version");
  }
  switch (bytes.front()) {
    case 'w': return parse_xlog_data(bytes);
    case 'k': return parse_keepalive(bytes);
    default:
      return base::fail(
          Recovery::Stop, "pgoutput.unexpected_message",
          fmt::format("the server sent a replication message of kind {}, which is not known. Report it with the "
                      "server's version",
                      printable_kind(bytes.front())));
  }
}

void append_status_update(const StatusUpdate& update, std::string& out) {
  out.push_back('r');
  append_u64(out, update.written.value());
  append_u64(out, update.flushed.value());
  append_u64(out, update.applied.value());
  append_u64(out, static_cast<std::uint64_t>(update.clock_us - kPostgresEpochUs));
  out.push_back(update.reply_requested ? '\1' : '\0');
}

}  // namespace sluice::pgoutput
