// What a consumer group has finished in one partition, as stored in the index `sluice-checkpoints` (rule K-15). It is
// written before the offset is committed to Kafka, so that a search engine restored from a backup is found out: its
// checkpoint is behind the group's offset, or missing.
//
// Format: one JSON object {"topic","partition","topic_id","offset","from","last_id","outputs"}, and "since" where it is
// not empty.
//
// Thread rule: values and pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/pipeline/record_source.h"

namespace sluice::pipeline {

struct GroupCheckpoint {
  Partition partition;
  std::string topic_id;              ///< Kafka's UUID of the topic; empty where the broker does not say
  Offset offset = 0;                 ///< everything from `from` up to here, exclusive, is finished
  Offset from = 0;                   ///< where this group began
  std::string last_id;               ///< event id of the last finished record that has one
  std::vector<std::string> outputs;  ///< what was written: "journal:<prefix>", "mirror:<prefix>"
  /// A group that reads again, from `from`, has not lost what its outputs had: output → where that began.
  std::map<std::string, Offset> since{};

  /// From where on an output has everything up to `offset`, earlier readings included.
  Offset holds_since(const std::string& output) const;
  friend bool operator==(const GroupCheckpoint&, const GroupCheckpoint&) = default;
};

/// `<group>/<name>`, the id of a document of this group in `sluice-checkpoints`; bytes of both that are not safe in a
/// URL are percent-encoded.
std::string bookkeeping_id(std::string_view group, std::string_view name);

/// The one of a partition: `<group>/<topic>-<partition>`.
std::string checkpoint_id(std::string_view group, const Partition& partition);

std::string to_json(const GroupCheckpoint& checkpoint);

/// Error: es.bad_checkpoint (Stop).
base::Result<GroupCheckpoint> parse_group_checkpoint(std::string_view json);

}  // namespace sluice::pipeline
