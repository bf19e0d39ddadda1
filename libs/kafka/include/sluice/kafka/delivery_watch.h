// The producer as Replication sees it, with an eye on the offsets of what it delivers (rule K-9). Replication knows
// nothing of it.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "sluice/kafka/delivery_contiguity.h"
#include "sluice/pipeline/record_sink.h"

namespace sluice::kafka {

class DeliveryWatch final : public pipeline::RecordSink {
 public:
  /// `sink` must outlive this.
  explicit DeliveryWatch(pipeline::RecordSink& sink) : sink_(sink) {}

  /// From the next delivery on; end_offsets[topic][partition] is where the next one should lie, -1: unknown. Once is
  /// enough: what came after is known then.
  void begin(const std::vector<std::vector<std::int64_t>>& end_offsets);

  /// The gaps since the last call.
  std::vector<DeliveryGap> take_gaps() { return std::exchange(gaps_, {}); }
  /// deliveries() ended with kafka.log_truncated: what the broker had acknowledged is gone.
  bool has_seen_loss() const { return has_seen_loss_; }

  base::Result<pipeline::SendStatus> send(const change::Record& record, pipeline::Ticket ticket) override {
    return sink_.send(record, ticket);
  }
  /// Beside the sink's own errors: kafka.log_truncated (Stop). Nothing of these deliveries counts as durable then.
  base::Result<std::span<const pipeline::Delivery>> deliveries() override;
  std::uint64_t in_flight_records() const override { return sink_.in_flight_records(); }
  std::uint64_t in_flight_bytes() const override { return sink_.in_flight_bytes(); }
  pipeline::Wait waits_for() const override { return sink_.waits_for(); }

 private:
  pipeline::RecordSink& sink_;
  bool watching_ = false;
  bool has_seen_loss_ = false;
  DeliveryContiguity contiguity_;
  std::vector<DeliveryGap> gaps_;
};

}  // namespace sluice::kafka
