// Port: the consumer group's side of Kafka.
//
// Thread rule: made, used and destroyed by the pipeline's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/pipeline/waitable.h"

namespace sluice::pipeline {

struct Partition {
  std::string topic;
  std::int32_t number = 0;
  friend auto operator<=>(const Partition&, const Partition&) = default;
};

using Offset = std::int64_t;

/// One record read from Kafka. Views are valid until its batch is released.
struct ConsumedRecord {
  Offset offset = 0;
  std::int64_t timestamp_ms = 0;
  std::string_view key;
  std::string_view value;
  bool tombstone = false;   ///< null value
  std::string_view header;  ///< of the header `sluice`; empty: none
};

/// Records of one partition in offset order. Owns the bytes; keep it as long as its records are needed.
class ConsumedBatch {
 public:
  virtual ~ConsumedBatch() = default;
  virtual const Partition& partition() const = 0;
  virtual std::span<const ConsumedRecord> records() const = 0;
  std::size_t bytes = 0;  ///< that it costs: of keys and values, and what a source knows of beside them
};
using ConsumedBatchPtr = std::unique_ptr<ConsumedBatch>;

struct Assigned {
  struct Start {
    Partition partition;
    std::optional<Offset> committed;  ///< nothing: the group never committed here
    Offset begin = 0;                 ///< first offset that the log still has
    Offset end = 0;                   ///< offset of the next record
    std::string topic_id;
  };
  std::vector<Start> partitions;
};
/// These partitions go to another member: finish what is in flight (bounded), commit(), then release().
struct Revoked {
  std::vector<Partition> partitions;
};
/// These partitions are gone already: forget them, commit nothing.
struct Lost {
  std::vector<Partition> partitions;
};

using SourceEvent = std::variant<ConsumedBatchPtr, Assigned, Revoked, Lost>;

/// What to do about kafka.retention_overrun, whoever finds it. To set the group's offsets by hand does not help: the
/// search engine has the last word on them (rule K-15).
inline constexpr std::string_view kOverrunRemedy =
    "Raise the topic's retention, begin a new epoch (replicator slot reset --new-epoch) and consume it with a new "
    "group "
    "(kafka.groupID)";

class RecordSource : public Waitable {
 public:
  /// The next event, or nothing for now. Never blocks. Must be called at least every second, paused or not: it is what
  /// keeps the membership. Errors: kafka.retention_overrun (Stop), kafka.unreachable (Retry), …
  virtual base::Result<std::optional<SourceEvent>> next() = 0;

  /// Answer to Assigned: begin reading each partition at this offset (rule K-15 may have moved it back).
  virtual base::Result<void> begin(const Partition& partition, Offset offset) = 0;

  /// Everything below `offset` is finished; commit() says so to the group.
  virtual base::Result<void> finish(const Partition& partition, Offset offset) = 0;

  /// Commits what is finished, synchronously but bounded.
  virtual base::Result<void> commit() = 0;

  /// Answer to Revoked, after commit().
  virtual base::Result<void> release(const std::vector<Partition>& partitions) = 0;

  virtual base::Result<void> pause(const Partition& partition) = 0;
  virtual base::Result<void> resume(const Partition& partition) = 0;
};

}  // namespace sluice::pipeline
