// Reads given stretches of partitions, committed records only, without belonging to a group: for tails, gaps and the
// control topic.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "admin.h"
#include "client.h"
#include "sluice/pipeline/record_source.h"

namespace sluice::kafka {

/// Offsets in [begin, end).
struct LogStretch {
  pipeline::Partition partition;
  pipeline::Offset begin = 0;
  pipeline::Offset end = 0;
};

class LogReader {
 public:
  using Visit = std::function<base::Result<void>(const pipeline::Partition&, const pipeline::ConsumedRecord&)>;

  explicit LogReader(const ClientOptions& options) : state_(options) {}
  ~LogReader();
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;

  base::Result<void> start(const ClientOptions& options);

  /// First offset that the log has (earliest), or that of the next record (latest: of the next committed one).
  base::Result<OffsetMap> offsets(const std::vector<pipeline::Partition>& partitions, rd_kafka_OffsetSpec_t spec,
                                  base::Deadline deadline);

  /// Visits what the stretches hold; records of one partition in order. REQUIRES: at most one stretch per partition.
  base::Result<void> read(std::span<const LogStretch> stretches, const Visit& visit, base::Deadline deadline);

  /// Begins to read a partition on; next() then gives what is there.
  base::Result<void> follow(const pipeline::Partition& partition, pipeline::Offset begin);
  /// A record or nothing (within the time-out). Errors as in errors.h.
  base::Result<MessageHandle> next(int timeout_ms);
  void stop();

  const WakeFd& wake() const { return wake_; }
  void drain() { wake_.drain(); }

 private:
  ClientState state_;
  WakeFd wake_;
  ClientHandle client_;
  QueueHandle answers_;
  QueueHandle records_;
  std::vector<std::pair<TopicHandle, std::int32_t>> followed_;
};

}  // namespace sluice::kafka
