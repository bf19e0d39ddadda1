// Knows what is durable: a queue of transactions in commit order, each with the number of its records that Kafka has
// not acknowledged yet. The durable position is the end of the longest prefix with nothing outstanding (rules P-3,
// K-4). Idle progress is a transaction without records in the same queue (rule P-6), which makes it safe by
// construction.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <cstdint>
#include <deque>

#include "sluice/change/change_event.h"
#include "sluice/pipeline/record_sink.h"

namespace sluice::pipeline {

/// A transaction that became durable.
struct SettledTransaction {
  change::Position end;
  std::int64_t commit_time_us = 0;
};

class AckTracker {
 public:
  /// Everything before `durable` is in Kafka already; `last_data_end` is the end of the last transaction there with
  /// rows.
  AckTracker(change::Position durable, change::Position last_data_end);

  /// The ticket of the transaction being read; opens one if there is none.
  Ticket open_transaction();
  /// One record of the open transaction was handed to the sink. REQUIRES: `ticket` is that of the open transaction.
  void add(Ticket ticket);
  /// The transaction being read is whole. Without rows it counts as idle progress.
  void end_transaction(const change::TransactionEnd& end);
  /// Everything before `position` was read. Ignored inside a transaction and when it is no progress.
  void heartbeat(change::Position position);
  /// A record became durable.
  void ack(Ticket ticket);

  change::Position durable() const { return durable_; }
  change::Position last_data_end() const { return last_data_end_; }
  /// End of the last whole transaction that was handed over: where a source for the same, living sink goes on.
  change::Position handed_over() const { return handed_over_; }

  bool inside_transaction() const { return open_; }
  /// Nothing is outstanding and no transaction is open.
  bool settled() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }

  /// Takes one of the transactions with rows that became durable since they were last taken, oldest first.
  bool take_settled(SettledTransaction& out);

 private:
  struct Entry {
    change::Position end;
    std::int64_t commit_time_us = 0;
    std::uint64_t outstanding = 0;
    bool closed = false;
    bool has_rows = false;
  };
  void retire();
  void push_idle(change::Position position);

  std::deque<Entry> entries_;
  std::uint64_t first_ticket_ = 0;  // of entries_.front()
  bool open_ = false;               // entries_.back() is the transaction being read
  change::Position durable_;
  change::Position last_data_end_;
  change::Position handed_over_;
  std::deque<SettledTransaction> settled_;
};

}  // namespace sluice::pipeline
