// What a running replication counts. Written by the pipeline's thread, copied for whoever asks.
//
// Thread rule: values.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "sluice/change/change_event.h"

namespace sluice::pipeline {

/// Counts per upper bound, in microseconds; the last bucket has no bound. Bounds fit latencies from 1 ms to minutes.
class LatencyHistogram {
 public:
  static constexpr std::array<std::int64_t, 15> kBounds_us = {
      1'000,   2'000,     5'000,     10'000,    20'000,     50'000,     100'000,    200'000,
      500'000, 1'000'000, 2'000'000, 5'000'000, 10'000'000, 60'000'000, 600'000'000};

  void observe(std::int64_t latency_us);
  /// The bound below which `share` (0…1) of the observations lie; 0 without observations.
  std::int64_t quantile_us(double share) const;

  const std::array<std::uint64_t, kBounds_us.size() + 1>& buckets() const { return buckets_; }
  std::uint64_t count() const { return count_; }
  std::uint64_t sum_us() const { return sum_us_; }

 private:
  std::array<std::uint64_t, kBounds_us.size() + 1> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_us_ = 0;
};

struct TableCounters {
  std::uint64_t snapshot = 0;
  std::uint64_t inserted = 0;
  std::uint64_t updated = 0;
  std::uint64_t deleted = 0;
  std::uint64_t truncated = 0;
  std::uint64_t not_sent = 0;  ///< read while the table was halted; in none of the above

  void count(change::Op op, std::uint64_t times = 1);
  void add(const TableCounters& more);
  std::uint64_t total() const { return snapshot + inserted + updated + deleted + truncated; }
};

struct ReplicationCounters {
  std::map<std::string, TableCounters> tables;  ///< "schema.table" → what was read
  std::uint64_t messages = 0;                   ///< logical messages read
  std::uint64_t transactions = 0;               ///< whole transactions with rows that were read
  std::uint64_t records_sent = 0;
  std::uint64_t bytes_sent = 0;     ///< keys and values
  std::uint64_t records_known = 0;  ///< dropped because the partition has them (rule K-9)
  std::uint64_t records_durable = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t failed_checkpoints = 0;
  std::uint64_t parked = 0;
  LatencyHistogram commit_to_kafka;
  std::int64_t newest_commit_to_kafka_us = 0;
};

}  // namespace sluice::pipeline
