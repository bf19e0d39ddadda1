// One assigned partition: the records that were read and are not finished, in offset order, and what each still waits
// for.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sluice/base/backoff.h"
#include "sluice/base/clock.h"
#include "sluice/pipeline/document_maker.h"
#include "sluice/pipeline/group_checkpoint.h"
#include "sluice/pipeline/record_source.h"

namespace sluice::pipeline {

/// Names an assignment of a partition: a partition that was lost and came back is another one, so that the late outcome
/// of an old bulk meets nothing.
using WorkId = std::uint32_t;

/// Names a record within its assignment. The order is offset order.
struct RecordKey {
  std::uint64_t batch = 0;
  std::uint32_t index = 0;
  friend constexpr auto operator<=>(const RecordKey&, const RecordKey&) = default;
};

struct RecordRef {
  WorkId work = 0;
  RecordKey key;
  friend constexpr auto operator<=>(const RecordRef&, const RecordRef&) = default;
};

/// Where a record stands. Its items are its documents, then its sweeps.
struct HeldRecord {
  std::uint32_t done = 0;  ///< bit n: item n has its final outcome
  std::uint16_t open = 0;  ///< items that are in a bulk or under way
  std::uint16_t attempts = 0;
  bool again = false;     ///< an item was refused for now
  bool rejected = false;  ///< an item was refused for ever: the record gets a dead letter
  bool finished = false;
  std::int64_t commit_time_us = 0;  ///< of its documents; 0: not known
};

class PartitionWork {
 public:
  /// `end`: offset of the next record when it was assigned.
  PartitionWork(WorkId id, GroupCheckpoint start, std::optional<Offset> stored, Offset end, base::Backoff backoff);

  WorkId id() const { return id_; }
  const Partition& partition() const { return checkpoint_.partition; }

  void hold(ConsumedBatchPtr batch);

  const ConsumedRecord& record(RecordKey key) const { return batch(key).batch->records()[key.index]; }
  HeldRecord& held(RecordKey key) { return batch(key).records[key.index]; }
  const HeldRecord& held(RecordKey key) const { return batch(key).records[key.index]; }

  /// The record to be made next: refused ones first, so that a key's records stay in order. Nothing: none, or it has to
  /// wait (back-off, a barrier, a partition that is going away).
  std::optional<RecordKey> next(base::Clock::time_point now) const;
  void take(RecordKey key);
  void give_back(RecordKey key) { again_.insert(key); }

  /// It came after the partition was assigned, so no earlier life of the group has seen it.
  bool is_new(RecordKey key) const { return record(key).offset >= end_at_begin_; }

  /// Everything before it is finished.
  bool is_oldest(RecordKey key) const { return key == oldest_; }

  /// Moves finished() as far as it goes.
  void finish(RecordKey key, const DocumentMaker& maker);

  Offset finished() const { return finished_; }
  Offset read() const { return read_; }
  std::size_t held_bytes() const { return held_bytes_; }

  /// Records that were taken and are not finished.
  std::size_t unsettled() const { return unsettled_; }
  /// Of those, the ones that are not waiting for another attempt.
  std::size_t in_flight() const { return unsettled_ - again_.size(); }
  bool has_refused() const { return !again_.empty(); }

  /// The checkpoint as it should be stored now, and how far it was stored.
  GroupCheckpoint checkpoint(const DocumentMaker& maker) const;
  /// Nothing: what is stored is not of this beginning.
  std::optional<Offset> stored() const { return stored_; }
  void set_stored(Offset offset) { stored_ = offset; }

  void refused(base::Clock::time_point now) {
    retry_at_ = now + backoff_.next();
    if (!refused_since_) refused_since_ = now;
  }
  void accepted() { backoff_.reset(); }
  std::optional<base::Deadline> retry_at() const { return again_.empty() ? std::nullopt : retry_at_; }

  /// Since when nothing was finished because of refusals; nothing: that is not so.
  std::optional<base::Clock::time_point> refused_since() const;

  /// A sweep is under way: nothing behind it is made until its record is finished.
  void set_barrier(RecordKey key) { barrier_ = key; }

  enum class Intake { Open, RefusedOnly, Closed };
  void set_intake(Intake intake) { intake_ = intake; }
  bool is_closed() const { return intake_ == Intake::Closed; }

  bool paused = false;  ///< as the source was told

 private:
  struct HeldBatch {
    ConsumedBatchPtr batch;
    std::vector<HeldRecord> records;
  };
  HeldBatch& batch(RecordKey key) { return batches_[key.batch - first_batch_]; }
  const HeldBatch& batch(RecordKey key) const { return batches_[key.batch - first_batch_]; }
  bool exists(RecordKey key) const { return key.batch - first_batch_ < batches_.size(); }
  static void step(RecordKey& key, const HeldBatch& batch);

  WorkId id_;
  GroupCheckpoint checkpoint_;  ///< as it was begun with
  Offset end_at_begin_;
  base::Backoff backoff_;
  std::deque<HeldBatch> batches_;
  std::uint64_t first_batch_ = 0;
  RecordKey oldest_;   ///< lowest record that is not finished
  RecordKey waiting_;  ///< lowest record that was never taken
  std::set<RecordKey> again_;
  std::optional<RecordKey> barrier_;
  std::optional<base::Deadline> retry_at_;
  std::optional<base::Clock::time_point> refused_since_;  ///< first refusal since finished_ moved
  Intake intake_ = Intake::Open;
  Offset finished_ = 0;
  Offset read_ = 0;
  std::optional<Offset> stored_;
  std::string last_id_;  ///< of the last finished record of a batch that is gone
  std::size_t held_bytes_ = 0;
  std::size_t unsettled_ = 0;
};

}  // namespace sluice::pipeline
