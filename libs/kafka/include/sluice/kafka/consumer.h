// RecordSource over one member of a consumer group (rules K-12 to K-14).
//
// Thread rule: made, used and destroyed by the pipeline's thread. Batches must be released before the source is
// destroyed. Assigned is told when the committed offsets, the bounds of the logs and the topic ids have been asked for,
// in the background; reading begins with begin(). What was committed and is no longer in the log is an error, never a
// jump; a partition without a committed offset begins where its log begins.
//
// Errors:
//   kafka.retention_overrun  Stop   the log no longer has the committed offset: records were deleted unread
//   kafka.log_truncated      Stop   the log ends before the committed offset: made again, or it lost records
//   kafka.auth_failed        Stop
//   kafka.forbidden          Stop   topic or group
//   kafka.instance_replaced  Stop   another process joined under our group.instance.id
//   kafka.topic_missing      Retry  the topic is not there yet
//   kafka.commit_failed      Retry  commit(): the coordinator refuses or does not answer in time
//   kafka.unreachable        Retry  next(): no broker for unreachable_limit; begin again with a new source
//   kafka.consumer_failed    Retry
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/base/error.h"
#include "sluice/kafka/client_options.h"
#include "sluice/kafka/reachability.h"
#include "sluice/pipeline/record_source.h"

namespace sluice::kafka {

struct ConsumerOptions {
  std::string group;
  std::vector<std::string> topics;  ///< names; one that begins with ^ is a regular expression
  base::Milliseconds session_timeout{45'000};
  /// Longer than the slowest bulk with its retries; next() is called at least every second in any case.
  base::Milliseconds max_poll_interval{300'000};
  base::Milliseconds commit_timeout{5'000};
  base::Milliseconds unreachable_limit{60'000};
  base::Milliseconds close_timeout{5'000};     ///< for leaving the group in the destructor
  std::uint32_t max_batch_records = 2'000;     ///< of one read; a batch per partition is made of it
  std::uint32_t max_queue_kilobytes = 16'384;  ///< fetched and not yet read, all partitions
  /// As they lie on the broker, compressed: unpacked they may be ten times as many, and the queue is looked at only
  /// after that.
  std::uint32_t max_partition_fetch_bytes = 262'144;
  std::uint32_t max_fetch_bytes = 8'388'608;  ///< one answer of a broker
};

class Consumer : public pipeline::RecordSource {
 public:
  /// Joins the group in the background. Error: kafka.bad_property (Stop).
  static base::Result<std::unique_ptr<Consumer>> open(const ClientOptions& client, const ConsumerOptions& options);

  virtual Reachability reachability() const = 0;

  /// Offset of the next record of a partition that is being read, as the last fetch said; nothing: none has answered.
  virtual std::optional<pipeline::Offset> end_of(const pipeline::Partition& partition) const = 0;
};

}  // namespace sluice::kafka
