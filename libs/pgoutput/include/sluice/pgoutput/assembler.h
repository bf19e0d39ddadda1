// Turns the messages of one replication connection into the items of a change source: gives every row its table, its
// place in its transaction (rule P-5) and the values that the message leaves to its old tuple (rule P-31).
//
// Numbering: Insert, Update and Delete count 1, Truncate one per relation. The n-th logical message behind a row change
// has that change's seq (0 before the first) and part 0x8000 + n. A logical message that is not transactional stands
// outside of any transaction: it has its own LSN as commit_lsn, seq 0, part 0x8000, xid 0 and commit_time_us 0 (the
// message tells none), and is followed by a TransactionEnd at that LSN. (Its LSN is the byte after its WAL record,
// where a commit record may begin: part 0x8000 keeps its id apart from the messages of that transaction, and before
// them.)
//
// Positions never decrease: a transaction that commits before a position given is refused.
//
// Speed: one ChangeEvent is refilled for every row; its cells are views into the message. No allocation per row.
//
// Thread rule: one thread. One Assembler per connection: the server sends every Relation again on a new one.
// Errors, all Stop unless the catalog says otherwise: pgoutput.malformed, pgoutput.unexpected_message,
// pgoutput.protocol_violation, pgoutput.transaction_too_large. After an error the assembler is finished: destroy it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/change/change_event.h"
#include "sluice/pgoutput/catalog.h"
#include "sluice/pgoutput/messages.h"

namespace sluice::pgoutput {

class RelationCache;

class Assembler {
 public:
  /// `start`: where the stream was asked to begin; nothing of it may be before.
  /// REQUIRES: `catalog` outlives the assembler.
  Assembler(std::uint32_t epoch, Catalog& catalog, change::Lsn start = {});
  ~Assembler();
  Assembler(const Assembler&) = delete;
  Assembler& operator=(const Assembler&) = delete;

  /// Reads one message. Gives its first item, or nothing when the message yields none. The event is valid until the
  /// next call and as long as the bytes of `message`. REQUIRES: next_pending() has given nothing since the last call
  /// that gave an item.
  base::Result<std::optional<change::SourceItem>> apply(std::string_view message, change::Lsn data_start);

  /// The further items of the last message, one a call, then nothing (a Truncate of n relations has n items). Does not
  /// need the bytes of the message any more.
  std::optional<change::SourceItem> next_pending();

  /// The server has read its WAL up to here: a position to go on at, but only outside of a transaction, and only when
  /// it is behind every position given before (rule P-6).
  std::optional<change::Heartbeat> keepalive(change::Lsn wal_end);

  /// Between Begin and Commit, or with items pending.
  bool in_transaction() const { return in_transaction_ || has_pending(); }

 private:
  using Item = base::Result<std::optional<change::SourceItem>>;

  Item begin(std::string_view message);
  Item commit(std::string_view message);
  Item row_change(MessageKind kind, std::string_view message, change::Lsn data_start);
  Item truncate(std::string_view message, change::Lsn data_start);
  Item logical_message(std::string_view message);
  Item number_message();
  Item number_lone_message();
  Item origin(std::string_view message);
  change::SourceItem next_truncated();
  void start_event(change::Op op, change::Lsn record_lsn);
  bool has_pending() const { return next_truncated_ < truncated_.size() || pending_end_.has_value(); }

  std::unique_ptr<RelationCache> relations_;

  bool in_transaction_ = false;
  change::Lsn position_;   ///< the last one given; no transaction may begin before it, it would be lost
  std::uint32_t seq_ = 0;  ///< of the last row change of the transaction
  std::uint32_t messages_behind_row_ = 0;
  change::ChangeEvent event_;  ///< id.commit_lsn, xid, commit_time_us: of the transaction

  std::vector<change::TableSchemaPtr> truncated_;  ///< of the last Truncate
  std::size_t next_truncated_ = 0;
  std::optional<change::TransactionEnd> pending_end_;
};

}  // namespace sluice::pgoutput
