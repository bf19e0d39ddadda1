#include "partition_work.h"

#include <utility>

#include "sluice/base/check.h"

namespace sluice::pipeline {

PartitionWork::PartitionWork(WorkId id, GroupCheckpoint start, std::optional<Offset> stored, Offset end,
                             base::Backoff backoff)
    : id_(id),
      checkpoint_(std::move(start)),
      end_at_begin_(end),
      backoff_(backoff),
      finished_(checkpoint_.offset),
      read_(checkpoint_.offset),
      stored_(stored),
      last_id_(checkpoint_.last_id) {}

void PartitionWork::hold(ConsumedBatchPtr batch) {
  const auto records = batch->records();
  if (records.empty()) return;
  SLUICE_CHECK(records.front().offset >= read_, "a partition is read in offset order");
  read_ = records.back().offset + 1;
  held_bytes_ += batch->bytes;
  batches_.push_back({std::move(batch), std::vector<HeldRecord>(records.size())});
}

std::optional<RecordKey> PartitionWork::next(base::Clock::time_point now) const {
  if (intake_ == Intake::Closed) return std::nullopt;
  if (!again_.empty()) return retry_at_ && now < *retry_at_ ? std::nullopt : std::optional(*again_.begin());
  if (intake_ == Intake::RefusedOnly || barrier_) return std::nullopt;
  return exists(waiting_) ? std::optional(waiting_) : std::nullopt;
}

void PartitionWork::step(RecordKey& key, const HeldBatch& batch) {
  if (++key.index == batch.records.size()) key = {key.batch + 1, 0};
}

void PartitionWork::take(RecordKey key) {
  HeldRecord& record = held(key);
  if (again_.erase(key) == 0) {
    SLUICE_CHECK(key == waiting_, "records are taken in order");
    step(waiting_, batch(key));
    ++unsettled_;
  }
  record.again = false;
  ++record.attempts;
}

void PartitionWork::finish(RecordKey key, const DocumentMaker& maker) {
  HeldRecord& record = held(key);
  SLUICE_CHECK(!record.finished && record.open == 0, "a record is finished once, when all its items are");
  record.finished = true;
  --unsettled_;
  if (barrier_ == key) barrier_.reset();
  while (exists(oldest_) && held(oldest_).finished) {
    finished_ = this->record(oldest_).offset + 1;
    refused_since_.reset();
    const bool last_of_batch = oldest_.index + 1 == batch(oldest_).records.size();
    if (last_of_batch) {
      if (std::string id = maker.event_id(this->record(oldest_)); !id.empty()) last_id_ = std::move(id);
    }
    step(oldest_, batch(oldest_));
    if (!last_of_batch) continue;
    held_bytes_ -= batches_.front().batch->bytes;
    batches_.pop_front();
    ++first_batch_;
  }
}

std::optional<base::Clock::time_point> PartitionWork::refused_since() const {
  if (!exists(oldest_)) return std::nullopt;
  const HeldRecord& oldest = held(oldest_);
  // Waiting for another attempt, or in one; with neither it waits for its dead letter.
  const bool is_refused = oldest.again || (oldest.attempts > 1 && oldest.open != 0);
  return is_refused ? refused_since_ : std::nullopt;
}

GroupCheckpoint PartitionWork::checkpoint(const DocumentMaker& maker) const {
  GroupCheckpoint now = checkpoint_;
  now.offset = finished_;
  now.last_id = last_id_;
  if (oldest_.index > 0) {
    std::string id = maker.event_id(record({oldest_.batch, oldest_.index - 1}));
    if (!id.empty()) now.last_id = std::move(id);
  }
  return now;
}

}  // namespace sluice::pipeline
