// What a source yields: one change of one row (or of a whole table), and the marks between transactions.
//
// Thread rule: one thread; an event is valid until the source that gave it is asked for the next one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sluice/change/event_id.h"
#include "sluice/change/lsn.h"
#include "sluice/change/row.h"
#include "sluice/change/table_schema.h"

namespace sluice::change {

enum class Op : char { Snapshot = 'r', Insert = 'c', Update = 'u', Delete = 'd', Truncate = 't', Message = 'm' };

struct ChangeEvent {
  /// Of part 0. Of a snapshot row: the epoch and, as commit_lsn, the position at which the snapshot began; seq 0.
  EventId id;
  Op op = Op::Insert;
  TableSchemaPtr table;             ///< null for a logical message
  std::uint32_t xid = 0;            ///< of the transaction; 0 for a snapshot row
  std::int64_t commit_time_us = 0;  ///< microseconds since 1970-01-01 UTC; of a snapshot row: when the snapshot began;
                                    ///< 0 of a logical message that belongs to no transaction: it tells no time
  Lsn record_lsn;                   ///< of the WAL record: informative only, neither unique nor ordered

  Row before;                             ///< empty when the message had no old tuple
  bool before_is_key_only = false;        ///< the old tuple has only the identity columns (the message's 'K')
  Row after;                              ///< empty for delete, truncate, message
  std::vector<std::uint32_t> reselected;  ///< ordinals of cells of `after` that were fetched afterwards (rule P-31)

  /// Snapshot row of a table without a key: what tells it from its equals, tableoid and ctid (rule P-25). Else empty.
  std::string_view row_identity;

  struct {
    bool cascade = false;
    bool restart_identity = false;
  } truncate;

  struct {
    std::string_view prefix;
    std::string_view content;
    bool transactional = true;
  } message;
};

/// Where a source can go on: an Lsn of the WAL, a queue id of trigger capture. Opaque but for its order.
struct Position {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(Position, Position) = default;
};

constexpr Position position_of(Lsn lsn) { return Position{lsn.value()}; }
constexpr Lsn lsn_of(Position position) { return Lsn(position.value); }

/// A whole transaction has been yielded; the source can go on at `end` (rule P-3).
struct TransactionEnd {
  Position end{};
  Lsn commit_lsn{};
  std::uint32_t xid = 0;
  std::int64_t commit_time_us = 0;
};

/// Everything before `position` has been yielded, outside of any transaction (rule P-6).
struct Heartbeat {
  Position position;
};

/// A snapshot has been read to its end. A stream has no end.
struct EndOfSource {};

using SourceItem = std::variant<const ChangeEvent*, TransactionEnd, Heartbeat, EndOfSource>;

}  // namespace sluice::change
