// What a running replication counts. Written by the pipeline's thread, copied for whoever asks.
//
// Thread rule: values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "sluice/change/change_event.h"

namespace sluice::pipeline {

/// In microseconds, from 1 ms to minutes.
struct LatencyBounds {
  static constexpr std::array<std::int64_t, 15> kBounds = {1'000,     2'000,     5'000,      10'000,     20'000,
                                                           50'000,    100'000,   200'000,    500'000,    1'000'000,
                                                           2'000'000, 5'000'000, 10'000'000, 60'000'000, 600'000'000};
};
/// Of pieces or bytes, from one record to a large bulk.
struct SizeBounds {
  static constexpr std::array<std::int64_t, 14> kBounds = {
      1, 4, 16, 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20};
};

/// Counts per upper bound; the last bucket has no bound.
template <class Bounds>
class Histogram {
 public:
  static constexpr auto& kBounds = Bounds::kBounds;

  void observe(std::int64_t value);
  /// The bound below which `share` (0…1) of the observations lie; 0 without observations.
  std::int64_t quantile(double share) const;

  const std::array<std::uint64_t, kBounds.size() + 1>& buckets() const { return buckets_; }
  std::uint64_t count() const { return count_; }
  std::uint64_t sum() const { return sum_; }

 private:
  std::array<std::uint64_t, kBounds.size() + 1> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
};
extern template class Histogram<LatencyBounds>;
extern template class Histogram<SizeBounds>;
using LatencyHistogram = Histogram<LatencyBounds>;
using SizeHistogram = Histogram<SizeBounds>;

/// Of what was sent together.
struct BatchSizes {
  SizeHistogram pieces;
  SizeHistogram bytes;

  void observe(std::size_t of_pieces, std::size_t of_bytes) {
    pieces.observe(static_cast<std::int64_t>(of_pieces));
    bytes.observe(static_cast<std::int64_t>(of_bytes));
  }
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
