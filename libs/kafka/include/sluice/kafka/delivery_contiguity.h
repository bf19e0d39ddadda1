// Watches that the offsets of our deliveries are contiguous in each partition (rule K-9): whoever else writes into our
// topic, a dead process of ours included, makes a gap. Not for snapshots, whose producers share partitions.
//
// Thread rule: one thread. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/pipeline/record_sink.h"

namespace sluice::kafka {

/// Offsets in [begin, end) of the partition are not ours.
struct DeliveryGap {
  change::TopicIndex topic = 0;
  std::int32_t partition = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  friend bool operator==(const DeliveryGap&, const DeliveryGap&) = default;
};

class DeliveryContiguity {
 public:
  /// The next delivery of the partition should have this offset (from the tail).
  void expect(change::TopicIndex topic, std::int32_t partition, std::int64_t offset);

  /// Appends the gaps that the deliveries show. An offset of -1 is unknown and no gap; the next known one is taken as
  /// it is. Deliveries of the control topic are nobody's alone and not looked at. Error: kafka.log_truncated (Stop)
  /// when an offset comes a second time: the log lost records that were acknowledged, or the topic was made again.
  base::Result<void> observe(std::span<const pipeline::Delivery> deliveries, std::vector<DeliveryGap>& gaps);

  /// Offset behind the newest delivery; -1: unknown.
  std::int64_t next_offset(change::TopicIndex topic, std::int32_t partition) const;

 private:
  std::map<std::pair<change::TopicIndex, std::int32_t>, std::int64_t> next_;
};

}  // namespace sluice::kafka
