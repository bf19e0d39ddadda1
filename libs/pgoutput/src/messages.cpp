#include "sluice/pgoutput/messages.h"

#include <fmt/core.h>

#include "malformed.h"
#include "sluice/base/byte_reader.h"
#include "sluice/base/check.h"
#include "sluice/pgoutput/replication_message.h"

namespace sluice::pgoutput {
namespace {

using base::ByteReader;
using base::Recovery;

constexpr std::string_view kKindsOfLaterProtocols = "SEcbPKrp";

// pgoutput saves the bytes of the most frequent schema.
std::string_view schema_name(std::string_view sent) { return sent.empty() ? "pg_catalog" : sent; }

/// A reader behind the kind byte.
ByteReader body(std::string_view message) {
  SLUICE_CHECK(!message.empty(), "kind_of() accepted the message");
  ByteReader reader(message);
  reader.u8();
  return reader;
}

template <class T>
base::Result<T> finished(std::string_view message, const ByteReader& reader, T value) {
  if (!reader.finished()) return malformed(message, reader.offset());
  return value;
}

bool read_time(ByteReader& reader, std::int64_t& out) {
  const std::optional<std::int64_t> time = unix_us_from_postgres(reader.i64());
  out = time.value_or(0);
  return time.has_value();
}

bool read_identity(ByteReader& reader, change::ReplicaIdentity& out) {
  const char identity = static_cast<char>(reader.u8());
  out = static_cast<change::ReplicaIdentity>(identity);
  return std::string_view("dnfi").find(identity) != std::string_view::npos;
}

/// False: a cell of unknown kind. Running out of bytes is one too, since a failed reader gives kind 0.
bool read_tuple(ByteReader& reader, change::Row& row) {
  for (change::Cell& cell : row.refill(reader.u16())) {
    switch (reader.u8()) {
      case 't': cell = {change::CellKind::Text, reader.bytes(reader.u32())}; break;
      case 'n': cell = {change::CellKind::Null, {}}; break;
      case 'u': cell = {change::CellKind::Unchanged, {}}; break;
      case 'b': cell = {change::CellKind::Binary, reader.bytes(reader.u32())}; break;
      default: return false;
    }
  }
  return !reader.failed();
}

}  // namespace

std::string printable_kind(char kind) {
  const bool printable = kind > ' ' && kind < '\x7f';
  return printable ? fmt::format("'{}'", kind) : fmt::format("0x{:02x}", static_cast<unsigned char>(kind));
}

tl::unexpected<base::Error> malformed(std::string_view message, std::size_t offset) {
  return base::fail(
      Recovery::Stop, "pgoutput.malformed",
      fmt::format("a message of kind {} with {} bytes is malformed at offset {}; nothing of its transaction was "
                  "confirmed. Start again; if it comes back, report it with the server's version",
                  printable_kind(message.front()), message.size(), offset));
}

base::Result<MessageKind> kind_of(std::string_view message) {
  if (message.empty()) {
    return base::fail(
        Recovery::Stop, "pgoutput.malformed",
        "the server sent an empty message. Start again; if it comes back, report it with the server's version");
  }
  const char kind = message.front();
  if (std::string_view("BCORYIUDTMA").find(kind) != std::string_view::npos) [[likely]]
    return static_cast<MessageKind>(kind);
  const bool later = kKindsOfLaterProtocols.find(kind) != std::string_view::npos;
  return base::fail(
      Recovery::Stop, "pgoutput.unexpected_message",
      fmt::format("the server sent a message of kind {}, {}. Ask for proto_version 1 without streaming, and use a "
                  "slot made without two_phase",
                  printable_kind(kind),
                  later ? "which belongs to streamed or two-phase transactions" : "which is not known"));
}

base::Result<Begin> parse_begin(std::string_view message) {
  ByteReader reader = body(message);
  Begin begin;
  begin.final_lsn = change::Lsn(reader.u64());
  if (!read_time(reader, begin.commit_time_us)) return malformed(message, reader.offset());
  begin.xid = reader.u32();
  return finished(message, reader, begin);
}

base::Result<Commit> parse_commit(std::string_view message) {
  ByteReader reader = body(message);
  Commit commit;
  reader.u8();  // flags: none is defined
  commit.commit_lsn = change::Lsn(reader.u64());
  commit.end_lsn = change::Lsn(reader.u64());
  if (!read_time(reader, commit.commit_time_us)) return malformed(message, reader.offset());
  return finished(message, reader, commit);
}

base::Result<Origin> parse_origin(std::string_view message) {
  ByteReader reader = body(message);
  Origin origin;
  origin.commit_lsn = change::Lsn(reader.u64());
  origin.name = reader.c_string();
  return finished(message, reader, origin);
}

base::Result<Relation> parse_relation(std::string_view message) {
  ByteReader reader = body(message);
  Relation relation;
  relation.oid = reader.u32();
  relation.schema = schema_name(reader.c_string());
  relation.name = reader.c_string();
  if (!read_identity(reader, relation.identity)) return malformed(message, reader.offset());
  const std::uint16_t columns = reader.u16();
  for (std::uint16_t ordinal = 0; ordinal < columns && !reader.failed(); ++ordinal) {
    RelationColumn column;
    column.identity = (reader.u8() & 1) != 0;
    column.name = reader.c_string();
    column.type_oid = reader.u32();
    column.type_modifier = reader.i32();
    relation.columns.push_back(column);
  }
  return finished(message, reader, std::move(relation));
}

base::Result<Type> parse_type(std::string_view message) {
  ByteReader reader = body(message);
  Type type;
  type.oid = reader.u32();
  type.schema = schema_name(reader.c_string());
  type.name = reader.c_string();
  return finished(message, reader, type);
}

base::Result<Truncate> parse_truncate(std::string_view message) {
  ByteReader reader = body(message);
  Truncate truncate;
  const std::uint32_t relations = reader.u32();
  const std::uint8_t flags = reader.u8();
  truncate.cascade = (flags & 1) != 0;
  truncate.restart_identity = (flags & 2) != 0;
  // A count that the bytes cannot hold is refused before anything is reserved for it.
  if (relations == 0 || reader.remaining() / sizeof(std::uint32_t) < relations)
    return malformed(message, reader.offset());
  truncate.relation_oids.reserve(relations);
  for (std::uint32_t ordinal = 0; ordinal < relations; ++ordinal) truncate.relation_oids.push_back(reader.u32());
  return finished(message, reader, std::move(truncate));
}

base::Result<LogicalMessage> parse_logical_message(std::string_view message) {
  ByteReader reader = body(message);
  LogicalMessage logical;
  logical.transactional = (reader.u8() & 1) != 0;
  logical.lsn = change::Lsn(reader.u64());
  logical.prefix = reader.c_string();
  logical.content = reader.bytes(reader.u32());
  return finished(message, reader, logical);
}

base::Result<RowChange> parse_row_change(std::string_view message, change::Row& before, change::Row& after) {
  before.clear();
  after.clear();
  ByteReader reader = body(message);
  const auto kind = static_cast<MessageKind>(message.front());
  RowChange row_change;
  row_change.relation_oid = reader.u32();
  std::uint8_t tuple = reader.u8();
  before.clear();
  after.clear();
  if (kind != MessageKind::Insert && (tuple == 'K' || tuple == 'O')) {
    row_change.old_tuple = tuple == 'K' ? OldTuple::Key : OldTuple::Full;
    if (!read_tuple(reader, before)) return malformed(message, reader.offset());
    if (kind == MessageKind::Delete) return finished(message, reader, row_change);
    tuple = reader.u8();
  }
  if (tuple != 'N' || kind == MessageKind::Delete || !read_tuple(reader, after)) {
    return malformed(message, reader.offset());
  }
  return finished(message, reader, row_change);
}

}  // namespace sluice::pgoutput
