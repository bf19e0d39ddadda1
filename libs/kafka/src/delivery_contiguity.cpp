#include "sluice/kafka/delivery_contiguity.h"

#include <fmt/core.h>

namespace sluice::kafka {
namespace {
constexpr std::int64_t kUnknown = -1;
}

void DeliveryContiguity::expect(change::TopicIndex topic, std::int32_t partition, std::int64_t offset) {
  next_[{topic, partition}] = offset;
}

std::int64_t DeliveryContiguity::next_offset(change::TopicIndex topic, std::int32_t partition) const {
  const auto found = next_.find({topic, partition});
  return found == next_.end() ? kUnknown : found->second;
}

base::Result<void> DeliveryContiguity::observe(std::span<const pipeline::Delivery> deliveries,
                                               std::vector<DeliveryGap>& gaps) {
  std::int64_t* next = nullptr;
  const pipeline::Delivery* previous = nullptr;
  for (const pipeline::Delivery& delivery : deliveries) {
    if (delivery.topic == change::kControlTopic) continue;
    // Deliveries come in runs of one partition, so that most need no look-up.
    if (previous == nullptr || previous->topic != delivery.topic || previous->partition != delivery.partition)
      next = &next_.try_emplace({delivery.topic, delivery.partition}, kUnknown).first->second;
    previous = &delivery;
    if (delivery.offset < 0) {
      *next = kUnknown;
      continue;
    }
    if (*next != kUnknown && delivery.offset < *next)
      return base::fail(
          base::Recovery::Stop, "kafka.log_truncated",
          fmt::format("Partition {} of topic number {} gave offset {} after it had acknowledged everything "
                      "below {}: acknowledged records are gone (unclean leader election, or the topic was "
                      "made again). Find out what was lost, then begin a new epoch with a snapshot",
                      delivery.partition, delivery.topic, delivery.offset, *next));
    if (*next != kUnknown && delivery.offset > *next)
      gaps.push_back({delivery.topic, delivery.partition, *next, delivery.offset});
    *next = delivery.offset + 1;
  }
  return {};
}

}  // namespace sluice::kafka
