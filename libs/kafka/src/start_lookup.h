// What has to be known before newly assigned partitions can be read: committed offsets, bounds of the logs, topic ids.
// Asked for in the background; the answers come to a queue of its own, so that those of a lookup that was given up
// cannot be taken for another's.
#pragma once

#include "admin.h"
#include "client.h"
#include "sluice/pipeline/record_source.h"

namespace sluice::kafka {

class StartLookup {
 public:
  StartLookup(rd_kafka_t* client, std::string group, std::vector<pipeline::Partition> partitions,
              base::Milliseconds request_timeout, const WakeFd& wake);

  /// Takes what has come; the complete answer, once. Failed questions are asked again for kPatience, then the error is
  /// returned. Never blocks.
  base::Result<std::optional<pipeline::Assigned>> poll();

  /// When poll() has something to do although nothing comes.
  std::optional<base::Deadline> next_attempt() const { return next_attempt_; }

  const std::vector<pipeline::Partition>& partitions() const { return partitions_; }

  static constexpr base::Milliseconds kPatience{60'000};

 private:
  void ask();
  base::Result<void> take_answers();
  base::Result<void> take(rd_kafka_event_t* answer);
  base::Result<void> take_topics(rd_kafka_event_t* answer);
  bool complete() const { return committed_ && begins_ && ends_ && ids_; }
  pipeline::Assigned assigned() const;

  rd_kafka_t* client_;
  std::string group_;
  std::vector<pipeline::Partition> partitions_;
  base::Milliseconds request_timeout_;
  const WakeFd& wake_;
  base::Deadline give_up_;
  std::optional<base::Deadline> next_attempt_;
  QueueHandle answers_;  ///< committed offsets and topics
  QueueHandle begin_answers_;
  QueueHandle end_answers_;
  std::optional<OffsetMap> committed_;
  std::optional<OffsetMap> begins_;
  std::optional<OffsetMap> ends_;
  std::optional<std::map<std::string, std::string>> ids_;
};

}  // namespace sluice::kafka
