// Everything the start has to know and do in Kafka: topics, the control topic, the tails of the partitions.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sluice/codec/control_record.h"
#include "sluice/config/settings.h"
#include "sluice/kafka/producer.h"
#include "sluice/kafka/topics.h"
#include "sluice/pipeline/checkpoint.h"

namespace sluice::connector {

struct BrokerFacts {
  std::vector<pipeline::TopicIncarnation> topics;  ///< by change::TopicIndex
  std::optional<std::uint32_t> announced_epoch;    ///< newest of this pipeline in the control topic
  std::uint32_t written_epoch = 0;                 ///< newest in the topics; looked for when none is announced
  bool is_compacted = false;                       ///< at least one topic: deletes need tombstones there
  bool snapshot_is_complete = false;               ///< the control topic has the snapshot record of that epoch
  std::map<std::string, std::string> schemas;      ///< of the control topic: key → value
};

/// What the partitions end with (rule K-9), by topic and partition.
struct Tails {
  std::vector<std::vector<change::EventId>> last;
  std::vector<std::vector<std::int64_t>> end_offsets;
};

/// kafka.topic_missing (Stop).
base::Error topic_missing(const std::string& name);

class BrokerSession {
 public:
  /// `interrupted` ends the waits of this object for an answer: kafka.interrupted (Retry).
  explicit BrokerSession(const config::Settings& settings, std::function<bool()> interrupted = {})
      : settings_(settings), interrupted_(std::move(interrupted)) {}

  /// Makes the missing topics if the configuration says so, and reads what is there.
  base::Result<BrokerFacts> gather();

  /// Writes records of the control topic, key → value, and returns when they are durable.
  base::Result<void> announce(const std::map<std::string, std::string>& records);
  base::Result<void> announce(const codec::ControlRecord& record) {
    return announce(std::map<std::string, std::string>{{codec::control_key(record), codec::control_value(record)}});
  }

  base::Result<std::unique_ptr<kafka::Producer>> open_producer();

  /// Of a new epoch, or where tails do not count: nothing is known of any partition but where it ends.
  static Tails no_tails(const std::vector<pipeline::TopicIncarnation>& topics);

  /// Of a clean stop, where nothing was written since: as the checkpoint has them. Nothing: recover_tails() has to
  /// look.
  static std::optional<Tails> settled_tails(const pipeline::Checkpoint& stored,
                                            const std::vector<pipeline::TopicIncarnation>& topics);

  /// Writes a marker into every partition and walks back from it to the last stream record (rule K-9).
  base::Result<Tails> recover_tails(kafka::Producer& producer, const pipeline::Checkpoint& stored,
                                    const std::vector<pipeline::TopicIncarnation>& topics);

 private:
  kafka::ClientOptions client() const;
  base::Result<void> ensure_topics(kafka::Topics& topics);
  base::Result<void> read_control_topic(BrokerFacts& facts);
  base::Result<void> peek_tails(BrokerFacts& facts);

  const config::Settings& settings_;
  std::function<bool()> interrupted_;
  bool has_warned_ = false;
};

}  // namespace sluice::connector
