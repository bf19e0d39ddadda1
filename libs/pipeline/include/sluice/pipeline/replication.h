// The replicator's algorithm: settle what Kafka acknowledged → checkpoint and confirm → read, encode and send. The
// order is the promise: confirmed ≤ checkpointed ≤ durable in Kafka (rule P-1). Nothing else in the project orders the
// three.
//
// Thread rule: the pipeline's thread, with all its ports. Deterministic given the ports and the times passed in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/base/error.h"
#include "sluice/pipeline/ack_tracker.h"
#include "sluice/pipeline/change_source.h"
#include "sluice/pipeline/checkpoint.h"
#include "sluice/pipeline/encoder.h"
#include "sluice/pipeline/record_sink.h"
#include "sluice/pipeline/replication_status.h"
#include "sluice/pipeline/table_watch.h"
#include "sluice/pipeline/tail_filter.h"

namespace sluice::pipeline {

struct ReplicationLimits {
  /// Records and bytes handed to Kafka and not yet acknowledged: more is not read. Bounds the memory while Kafka is
  /// away.
  std::uint64_t max_in_flight_records = 100'000;
  std::uint64_t max_in_flight_bytes = 48ull << 20;
  /// Transactions in flight: small ones cost memory too.
  std::size_t max_in_flight_transactions = 100'000;
  /// Items read in one step, between two looks at deliveries and time.
  std::uint32_t max_items_per_step = 512;
  /// How often progress is made durable and confirmed. Shorter frees WAL sooner, longer saves an fsync.
  base::Milliseconds checkpoint_interval{1'000};
  /// Progress without rows is persisted more rarely (rule P-7): after this time or this much WAL.
  base::Milliseconds idle_checkpoint_interval{10'000};
  std::uint64_t idle_checkpoint_bytes = 16ull << 20;
  /// Unable to read, or nothing acknowledged, for this long: park (rules P-15, P-16). Below wal_sender_timeout.
  base::Milliseconds park_after{20'000};
};

enum class StepResult {
  Progress,  ///< something was done: step again at once
  Idle,      ///< nothing to do until a port or the next deadline wakes us
  Park,      ///< close the source, wait until can_resume(), open a new one at resume_position()
  Finished,  ///< the source has ended and all of it is durable and checkpointed
};

class Replication {
 public:
  /// `checkpoint` is what was stored last; REQUIRES: it is stored. Ports must outlive this.
  /// end_offsets[topic][partition]: one past the last record there, -1 when unknown.
  Replication(Encoder& encoder, RecordSink& sink, OffsetStore& store, Checkpoint checkpoint, TailFilter filter,
              std::vector<std::vector<std::int64_t>> end_offsets, ReplicationLimits limits,
              OnRewrite on_rewrite = OnRewrite::Halt);

  /// Reads from this source from now on. REQUIRES: no source is attached; it begins at resume_position().
  void attach(ChangeSource& source, base::Deadline now);
  /// Forgets the source, and what of it was read but not handed over. The sink and what is in flight live on.
  void detach();
  bool has_source() const { return source_ != nullptr; }
  /// ServerFacts::next_xid of the server that the next source reads from.
  void server_xid(std::uint64_t next_xid) { server_xid_ = next_xid; }

  /// One bounded piece of work. After an error of the source a new one can be attached. After an error of the sink
  /// (sink_failed()) or of the encoder this object and the sink are finished: begin again at the stored checkpoint
  /// (K-3).
  base::Result<StepResult> step(base::Deadline now);
  bool sink_failed() const { return sink_failed_; }

  /// From now on reads only to the end of the transaction that was begun.
  void stop_reading() { stopping_ = true; }
  /// stop_reading() was called, and everything handed over is durable, at a transaction's end.
  bool settled() const { return stopping_ && tracker_.settled() && !unsent() && waiting_event_ == nullptr; }
  /// After settled(): saves the last checkpoint, marked as settled and with the tails of every partition (rule K-9),
  /// and confirms it. `topics` are the names by topic index.
  base::Result<void> save_final(const std::vector<std::string>& topics);
  /// Saves with another snapshot phase.
  base::Result<void> enter(SnapshotPhase phase);
  /// Halts tables that the publication has lost, from now on, and saves that with the publication as it is now. When
  /// it cannot be saved, checkpoint() has the old publication still: call it again.
  void follow_publication(base::Deadline now, const std::vector<std::string>& lost, PublicationIncarnation publication);

  /// Whether the source that failed or was parked can be replaced: nothing is in flight and the position can be stored.
  bool can_resume() const { return !store_error_ && sink_.in_flight_records() == 0; }
  change::Position resume_position() const { return tracker_.handed_over(); }
  /// Looks after deliveries and checkpoints while no source is attached.
  base::Result<void> tend(base::Deadline now);

  /// Whether the source should be waited for: false while the window is full.
  bool wants_to_read() const { return source_ != nullptr && may_read(); }

  const Checkpoint& checkpoint() const { return checkpoint_; }
  /// What is known of the tables at the last event that was read; and what has changed since the last look.
  const TableStates& tables() const { return tables_.current(); }
  std::vector<change::SchemaChange> take_schema_changes() { return tables_.take_changes(); }
  const AckTracker& tracker() const { return tracker_; }
  const TailFilter& filter() const { return filter_; }
  const std::vector<std::vector<std::int64_t>>& end_offsets() const { return end_offsets_; }
  ReplicationCounters& counters() { return counters_; }
  /// Error of the last attempt to store a checkpoint; empty when it succeeded.
  const std::optional<base::Error>& store_error() const { return store_error_; }

 private:
  base::Result<bool> settle(base::Deadline now);
  base::Result<SendStatus> send(const change::Record& record, Ticket ticket);
  base::Result<void> checkpoint_if_due(base::Deadline now);
  void save(base::Deadline now, Checkpoint next);
  Checkpoint checkpoint_of_now();
  base::Result<void> store_now(Checkpoint next);
  base::Result<bool> read_and_send();
  base::Result<void> take(const change::SourceItem& item);
  base::Result<void> take_change(const change::ChangeEvent& event);
  base::Result<void> follow(const change::ChangeEvent& event);
  base::Result<void> announce(const change::TableSchemaPtr& schema);
  base::Result<void> encode(const change::ChangeEvent& event);
  base::Result<void> send_unsent();
  base::Result<void> send_announcement();
  bool must_park(base::Deadline now);
  bool has_room() const;
  bool may_read() const;
  bool has_read_enough() const { return finished_ || (stopping_ && !tracker_.inside_transaction()); }
  bool unsent() const { return next_unsent_ < batch_.size() || next_announcement_ < announcement_.size(); }
  void count(const change::ChangeEvent& event);
  void remember_xid(std::uint32_t xid);

  Encoder& encoder_;
  RecordSink& sink_;
  OffsetStore& store_;
  ChangeSource* source_ = nullptr;
  ReplicationLimits limits_;
  Checkpoint checkpoint_;
  AckTracker tracker_;
  TailFilter filter_;
  TableWatch tables_;

  // What was encoded and not yet taken by the sink.
  change::RecordBatch batch_;
  std::size_t next_unsent_ = 0;
  // Schema records: sent and acknowledged before the event that waits for them is encoded.
  change::RecordBatch announcement_;
  std::size_t next_announcement_ = 0;
  std::uint64_t awaited_announcements_ = 0;
  const change::ChangeEvent* waiting_event_ = nullptr;
  /// Of each version of a table that this connection has sent.
  struct Followed {
    TableCounters* counters = nullptr;
    bool halted = false;
  };
  std::unordered_map<change::TableSchemaPtr, Followed> followed_;
  const change::TableSchema* last_schema_ = nullptr;
  Followed last_followed_;                              // of last_schema_
  std::vector<std::vector<std::int64_t>> end_offsets_;  // [topic][partition]: one past the last delivery; -1 unknown
  std::uint64_t highest_xid_ = 0;
  std::uint64_t server_xid_ = 0;

  bool sink_failed_ = false;
  bool stopping_ = false;
  bool finished_ = false;
  base::Deadline last_save_{};
  base::Deadline last_progress_{};
  base::Deadline last_room_{};
  std::optional<base::Error> store_error_;
  ReplicationCounters counters_;
};

}  // namespace sluice::pipeline
