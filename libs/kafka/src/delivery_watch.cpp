#include "sluice/kafka/delivery_watch.h"

namespace sluice::kafka {

void DeliveryWatch::begin(const std::vector<std::vector<std::int64_t>>& end_offsets) {
  if (std::exchange(watching_, true)) return;
  for (change::TopicIndex topic = 0; topic < end_offsets.size(); ++topic) {
    for (std::size_t partition = 0; partition < end_offsets[topic].size(); ++partition) {
      contiguity_.expect(topic, static_cast<std::int32_t>(partition), end_offsets[topic][partition]);
    }
  }
}

base::Result<std::span<const pipeline::Delivery>> DeliveryWatch::deliveries() {
  SLUICE_ASSIGN(const auto delivered, sink_.deliveries());
  if (!watching_) return delivered;
  auto observed = contiguity_.observe(delivered, gaps_);
  has_seen_loss_ = has_seen_loss_ || !observed;
  SLUICE_TRY(std::move(observed));
  return delivered;
}

}  // namespace sluice::kafka
