#include "sluice/pgoutput/stream_messages.h"

#include "malformed.h"
#include "sluice/base/byte_reader.h"

namespace sluice::pgoutput {
namespace {

using base::ByteReader;

constexpr std::size_t kCommitBody = 1 + 3 * sizeof(std::uint64_t);   // flags, commit LSN, end LSN, time
constexpr std::size_t kAbortLsnAndTime = 2 * sizeof(std::uint64_t);  // of protocol 4

ByteReader body(std::string_view message) { return ByteReader(message.substr(1)); }

}  // namespace

StreamMessageKind stream_message_kind(std::string_view message) {
  const char kind = message.empty() ? '\0' : message.front();
  const bool known = kind == 'S' || kind == 'E' || kind == 'c' || kind == 'A';
  return known ? static_cast<StreamMessageKind>(kind) : StreamMessageKind::None;
}

base::Result<StreamStart> parse_stream_start(std::string_view message) {
  ByteReader reader = body(message);
  StreamStart start;
  start.xid = reader.u32();
  start.first_segment = reader.u8() == 1;
  if (!reader.finished()) return malformed(message, 1 + reader.offset());
  return start;
}

base::Result<void> parse_stream_stop(std::string_view message) {
  if (message.size() != 1) return malformed(message, 1);
  return {};
}

base::Result<std::uint32_t> parse_stream_commit(std::string_view message) {
  ByteReader reader = body(message);
  const std::uint32_t xid = reader.u32();
  if (reader.failed() || reader.remaining() != kCommitBody) return malformed(message, 1 + reader.offset());
  return xid;
}

base::Result<StreamAbort> parse_stream_abort(std::string_view message) {
  ByteReader reader = body(message);
  StreamAbort abort;
  abort.xid = reader.u32();
  abort.subxid = reader.u32();
  if (!reader.finished() && reader.remaining() != kAbortLsnAndTime) return malformed(message, 1 + reader.offset());
  return abort;
}

}  // namespace sluice::pgoutput
