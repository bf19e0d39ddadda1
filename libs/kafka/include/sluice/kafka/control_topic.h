// The compacted control topic: the latest value of every key, then what comes after.
//
// Thread rule: one thread. Records are written through a Producer (send_and_wait(), TopicIndex kControlTopic).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/base/error.h"
#include "sluice/kafka/client_options.h"
#include "sluice/pipeline/waitable.h"

namespace sluice::kafka {

struct ControlEntry {
  std::string key;
  std::string value;
  bool removed = false;  ///< null value: the key is no more
  std::int64_t offset = 0;
};

struct ControlReaderOptions {
  /// Bound of all keys and values together; schemas are a few KB each.
  std::size_t max_bytes = std::size_t{64} << 20;
};

class ControlReader : public pipeline::Waitable {
 public:
  /// Reads the topic from its begin to the end that it has now. Blocks until the deadline at most.
  /// Errors: kafka.unreachable, kafka.read_failed (Retry); kafka.topic_missing, kafka.control_topic_too_large (Stop).
  static base::Result<std::unique_ptr<ControlReader>> open(const ClientOptions& client, const std::string& topic,
                                                           const ControlReaderOptions& options,
                                                           base::Deadline deadline);

  /// The latest value of each key as far as it was read; poll() carries it on.
  virtual const std::map<std::string, std::string>& entries() const = 0;

  /// What came since the last call, in order; empty: nothing. Never blocks. After an error destroy the reader.
  virtual base::Result<std::vector<ControlEntry>> poll() = 0;

  /// The same up to the end that the topic has now: whatever was acknowledged before is among it. Blocks until the
  /// deadline at most. Errors: kafka.unreachable, kafka.read_failed (Retry); kafka.topic_missing,
  /// kafka.control_topic_too_large (Stop). After an error destroy the reader.
  virtual base::Result<std::vector<ControlEntry>> read_on(base::Deadline deadline) = 0;
};

}  // namespace sluice::kafka
