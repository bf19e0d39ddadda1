// Rule P-33: what is known of each table, and which of them are halted. PostgreSQL rewrites existing rows without an
// event; from then on what was sent of them is wrong, and a halted table says so by being still: its events are not
// sent until an operator has decided.
//
// What is known belongs to a position, as a checkpoint does: a stream that begins again before a change of the schema
// is compared with what was known there, so that an old Relation message that comes again is no change. Hence what was
// learnt waits until a checkpoint at or behind the end of its transaction takes it over; and what an open transaction
// told is forgotten when it is cut and will come again.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/change/schema_change.h"
#include "sluice/pipeline/checkpoint.h"

namespace sluice::pipeline {

/// What becomes of a table whose existing rows were rewritten without an event.
enum class OnRewrite { Halt, Continue };

/// TableHalt::reason of a table that the publication has lost.
inline constexpr std::string_view kUnpublished = "dropped, or taken out of the publication or added to it again";

/// What is told of a halted table, and how it goes on: pg.table_halted.
base::Error table_halted(const std::string& table, const TableHalt& halt);

class TableWatch {
 public:
  /// `stored` is what a checkpoint knew at its position.
  TableWatch(TableStates stored, OnRewrite on_rewrite);

  /// An event has this version of its table. Call it once for each version that comes. `at`: of the event's
  /// transaction. True: the table is halted, from this event on.
  bool follow(const change::TableSchema& table, change::Lsn at);
  /// The open transaction, if there is one, is whole and ends here. REQUIRES: `end` never decreases.
  void end_transaction(change::Position end);
  /// The open transaction was cut: it comes again from its beginning.
  void rewind();

  /// Halts a table for what is seen from beside the stream. That belongs to no position: it holds for all of them.
  void halt(const std::string& table, const TableHalt& halt);

  const TableStates& current() const { return current_; }
  /// What was known at the end of the last transaction that ends at or before `position`. REQUIRES: `position` never
  /// decreases.
  const TableStates& as_of(change::Position position);

  /// What has changed since the last call, of tables that were not halted before.
  std::vector<change::SchemaChange> take_changes() { return std::exchange(changes_, {}); }

 private:
  struct Lesson {
    std::string table;
    TableState state;
    change::Position end;  ///< of its transaction; not known while that is open
  };
  void learn(const std::string& table, TableState state);
  /// Other names under which this table was known: it is gone from there.
  std::vector<std::string> take_old_names(std::uint32_t oid, const std::string& name);

  OnRewrite on_rewrite_;
  TableStates stored_;             // as of the last position asked for
  std::deque<Lesson> lessons_;     // since then, in order
  std::size_t whole_lessons_ = 0;  // so many of them, at the front, are of transactions that are whole
  TableStates current_;            // with all of them
  std::vector<change::SchemaChange> changes_;
};

}  // namespace sluice::pipeline
