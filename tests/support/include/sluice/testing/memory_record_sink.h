// A RecordSink in memory. The broker is an object of its own, so that a test can destroy the sink (a crash) and make a
// new one over what had become durable. Two steps lie between send() and deliveries(), and the test decides when each
// happens: the broker appends (durable), and the producer learns of it (acknowledged); a crash between them is what
// rule K-9 is for.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/pipeline/record_sink.h"

namespace sluice::testing {

/// A record as the broker keeps it.
struct StoredRecord {
  change::RecordKind kind = change::RecordKind::Stream;
  change::EventId id;
  std::string key;
  std::optional<std::string> value;  ///< nothing: tombstone
  std::string header;
};

using TopicPartition = std::pair<change::TopicIndex, std::int32_t>;

struct MemoryBroker {
  std::map<TopicPartition, std::vector<StoredRecord>> logs;  ///< the offset is the index
};

enum class Pace {
  Manual,     ///< the test calls append(), acknowledge() or step()
  Immediate,  ///< deliveries() finds everything durable
};

class MemoryRecordSink final : public pipeline::RecordSink {
 public:
  MemoryRecordSink(MemoryBroker& broker, Pace pace, std::size_t max_in_flight = 1'000)
      : broker_(broker), pace_(pace), max_in_flight_(max_in_flight) {}

  base::Result<pipeline::SendStatus> send(const change::Record& record, pipeline::Ticket ticket) override {
    if (failure_) return tl::unexpected<base::Error>(*failure_);
    if (in_flight_records_ >= max_in_flight_) return pipeline::SendStatus::Full;
    StoredRecord stored{record.kind, record.id, std::string(record.key), std::nullopt, std::string(record.header)};
    if (!record.tombstone) stored.value = std::string(record.value);
    ++in_flight_records_;
    in_flight_bytes_ += bytes_of(stored);
    queues_[{record.topic, record.partition}].sent.push_back({std::move(stored), ticket});
    return pipeline::SendStatus::Accepted;
  }

  base::Result<std::span<const pipeline::Delivery>> deliveries() override {
    if (failure_) return tl::unexpected<base::Error>(*failure_);
    if (pace_ == Pace::Immediate) settle();
    returned_.swap(acknowledged_);
    acknowledged_.clear();
    return std::span<const pipeline::Delivery>(returned_);
  }

  std::uint64_t in_flight_records() const override { return in_flight_records_; }
  std::uint64_t in_flight_bytes() const override { return in_flight_bytes_; }
  pipeline::Wait waits_for() const override { return {-1, 0, base::Clock::now()}; }

  // --- The test's side ---

  /// The broker appends up to `count` of the records sent to the partition; the producer does not know yet.
  void append(TopicPartition partition, std::size_t count) {
    Queue& queue = queues_[partition];
    auto& log = broker_.logs[partition];
    for (; count > 0 && !queue.sent.empty(); --count) {
      auto [record, ticket] = std::move(queue.sent.front());
      queue.sent.pop_front();
      queue.appended.push_back({ticket, partition.first, partition.second, static_cast<std::int64_t>(log.size())});
      queue.appended_bytes.push_back(bytes_of(record));
      log.push_back(std::move(record));
    }
  }

  /// The producer learns of up to `count` appended records of the partition; the next deliveries() tells them.
  void acknowledge(TopicPartition partition, std::size_t count) {
    Queue& queue = queues_[partition];
    for (; count > 0 && !queue.appended.empty(); --count) {
      acknowledged_.push_back(queue.appended.front());
      --in_flight_records_;
      in_flight_bytes_ -= queue.appended_bytes.front();
      queue.appended.pop_front();
      queue.appended_bytes.pop_front();
    }
  }

  void settle() {
    for (const TopicPartition& partition : partitions()) {
      append(partition, SIZE_MAX);
      acknowledge(partition, SIZE_MAX);
    }
  }

  /// One random thing in one random partition: some records are appended or acknowledged, so that deliveries of
  /// different partitions come in any order.
  void step(std::mt19937_64& random) {
    const std::vector<TopicPartition> all = partitions();
    if (all.empty()) return;
    const TopicPartition partition = all[random() % all.size()];
    const std::size_t count = random() % 4 + 1;
    if (random() % 2 == 0)
      append(partition, count);
    else
      acknowledge(partition, count);
  }

  /// From now on every call fails; what was appended stays.
  void fail_with(base::Error error) { failure_ = std::move(error); }

 private:
  struct Queue {
    std::deque<std::pair<StoredRecord, pipeline::Ticket>> sent;
    std::deque<pipeline::Delivery> appended;
    std::deque<std::size_t> appended_bytes;
  };

  static std::size_t bytes_of(const StoredRecord& record) {
    return record.key.size() + (record.value ? record.value->size() : 0);
  }

  std::vector<TopicPartition> partitions() const {
    std::vector<TopicPartition> all;
    for (const auto& entry : queues_) all.push_back(entry.first);
    return all;
  }

  MemoryBroker& broker_;
  Pace pace_;
  std::size_t max_in_flight_;
  std::map<TopicPartition, Queue> queues_;
  std::vector<pipeline::Delivery> acknowledged_;
  std::vector<pipeline::Delivery> returned_;
  std::uint64_t in_flight_records_ = 0;
  std::uint64_t in_flight_bytes_ = 0;
  std::optional<base::Error> failure_;
};

}  // namespace sluice::testing
