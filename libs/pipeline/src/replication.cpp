#include "sluice/pipeline/replication.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "sluice/base/check.h"

namespace sluice::pipeline {
namespace {

// Records of the control topic belong to no transaction.
constexpr Ticket kAnnouncementTicket{~std::uint64_t{0}};

std::int64_t wall_clock_us() {
  return std::chrono::duration_cast<base::Microseconds>(base::WallClock::now().time_since_epoch()).count();
}

}  // namespace

Replication::Replication(Encoder& encoder, RecordSink& sink, OffsetStore& store, Checkpoint checkpoint,
                         TailFilter filter, std::vector<std::vector<std::int64_t>> end_offsets,
                         ReplicationLimits limits, OnRewrite on_rewrite)
    : encoder_(encoder),
      sink_(sink),
      store_(store),
      limits_(limits),
      checkpoint_(std::move(checkpoint)),
      tracker_(checkpoint_.position, checkpoint_.last_data_end),
      filter_(std::move(filter)),
      tables_(checkpoint_.tables, on_rewrite),
      end_offsets_(std::move(end_offsets)),
      highest_xid_(checkpoint_.highest_xid) {}

void Replication::attach(ChangeSource& source, base::Deadline now) {
  SLUICE_CHECK(source_ == nullptr, "one source at a time");
  source_ = &source;
  finished_ = false;
  last_progress_ = now;
  last_room_ = now;
}

void Replication::detach() {
  source_ = nullptr;
  waiting_event_ = nullptr;
  batch_.clear();
  next_unsent_ = 0;
  // A new connection sends its Relation messages again, as new objects.
  followed_.clear();
  last_schema_ = nullptr;
  // And the transaction that was cut, from its beginning.
  tables_.rewind();
}

base::Result<StepResult> Replication::step(base::Deadline now) {
  SLUICE_CHECK(source_ != nullptr, "step() reads from the attached source");
  SLUICE_ASSIGN(const bool delivered, settle(now));
  SLUICE_TRY(checkpoint_if_due(now));
  SLUICE_TRY(source_->confirm(checkpoint_.position));
  SLUICE_ASSIGN(const bool sent, read_and_send());
  if (finished_ && tracker_.settled() && !unsent()) return StepResult::Finished;
  if (must_park(now)) {
    ++counters_.parked;
    return StepResult::Park;
  }
  return delivered || sent ? StepResult::Progress : StepResult::Idle;
}

base::Result<void> Replication::tend(base::Deadline now) {
  SLUICE_ASSIGN([[maybe_unused]] const bool delivered, settle(now));
  SLUICE_TRY(send_announcement());
  return checkpoint_if_due(now);
}

base::Result<bool> Replication::settle(base::Deadline now) {
  auto polled = sink_.deliveries();
  sink_failed_ = sink_failed_ || !polled;
  SLUICE_ASSIGN(const auto deliveries, std::move(polled));
  for (const Delivery& delivery : deliveries) {
    if (delivery.ticket == kAnnouncementTicket) {
      SLUICE_CHECK(awaited_announcements_ > 0, "an announcement is delivered once");
      --awaited_announcements_;
      continue;
    }
    tracker_.ack(delivery.ticket);
    std::int64_t& end = end_offsets_[delivery.topic][static_cast<std::size_t>(delivery.partition)];
    end = delivery.offset < 0 ? -1 : delivery.offset + 1;
  }
  counters_.records_durable += deliveries.size();
  if (!deliveries.empty() || sink_.in_flight_records() == 0) last_progress_ = now;
  SettledTransaction settled;
  if (tracker_.take_settled(settled)) {
    const std::int64_t wall_us = wall_clock_us();
    do {
      if (settled.commit_time_us == 0) continue;  // rows of a snapshot were committed at no known time
      counters_.newest_commit_to_kafka_us = wall_us - settled.commit_time_us;
      counters_.commit_to_kafka.observe(counters_.newest_commit_to_kafka_us);
    } while (tracker_.take_settled(settled));
  }
  return !deliveries.empty();
}

base::Result<void> Replication::checkpoint_if_due(base::Deadline now) {
  const change::Position durable = tracker_.durable();
  if (durable == checkpoint_.position && !store_error_) return {};
  const bool has_rows = tracker_.last_data_end() != checkpoint_.last_data_end;
  const bool is_far = durable.value - checkpoint_.position.value >= limits_.idle_checkpoint_bytes;
  const auto interval = has_rows || is_far ? limits_.checkpoint_interval : limits_.idle_checkpoint_interval;
  if (now - last_save_ >= interval) save(now, checkpoint_of_now());
  if (store_error_ && store_error_->recovery == base::Recovery::Stop) return tl::make_unexpected(*store_error_);
  return {};
}

Checkpoint Replication::checkpoint_of_now() {
  Checkpoint now = checkpoint_;
  now.position = tracker_.durable();
  now.last_data_end = tracker_.last_data_end();
  now.highest_xid = highest_xid_;
  now.settled = false;
  now.tails.clear();
  now.tables = tables_.as_of(now.position);
  for (std::size_t topic = 0; topic < now.topics.size(); ++topic) {
    for (std::size_t partition = 0; partition < now.topics[topic].end_offsets.size(); ++partition) {
      const std::int64_t end = end_offsets_[topic][partition];
      if (end >= 0) now.topics[topic].end_offsets[partition] = end;
    }
  }
  return now;
}

void Replication::save(base::Deadline now, Checkpoint next) {
  last_save_ = now;
  auto stored = store_now(std::move(next));
  if (stored) {
    store_error_.reset();
  } else {
    // What cannot be stored is not confirmed: the server keeps its WAL. The next interval tries again.
    store_error_ = std::move(stored.error());
    ++counters_.failed_checkpoints;
  }
}

base::Result<void> Replication::store_now(Checkpoint next) {
  SLUICE_TRY(store_.save(next));
  checkpoint_ = std::move(next);
  ++counters_.checkpoints;
  return {};
}

base::Result<void> Replication::enter(SnapshotPhase phase) {
  Checkpoint next = checkpoint_of_now();
  next.snapshot = phase;
  return store_now(std::move(next));
}

void Replication::follow_publication(base::Deadline now, const std::vector<std::string>& lost,
                                     PublicationIncarnation publication) {
  for (const std::string& table : lost) {
    tables_.halt(table, {std::string(kUnpublished), change::lsn_of(tracker_.durable())});
    for (auto& [schema, followed] : followed_) followed.halted |= change::qualified_name(*schema) == table;
  }
  last_schema_ = nullptr;
  Checkpoint next = checkpoint_of_now();
  next.publication = std::move(publication);
  save(now, std::move(next));
}

base::Result<void> Replication::save_final(const std::vector<std::string>& topics) {
  SLUICE_CHECK(settled(), "a stop is clean only when everything handed over is durable");
  Checkpoint last = checkpoint_of_now();
  last.settled = true;
  for (change::TopicIndex topic = 0; topic < end_offsets_.size(); ++topic) {
    for (std::size_t partition = 0; partition < end_offsets_[topic].size(); ++partition) {
      const auto number = static_cast<std::int32_t>(partition);
      const std::int64_t end = end_offsets_[topic][partition];
      // Without the end offset the next start must read the tail itself.
      if (end < 0) last.settled = false;
      last.tails.push_back({topics[topic], number, end, filter_.last(topic, number)});
    }
  }
  SLUICE_TRY(store_now(std::move(last)));
  if (source_ != nullptr) return source_->confirm(checkpoint_.position);
  return {};
}

base::Result<bool> Replication::read_and_send() {
  bool worked = false;
  for (std::uint32_t items = 0; items < limits_.max_items_per_step; ++items) {
    if (unsent()) {
      SLUICE_TRY(send_announcement());
      SLUICE_TRY(send_unsent());
    }
    if (!may_read()) break;
    if (waiting_event_ != nullptr) {
      SLUICE_TRY(encode(*std::exchange(waiting_event_, nullptr)));
      worked = true;
      continue;
    }
    if (has_read_enough()) break;
    SLUICE_ASSIGN(const auto item, source_->next());
    if (!item) break;
    SLUICE_TRY(take(*item));
    worked = true;
  }
  return worked;
}

base::Result<void> Replication::take(const change::SourceItem& item) {
  if (const auto* event = std::get_if<const change::ChangeEvent*>(&item)) return take_change(**event);
  if (const auto* end = std::get_if<change::TransactionEnd>(&item)) {
    if (tracker_.inside_transaction()) ++counters_.transactions;
    tracker_.end_transaction(*end);
    tables_.end_transaction(end->end);
    remember_xid(end->xid);
  } else if (const auto* heartbeat = std::get_if<change::Heartbeat>(&item)) {
    tracker_.heartbeat(heartbeat->position);
  } else {
    finished_ = true;
    if (tracker_.inside_transaction()) tracker_.end_transaction({.end = tracker_.handed_over()});
    tables_.end_transaction(tracker_.handed_over());
  }
  return {};
}

base::Result<void> Replication::take_change(const change::ChangeEvent& event) {
  if (event.table != nullptr) {
    if (event.table.get() != last_schema_) SLUICE_TRY(follow(event));
    if (last_followed_.halted) {
      ++last_followed_.counters->not_sent;
      return {};
    }
  }
  if (next_announcement_ < announcement_.size() || awaited_announcements_ > 0) {
    waiting_event_ = &event;  // valid until next(), and next() is not called before it was encoded
    return {};
  }
  return encode(event);
}

base::Result<void> Replication::follow(const change::ChangeEvent& event) {
  const auto [known, is_new] = followed_.try_emplace(event.table);
  if (is_new) {
    known->second.counters = &counters_.tables[change::qualified_name(*event.table)];
    known->second.halted = tables_.follow(*event.table, event.id.commit_lsn);
    if (!known->second.halted) SLUICE_TRY(announce(event.table));
  }
  last_schema_ = event.table.get();
  last_followed_ = known->second;
  return {};
}

base::Result<void> Replication::announce(const change::TableSchemaPtr& schema) {
  announcement_.clear();
  next_announcement_ = 0;
  return encoder_.prepare(schema, announcement_);
}

base::Result<void> Replication::encode(const change::ChangeEvent& event) {
  batch_.clear();
  next_unsent_ = 0;
  tracker_.open_transaction();
  if (auto encoded = encoder_.encode(event, batch_); !encoded) {
    base::Error error = std::move(encoded.error());
    // A record that cannot be made halts the pipeline (rule K-8, policy halt): passing it over would be a silent gap.
    if (error.recovery == base::Recovery::Reject) error.recovery = base::Recovery::Stop;
    return tl::make_unexpected(std::move(error));
  }
  count(event);
  return send_unsent();
}

base::Result<void> Replication::send_unsent() {
  for (; next_unsent_ < batch_.size(); ++next_unsent_) {
    change::Record& record = batch_[next_unsent_];
    if (filter_.knows(record)) {
      ++counters_.records_known;
      continue;
    }
    if (record.kind != change::RecordKind::Stream) {
      record.header = encoder_.header(record.kind, filter_.last(record.topic, record.partition));
    } else if (record.tombstone) {
      record.header = encoder_.header(record.kind, record.id);  // a null value cannot say its own id
    }
    const Ticket ticket = tracker_.open_transaction();
    SLUICE_ASSIGN(const SendStatus status, send(record, ticket));
    if (status == SendStatus::Full) return {};
    tracker_.add(ticket);
    filter_.handed_over(record);
    ++counters_.records_sent;
    counters_.bytes_sent += record.key.size() + record.value.size();
  }
  return {};
}

base::Result<void> Replication::send_announcement() {
  for (; next_announcement_ < announcement_.size(); ++next_announcement_) {
    SLUICE_ASSIGN(const SendStatus status, send(announcement_[next_announcement_], kAnnouncementTicket));
    if (status == SendStatus::Full) return {};
    ++awaited_announcements_;
  }
  return {};
}

base::Result<SendStatus> Replication::send(const change::Record& record, Ticket ticket) {
  auto sent = sink_.send(record, ticket);
  sink_failed_ = !sent;
  return sent;
}

bool Replication::has_room() const {
  return sink_.in_flight_records() < limits_.max_in_flight_records &&
         sink_.in_flight_bytes() < limits_.max_in_flight_bytes && tracker_.size() < limits_.max_in_flight_transactions;
}

bool Replication::may_read() const { return !unsent() && awaited_announcements_ == 0 && !store_error_ && has_room(); }

bool Replication::must_park(base::Deadline now) {
  if (may_read()) last_room_ = now;
  return now - last_room_ >= limits_.park_after || now - last_progress_ >= limits_.park_after;
}

/// The stream has the lower half of them: the whole is the one that is nearest to what the server said last.
void Replication::remember_xid(std::uint32_t xid) {
  if (xid == 0) return;
  const std::uint64_t near = std::max(highest_xid_, server_xid_);
  const auto ahead = static_cast<std::int32_t>(xid - static_cast<std::uint32_t>(near));
  highest_xid_ = std::max(highest_xid_, near + static_cast<std::uint64_t>(static_cast<std::int64_t>(ahead)));
}

void Replication::count(const change::ChangeEvent& event) {
  if (event.op == change::Op::Message) {
    ++counters_.messages;
  } else if (event.table != nullptr) {
    last_followed_.counters->count(event.op);
  }
}

}  // namespace sluice::pipeline
