// Port: where records go (Kafka), and how it is learnt that they are durable there.
//
// Thread rule: made, used and destroyed by the pipeline's thread.
#pragma once

#include <cstdint>
#include <span>

#include "sluice/base/error.h"
#include "sluice/change/record.h"
#include "sluice/pipeline/waitable.h"

namespace sluice::pipeline {

/// Names the transaction a record belongs to; given by AckTracker, returned with the delivery.
struct Ticket {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(Ticket, Ticket) = default;
};

enum class SendStatus {
  Accepted,
  Full,  ///< nothing was taken: poll deliveries() and offer the same record again
};

/// A record is durable: acknowledged by all in-sync replicas.
struct Delivery {
  Ticket ticket;
  change::TopicIndex topic = 0;
  std::int32_t partition = 0;
  std::int64_t offset = -1;  ///< -1: the broker did not say
};

class RecordSink : public Waitable {
 public:
  /// Copies the record and queues it. Never blocks. An error (Stop: kafka.message_too_large, …; Retry: the producer is
  /// finished, rule K-3) means that this sink must be destroyed and everything not yet durable read again.
  virtual base::Result<SendStatus> send(const change::Record& record, Ticket ticket) = 0;

  /// What became durable since the last call; valid until the next call. A failed delivery is an error: see send().
  virtual base::Result<std::span<const Delivery>> deliveries() = 0;

  /// Records and bytes that were sent and are not yet durable.
  virtual std::uint64_t in_flight_records() const = 0;
  virtual std::uint64_t in_flight_bytes() const = 0;
};

}  // namespace sluice::pipeline
