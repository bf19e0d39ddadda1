// A RecordSource in memory. The topic is an object of its own: it keeps the records and what the group has committed,
// so that a test can destroy the source (a crash) and make a new one. The test gives and takes partitions as a group
// would.
//
// Thread rule: one thread.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/pipeline/record_source.h"

namespace sluice::testing {

struct MemoryMessage {
  std::string key;
  std::optional<std::string> value;  ///< nothing: tombstone
  std::string header;
  std::int64_t timestamp_ms = 0;
};

struct MemoryTopic {
  struct Log {
    std::vector<MemoryMessage> messages;  ///< the offset is the index
    pipeline::Offset begin = 0;           ///< retention has taken what is before
    std::optional<pipeline::Offset> committed;
  };
  std::map<pipeline::Partition, Log> logs;
  std::string id = "memory-topic-id";
};

class MemoryRecordSource final : public pipeline::RecordSource {
 public:
  /// Gets all partitions of the topic at once.
  explicit MemoryRecordSource(MemoryTopic& topic, std::size_t max_batch_records = 100)
      : topic_(topic), max_batch_records_(max_batch_records) {
    std::vector<pipeline::Partition> all;
    for (const auto& entry : topic.logs) all.push_back(entry.first);
    give(all);
  }

  base::Result<std::optional<pipeline::SourceEvent>> next() override {
    if (failure_) return tl::unexpected<base::Error>(*failure_);
    if (!events_.empty()) {
      std::optional<pipeline::SourceEvent> event = std::move(events_.front());
      events_.pop_front();
      return event;
    }
    return next_batch();
  }

  base::Result<void> begin(const pipeline::Partition& partition, pipeline::Offset offset) override {
    const auto held = held_.find(partition);
    if (held == held_.end()) return {};
    const MemoryTopic::Log& log = topic_.logs.at(partition);
    if (offset < log.begin)
      return base::fail(base::Recovery::Stop, "kafka.retention_overrun",
                        "The log no longer has it. Look for it elsewhere");
    if (offset > static_cast<pipeline::Offset>(log.messages.size()))
      return base::fail(base::Recovery::Stop, "kafka.log_truncated", "The log ends before it. Find out what was lost");
    held->second.next = offset;
    return {};
  }

  base::Result<void> finish(const pipeline::Partition& partition, pipeline::Offset offset) override {
    const auto held = held_.find(partition);
    if (held != held_.end()) held->second.finished = offset;
    return {};
  }

  base::Result<void> commit() override {
    if (commit_failure_) return tl::unexpected<base::Error>(*commit_failure_);
    for (auto& [partition, held] : held_)
      if (held.finished) topic_.logs.at(partition).committed = held.finished;
    return {};
  }

  base::Result<void> release(const std::vector<pipeline::Partition>& partitions) override {
    for (const auto& partition : partitions) held_.erase(partition);
    return {};
  }

  base::Result<void> pause(const pipeline::Partition& partition) override { return set_paused(partition, true); }
  base::Result<void> resume(const pipeline::Partition& partition) override { return set_paused(partition, false); }
  pipeline::Wait waits_for() const override { return {-1, 0, base::Clock::now()}; }

  // --- The test's side ---

  void give(const std::vector<pipeline::Partition>& partitions) {
    pipeline::Assigned assigned;
    for (const auto& partition : partitions) {
      held_[partition] = Held{};
      const MemoryTopic::Log& log = topic_.logs.at(partition);
      assigned.partitions.push_back(
          {partition, log.committed, log.begin, static_cast<pipeline::Offset>(log.messages.size()), topic_.id});
    }
    events_.emplace_back(std::move(assigned));
  }

  /// Revoked comes next; nothing more is read of them, and release() ends it.
  void take(const std::vector<pipeline::Partition>& partitions) {
    for (const auto& partition : partitions) held_.at(partition).next.reset();
    events_.emplace_back(pipeline::Revoked{partitions});
  }

  /// They belong to somebody else already.
  void lose(const std::vector<pipeline::Partition>& partitions) {
    for (const auto& partition : partitions) held_.erase(partition);
    events_.emplace_back(pipeline::Lost{partitions});
  }

  bool holds(const pipeline::Partition& partition) const { return held_.contains(partition); }
  /// From now on next() fails.
  void fail_with(base::Error error) { failure_ = std::move(error); }
  /// From now on commit() fails, until it is taken away.
  void fail_commits_with(std::optional<base::Error> error) { commit_failure_ = std::move(error); }

 private:
  struct Held {
    std::optional<pipeline::Offset> next;  ///< nothing: not begun, or leaving
    std::optional<pipeline::Offset> finished;
    bool paused = false;
  };

  class Batch final : public pipeline::ConsumedBatch {
   public:
    explicit Batch(pipeline::Partition partition) : partition_(std::move(partition)) {}
    const pipeline::Partition& partition() const override { return partition_; }
    std::span<const pipeline::ConsumedRecord> records() const override { return records_; }
    void add(pipeline::Offset offset, const MemoryMessage& message) {
      const MemoryMessage& kept = messages_.emplace_back(message);
      const std::string_view value = kept.value ? std::string_view(*kept.value) : std::string_view();
      records_.push_back({offset, kept.timestamp_ms, kept.key, value, !kept.value, kept.header});
      bytes += kept.key.size() + value.size();
    }

   private:
    pipeline::Partition partition_;
    std::deque<MemoryMessage> messages_;  ///< views point into them, so they must not move
    std::vector<pipeline::ConsumedRecord> records_;
  };

  /// The partitions take turns.
  std::optional<pipeline::SourceEvent> next_batch() {
    auto candidate = held_.upper_bound(last_read_);
    for (std::size_t i = 0; i < held_.size(); ++i, ++candidate) {
      if (candidate == held_.end()) candidate = held_.begin();
      auto& [partition, held] = *candidate;
      const auto& messages = topic_.logs.at(partition).messages;
      if (!held.next || held.paused || *held.next >= static_cast<pipeline::Offset>(messages.size())) continue;
      auto batch = std::make_unique<Batch>(partition);
      while (batch->records().size() < max_batch_records_ &&
             *held.next < static_cast<pipeline::Offset>(messages.size())) {
        batch->add(*held.next, messages[static_cast<std::size_t>(*held.next)]);
        ++*held.next;
      }
      last_read_ = partition;
      return pipeline::SourceEvent(std::move(batch));
    }
    return std::nullopt;
  }

  base::Result<void> set_paused(const pipeline::Partition& partition, bool paused) {
    const auto held = held_.find(partition);
    if (held != held_.end()) held->second.paused = paused;
    return {};
  }

  MemoryTopic& topic_;
  std::size_t max_batch_records_;
  std::map<pipeline::Partition, Held> held_;
  std::deque<pipeline::SourceEvent> events_;
  pipeline::Partition last_read_;
  std::optional<base::Error> failure_;
  std::optional<base::Error> commit_failure_;
};

}  // namespace sluice::testing
