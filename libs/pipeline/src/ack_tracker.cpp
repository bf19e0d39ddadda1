#include "sluice/pipeline/ack_tracker.h"

#include "sluice/base/check.h"

namespace sluice::pipeline {
namespace {

// Latencies are a sample, not a ledger: when nobody takes them, the oldest go.
constexpr std::size_t kMaxSettledKept = 4'096;

}  // namespace

AckTracker::AckTracker(change::Position durable, change::Position last_data_end)
    : durable_(durable), last_data_end_(last_data_end), handed_over_(durable) {}

Ticket AckTracker::open_transaction() {
  if (!open_) {
    entries_.push_back({});
    open_ = true;
  }
  return Ticket{first_ticket_ + entries_.size() - 1};
}

void AckTracker::add(Ticket ticket) {
  SLUICE_CHECK(open_ && ticket.value == first_ticket_ + entries_.size() - 1, "records belong to the open transaction");
  ++entries_.back().outstanding;
}

void AckTracker::end_transaction(const change::TransactionEnd& end) {
  SLUICE_CHECK(end.end >= handed_over_, "transactions end in commit order");
  handed_over_ = end.end;
  if (!open_) {
    push_idle(end.end);
    return;
  }
  Entry& entry = entries_.back();
  entry.end = end.end;
  entry.commit_time_us = end.commit_time_us;
  entry.closed = true;
  entry.has_rows = true;
  open_ = false;
  retire();
}

void AckTracker::heartbeat(change::Position position) {
  if (open_ || position <= handed_over_) return;
  handed_over_ = position;
  push_idle(position);
}

void AckTracker::ack(Ticket ticket) {
  SLUICE_CHECK(ticket.value >= first_ticket_ && ticket.value - first_ticket_ < entries_.size(),
               "a delivery belongs to a transaction that is still in flight");
  Entry& entry = entries_[ticket.value - first_ticket_];
  SLUICE_CHECK(entry.outstanding > 0, "a record is delivered once");
  --entry.outstanding;
  retire();
}

bool AckTracker::take_settled(SettledTransaction& out) {
  if (settled_.empty()) return false;
  out = settled_.front();
  settled_.pop_front();
  return true;
}

void AckTracker::push_idle(change::Position position) {
  const bool coalesces = !entries_.empty() && entries_.back().closed && !entries_.back().has_rows;
  if (coalesces) {
    entries_.back().end = position;
  } else {
    entries_.push_back({.end = position, .closed = true});
  }
  retire();
}

void AckTracker::retire() {
  while (!entries_.empty() && entries_.front().closed && entries_.front().outstanding == 0) {
    const Entry& entry = entries_.front();
    durable_ = entry.end;
    if (entry.has_rows) {
      last_data_end_ = entry.end;
      if (settled_.size() == kMaxSettledKept) settled_.pop_front();
      settled_.push_back({entry.end, entry.commit_time_us});
    }
    entries_.pop_front();
    ++first_ticket_;
  }
}

}  // namespace sluice::pipeline
