#include "sluice/pgoutput/assembler.h"

#include <limits>
#include <utility>

#include <fmt/core.h>

#include "protocol_violation.h"
#include "relation_cache.h"
#include "sluice/base/check.h"
#include "sluice/pgoutput/stream_messages.h"

namespace sluice::pgoutput {
namespace {

using base::Recovery;
using change::Op;

/// Part of the first logical message behind a row change, less one (rule P-5).
constexpr std::uint32_t kMessageParts = 0x8000;
constexpr std::uint32_t kLastPart = 0xFFFF;

[[gnu::cold]] tl::unexpected<base::Error> transaction_too_large(std::uint32_t xid, std::string_view what) {
  return base::fail(
      Recovery::Stop, "pgoutput.transaction_too_large",
      fmt::format("transaction {} has more {} than event ids can number. Write it in smaller transactions; to "
                  "pass this one, make a new slot with `replicator slot reset --new-epoch`",
                  xid, what));
}

[[gnu::cold]] tl::unexpected<base::Error> column_count_differs(const change::TableSchema& table, std::size_t cells) {
  return protocol_violation(fmt::format("a row of {} has {} columns where its RELATION has {}", qualified_name(table),
                                        cells, table.columns.size()));
}

/// The server sends a value that is stored out of line and was not changed in the old tuple only (rule P-31). Null in
/// the old tuple is no such value: it stands for "not part of the identity".
void fill_unchanged(const change::Row& before, change::Row& after) {
  for (std::size_t ordinal = 0; ordinal < after.size(); ++ordinal) {
    if (after[ordinal].kind != change::CellKind::Unchanged) continue;
    const change::Cell& old = before[ordinal];
    if (old.kind == change::CellKind::Text || old.kind == change::CellKind::Binary) after.replace(ordinal, old);
  }
}

Op op_of(MessageKind kind) {
  if (kind == MessageKind::Insert) return Op::Insert;
  return kind == MessageKind::Update ? Op::Update : Op::Delete;
}

}  // namespace

tl::unexpected<base::Error> protocol_violation(std::string_view what) {
  return base::fail(
      Recovery::Stop, "pgoutput.protocol_violation",
      fmt::format("{}; nothing of its transaction was confirmed. Start again; if it comes back, report it with "
                  "the server's version",
                  what));
}

Assembler::Assembler(std::uint32_t epoch, Catalog& catalog, change::Lsn start)
    : relations_(std::make_unique<RelationCache>(catalog)), position_(start) {
  event_.id.epoch = epoch;
}

Assembler::~Assembler() = default;

Assembler::Item Assembler::apply(std::string_view message, change::Lsn data_start) {
  SLUICE_CHECK(!has_pending(), "next_pending() has given everything before the next message is applied");
  SLUICE_ASSIGN(const MessageKind kind, kind_of(message));
  switch (kind) {
    case MessageKind::Insert:
    case MessageKind::Update:
    case MessageKind::Delete: return row_change(kind, message, data_start);
    case MessageKind::Begin: return begin(message);
    case MessageKind::Commit: return commit(message);
    case MessageKind::Truncate: return truncate(message, data_start);
    case MessageKind::Message: return logical_message(message);
    case MessageKind::Origin: return origin(message);
    case MessageKind::StreamAbort: {
      SLUICE_TRY(parse_stream_abort(message));
      return std::nullopt;
    }
    case MessageKind::Relation: {
      SLUICE_ASSIGN(const Relation relation, parse_relation(message));
      SLUICE_TRY(relations_->learn(relation));
      return std::nullopt;
    }
    case MessageKind::Type: {
      SLUICE_ASSIGN(const Type type, parse_type(message));
      relations_->learn(type);
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::optional<change::SourceItem> Assembler::next_pending() {
  if (next_truncated_ < truncated_.size()) return next_truncated();
  if (!pending_end_) return std::nullopt;
  return change::SourceItem(*std::exchange(pending_end_, std::nullopt));
}

std::optional<change::Heartbeat> Assembler::keepalive(change::Lsn wal_end) {
  if (in_transaction() || wal_end <= position_) return std::nullopt;
  position_ = wal_end;
  return change::Heartbeat{change::position_of(wal_end)};
}

Assembler::Item Assembler::begin(std::string_view message) {
  SLUICE_ASSIGN(const Begin begin, parse_begin(message));
  if (in_transaction_) return protocol_violation("a BEGIN came inside a transaction");
  if (begin.final_lsn < position_ || begin.final_lsn.is_zero()) {
    return protocol_violation(fmt::format("a BEGIN with commit LSN {} came when the stream had passed {}",
                                          to_string(begin.final_lsn), to_string(position_)));
  }
  in_transaction_ = true;
  seq_ = 0;
  messages_behind_row_ = 0;
  event_.id.commit_lsn = begin.final_lsn;
  event_.xid = begin.xid;
  event_.commit_time_us = begin.commit_time_us;
  return std::nullopt;
}

Assembler::Item Assembler::commit(std::string_view message) {
  SLUICE_ASSIGN(const Commit commit, parse_commit(message));
  if (!in_transaction_) return protocol_violation("a COMMIT came without a BEGIN");
  if (commit.commit_lsn != event_.id.commit_lsn || commit.end_lsn <= commit.commit_lsn) {
    return protocol_violation(fmt::format("a COMMIT of {} to {} ends the transaction that began as {}",
                                          to_string(commit.commit_lsn), to_string(commit.end_lsn),
                                          to_string(event_.id.commit_lsn)));
  }
  in_transaction_ = false;
  position_ = commit.end_lsn;
  return change::SourceItem(change::TransactionEnd{change::position_of(commit.end_lsn), commit.commit_lsn, event_.xid,
                                                   event_.commit_time_us});
}

Assembler::Item Assembler::row_change(MessageKind kind, std::string_view message, change::Lsn data_start) {
  SLUICE_ASSIGN(const RowChange row, parse_row_change(message, event_.before, event_.after));
  if (!in_transaction_) [[unlikely]]
    return protocol_violation("a row change came outside of a transaction");
  const change::TableSchemaPtr* const table = relations_->find(row.relation_oid);
  if (table == nullptr) [[unlikely]] {
    return protocol_violation(fmt::format("a row of table {} came before its RELATION", row.relation_oid));
  }
  const std::size_t columns = (*table)->columns.size();
  const bool has_before = row.old_tuple != OldTuple::None;
  const bool has_after = kind != MessageKind::Delete;
  if (has_before && event_.before.size() != columns) return column_count_differs(**table, event_.before.size());
  if (has_after && event_.after.size() != columns) return column_count_differs(**table, event_.after.size());
  if (seq_ == std::numeric_limits<std::uint32_t>::max()) return transaction_too_large(event_.xid, "row changes");

  if (has_before && has_after) fill_unchanged(event_.before, event_.after);
  start_event(op_of(kind), data_start);
  event_.id.seq = ++seq_;
  messages_behind_row_ = 0;
  event_.before_is_key_only = row.old_tuple == OldTuple::Key;
  if (event_.table.get() != table->get()) event_.table = *table;  // the same table costs no atomic counter
  return change::SourceItem(&event_);
}

Assembler::Item Assembler::truncate(std::string_view message, change::Lsn data_start) {
  SLUICE_ASSIGN(const Truncate truncate, parse_truncate(message));
  if (!in_transaction_) return protocol_violation("a TRUNCATE came outside of a transaction");
  if (std::numeric_limits<std::uint32_t>::max() - seq_ < truncate.relation_oids.size()) {
    return transaction_too_large(event_.xid, "row changes");
  }
  std::vector<change::TableSchemaPtr> tables;
  for (const std::uint32_t oid : truncate.relation_oids) {
    const change::TableSchemaPtr* const table = relations_->find(oid);
    if (table == nullptr)
      return protocol_violation(fmt::format("a TRUNCATE of table {} came before its RELATION", oid));
    tables.push_back(*table);
  }
  truncated_ = std::move(tables);
  next_truncated_ = 0;
  start_event(Op::Truncate, data_start);
  event_.before.clear();
  event_.after.clear();
  event_.truncate = {truncate.cascade, truncate.restart_identity};
  return next_truncated();
}

change::SourceItem Assembler::next_truncated() {
  event_.id.seq = ++seq_;
  messages_behind_row_ = 0;
  event_.table = truncated_[next_truncated_++];
  return &event_;
}

Assembler::Item Assembler::logical_message(std::string_view message) {
  SLUICE_ASSIGN(const LogicalMessage logical, parse_logical_message(message));
  if (logical.transactional != in_transaction_) {
    return protocol_violation(logical.transactional ? "a transactional logical message came outside of a transaction"
                                                    : "a logical message of no transaction came inside of one");
  }
  start_event(Op::Message, logical.lsn);
  event_.before.clear();
  event_.after.clear();
  event_.table = nullptr;
  event_.message = {logical.prefix, logical.content, logical.transactional};
  return logical.transactional ? number_message() : number_lone_message();
}

Assembler::Item Assembler::number_message() {
  if (kMessageParts + messages_behind_row_ == kLastPart) {
    return transaction_too_large(event_.xid, "logical messages behind one row change");
  }
  event_.id.seq = seq_;
  event_.id.part = kMessageParts + ++messages_behind_row_;
  return change::SourceItem(&event_);
}

Assembler::Item Assembler::number_lone_message() {
  const change::Lsn lsn = event_.record_lsn;
  if (lsn <= position_) {
    return protocol_violation(fmt::format("a logical message at {} came when the stream had passed {}", to_string(lsn),
                                          to_string(position_)));
  }
  position_ = lsn;
  event_.id.commit_lsn = lsn;
  event_.id.seq = 0;
  event_.id.part = kMessageParts;
  event_.xid = 0;
  event_.commit_time_us = 0;
  pending_end_ = change::TransactionEnd{change::position_of(lsn), lsn, 0, 0};
  return change::SourceItem(&event_);
}

Assembler::Item Assembler::origin(std::string_view message) {
  SLUICE_TRY(parse_origin(message));
  if (!in_transaction_) return protocol_violation("an ORIGIN came outside of a transaction");
  return std::nullopt;
}

/// Undoes what the event before may have left behind; rows and place are the caller's.
void Assembler::start_event(Op op, change::Lsn record_lsn) {
  if (event_.op == Op::Truncate) event_.truncate = {};
  if (event_.op == Op::Message) event_.message = {};
  event_.op = op;
  event_.record_lsn = record_lsn;
  event_.id.part = 0;
  event_.before_is_key_only = false;
}

}  // namespace sluice::pgoutput
