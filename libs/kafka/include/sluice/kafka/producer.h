// RecordSink over one idempotent producer (rules K-1 to K-4, K-8).
//
// Thread rule: made, used and destroyed by the pipeline's thread. librdkafka's own threads compress and send.
// Records of one partition become durable in the order of send(), each exactly once as long as this producer lives;
// broker restarts and lost answers are librdkafka's to mend, without a time limit. What is lost with the producer
// (crash, error) is read again by the pipeline; see tails.h for how it is not written twice.
//
// Errors of send(), deliveries() and flush(); after any of them the producer is finished (rule K-3), destroy it:
//   kafka.message_too_large   Stop   a record is over max_message_bytes or over the broker's limit (rule K-8, halt)
//   kafka.auth_failed         Stop   the brokers refuse the user
//   kafka.forbidden           Stop   the user may not write to the topic
//   kafka.topic_missing       Stop   the topic does not exist (any more)
//   kafka.partitions_changed  Stop   the topic has no such partition
//   kafka.producer_fatal      Retry  idempotence cannot go on (rd_kafka_fatal_error)
//   kafka.delivery_failed     Retry  any other failed delivery
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/base/error.h"
#include "sluice/kafka/client_options.h"
#include "sluice/kafka/reachability.h"
#include "sluice/pipeline/record_sink.h"
#include "sluice/pipeline/replication_status.h"

namespace sluice::kafka {

/// Defaults are measured (tests/bench/kafka_bench): more than 300 k records of 400 B a second on two cores shared with
/// the broker, and single records acknowledged within a few ms.
struct ProducerOptions {
  std::string compression = "lz4";  ///< none, lz4, zstd, snappy, gzip
  base::Milliseconds linger{2};     ///< longer fills batches better and delays a lone record by as much
  /// Of one partition; one batch is on its way and one more is gathered. Smaller ones cost the broker and us more CPU:
  /// 128 KiB a third, larger ones gain nothing.
  std::uint32_t max_batch_bytes = 524'288;
  std::uint32_t max_batch_records = 10'000;
  /// Bound of what waits in librdkafka; then send() says Full. An outage of Kafka costs this much memory and no more.
  std::uint32_t max_queue_records = 30'000;
  std::uint32_t max_queue_kilobytes = 32'768;
  /// Largest record; the topic's max.message.bytes must be as large. librdkafka's and Kafka's own default.
  std::uint32_t max_message_bytes = 1'000'000;
};

class Producer : public pipeline::RecordSink {
 public:
  /// `topics` is what TopicIndex counts; `control_topic` is kControlTopic. Starts to connect and does not wait for it.
  /// Errors: kafka.bad_property (Stop).
  static base::Result<std::unique_ptr<Producer>> open(const ClientOptions& client, const ProducerOptions& options,
                                                      std::vector<std::string> topics, std::string control_topic);

  /// Waits until everything is durable or the deadline has passed (kafka.unreachable, Retry; the
  /// producer lives on then). What became durable is told by the next deliveries().
  virtual base::Result<void> flush(base::Deadline deadline) = 0;

  /// Never an error of its own: records wait for the brokers as long as it takes.
  virtual Reachability reachability() const = 0;

  /// Of the batches that were acknowledged, of one partition each; bytes of keys and values.
  virtual const pipeline::BatchSizes& batch_sizes() const = 0;
};

/// Sends the records and waits until all are durable; the result has a delivery per record, in their order.
/// For markers, control records and the like. REQUIRES: nothing else is in flight.
/// Errors: those of the sink; kafka.unreachable (Retry) when the deadline passes first; kafka.interrupted (Retry) when
/// `is_interrupted`, asked now and then, says so.
base::Result<std::vector<pipeline::Delivery>> send_and_wait(pipeline::RecordSink& sink,
                                                            std::span<const change::Record> records,
                                                            base::Deadline deadline,
                                                            const std::function<bool()>& is_interrupted = {});

}  // namespace sluice::kafka
