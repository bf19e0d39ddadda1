// The messages of PostgreSQL's output plugin pgoutput, protocol version 1, and their parsers.
//
// Source of the layout: PostgreSQL 15 manual, "Logical Replication Message Formats"
// (protocol-logicalrep-message-formats), and src/backend/replication/logical/proto.c. Protocol versions 2 and up differ
// (messages of a streamed transaction carry an xid); they are recognised and refused.
//
// Every byte is checked: a message that ends too early, goes on too long or has an unknown kind inside is an error that
// names the message's kind and the offset, never a value.
//
// Thread rule: pure functions. All views point into the message.
// Errors, all Stop: pgoutput.malformed, pgoutput.unexpected_message.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/change/lsn.h"
#include "sluice/change/row.h"
#include "sluice/change/table_schema.h"

namespace sluice::pgoutput {

enum class MessageKind : char {
  Begin = 'B',
  Commit = 'C',
  Origin = 'O',
  Relation = 'R',
  Type = 'Y',
  Insert = 'I',
  Update = 'U',
  Delete = 'D',
  Truncate = 'T',
  Message = 'M',
  /// Of protocol 2 (stream_messages.h), but PostgreSQL 18 sends it in protocol 1 too: of subtransactions of a large
  /// transaction that rolled back while the server kept it. Nothing of them was sent.
  StreamAbort = 'A',
};

struct Begin {
  change::Lsn final_lsn;            ///< where the commit record begins: equals Commit::commit_lsn
  std::int64_t commit_time_us = 0;  ///< microseconds since 1970-01-01 UTC
  std::uint32_t xid = 0;
};

struct Commit {
  change::Lsn commit_lsn;
  change::Lsn end_lsn;  ///< the byte after the commit record: the position to go on at
  std::int64_t commit_time_us = 0;
};

/// The transaction was replicated to this server from another one.
struct Origin {
  change::Lsn commit_lsn;  ///< on the server of origin
  std::string_view name;
};

struct RelationColumn {
  bool identity = false;  ///< part of the replica identity
  std::string_view name;
  std::uint32_t type_oid = 0;
  std::int32_t type_modifier = -1;
};

struct Relation {
  std::uint32_t oid = 0;
  std::string_view schema;  ///< "pg_catalog" where the message has the empty string
  std::string_view name;
  change::ReplicaIdentity identity = change::ReplicaIdentity::Default;
  std::vector<RelationColumn> columns;
};

/// Sent before the Relation that uses it, for every type that is not built in. Of a domain: the names of its base type.
struct Type {
  std::uint32_t oid = 0;
  std::string_view schema;  ///< "pg_catalog" where the message has the empty string
  std::string_view name;
};

struct Truncate {
  bool cascade = false;
  bool restart_identity = false;
  std::vector<std::uint32_t> relation_oids;
};

/// Written by pg_logical_emit_message().
struct LogicalMessage {
  bool transactional = true;
  change::Lsn lsn;  ///< the byte after the message's WAL record
  std::string_view prefix;
  std::string_view content;
};

enum class OldTuple : std::uint8_t {
  None,
  Key,   ///< 'K': only the columns of the replica identity have values
  Full,  ///< 'O': all columns (REPLICA IDENTITY FULL)
};

/// What an Insert, Update or Delete says beside its rows.
struct RowChange {
  std::uint32_t relation_oid = 0;
  OldTuple old_tuple = OldTuple::None;
};

/// The kind of a message. Error: pgoutput.unexpected_message for a kind of protocol version 2 or up and for an unknown
/// one.
base::Result<MessageKind> kind_of(std::string_view message);

// Each REQUIRES: kind_of(message) is the kind named by the function.
base::Result<Begin> parse_begin(std::string_view message);
base::Result<Commit> parse_commit(std::string_view message);
base::Result<Origin> parse_origin(std::string_view message);
base::Result<Relation> parse_relation(std::string_view message);
base::Result<Type> parse_type(std::string_view message);
base::Result<Truncate> parse_truncate(std::string_view message);
base::Result<LogicalMessage> parse_logical_message(std::string_view message);

/// Insert, Update or Delete: refills `before` and `after`, which are left empty where the message has no such tuple.
/// The rows keep their capacity, so reading rows of one table allocates nothing.
base::Result<RowChange> parse_row_change(std::string_view message, change::Row& before, change::Row& after);

}  // namespace sluice::pgoutput
