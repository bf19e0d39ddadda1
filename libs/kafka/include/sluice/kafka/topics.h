// What the brokers say of topics, and their creation (rule K-6).
//
// Thread rule: one thread. Calls block, bounded by ClientOptions::request_timeout; they are made before a pipeline
// runs.
//
// Errors of all calls: kafka.unreachable (Retry), kafka.auth_failed (Stop), kafka.forbidden (Stop),
// kafka.admin_failed (Retry) for what has no id of its own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/kafka/client_options.h"
#include "sluice/pipeline/checkpoint.h"

namespace sluice::kafka {

struct PartitionRange {
  std::int64_t begin = 0;  ///< first offset that the log still has
  std::int64_t end = 0;    ///< offset of the next record
};

struct TopicDescription {
  std::string name;
  std::string id;  ///< UUID of this incarnation, as Kafka's tools print it; empty: the broker is too old to say
  std::int32_t replication_factor = 0;
  std::vector<PartitionRange> partitions;
  /// Settings that concern us, by Kafka's names (cleanup.policy, max.message.bytes, …); empty when the user may not see
  /// them.
  std::map<std::string, std::string> settings;
};

struct NewTopic {
  std::string name;
  std::int32_t partitions = 1;
  std::int32_t replication_factor = -1;  ///< -1: the broker's default
  std::map<std::string, std::string> settings;
};

/// Takes records whose key and value have `max_message_bytes` together.
NewTopic events_topic(std::string name, std::uint32_t max_message_bytes);
/// One partition, compacted: what the control topic has to be.
NewTopic control_topic(std::string name);

class Topics {
 public:
  virtual ~Topics() = default;

  /// Errors: kafka.bad_property (Stop).
  static base::Result<std::unique_ptr<Topics>> open(const ClientOptions& client);

  /// One answer per name, in their order; nothing: there is no such topic.
  virtual base::Result<std::vector<std::optional<TopicDescription>>> describe(
      const std::vector<std::string>& names) = 0;

  /// Creates the topics and waits until their partitions have leaders. One that exists already is left as it is.
  /// Error: kafka.create_failed (Stop) when the broker refuses the settings.
  virtual base::Result<void> create(const std::vector<NewTopic>& topics) = 0;
};

/// Rule K-6: what should be warned of, a sentence each. Pure.
/// Error: kafka.message_limit (Stop) when the topic takes smaller records than we send.
base::Result<std::vector<std::string>> inspect(const TopicDescription& topic, std::uint64_t max_message_bytes);

/// Errors: kafka.control_topic_unfit (Stop) when it is not compacted or has more than one partition. Pure.
base::Result<void> inspect_control_topic(const TopicDescription& topic);

}  // namespace sluice::kafka
