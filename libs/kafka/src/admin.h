// librdkafka's admin requests as pairs of "ask" (never blocks, the answer goes to a queue) and "read" (an answer).
#pragma once

#include "client.h"
#include "sluice/kafka/topics.h"
#include "sluice/pipeline/record_source.h"

namespace sluice::kafka {

using OffsetMap = std::map<pipeline::Partition, pipeline::Offset>;

struct TopicFacts {
  std::string name;
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::string id;
  std::int32_t partitions = 0;
  std::int32_t replication_factor = 0;
  bool has_leaders = false;  ///< every partition has one
};

PartitionListHandle partition_list(const std::vector<pipeline::Partition>& partitions);

void ask_topics(rd_kafka_t* client, const std::vector<std::string>& names, int timeout_ms, rd_kafka_queue_t* answers);
base::Result<std::vector<TopicFacts>> read_topics(rd_kafka_event_t* answer);

/// `spec`: earliest or latest.
void ask_offsets(rd_kafka_t* client, const std::vector<pipeline::Partition>& partitions, rd_kafka_OffsetSpec_t spec,
                 rd_kafka_IsolationLevel_t isolation, int timeout_ms, rd_kafka_queue_t* answers);
base::Result<OffsetMap> read_offsets(rd_kafka_event_t* answer);

void ask_committed(rd_kafka_t* client, const std::string& group, const std::vector<pipeline::Partition>& partitions,
                   int timeout_ms, rd_kafka_queue_t* answers);
/// Partitions without a committed offset are not in the map.
base::Result<OffsetMap> read_committed(rd_kafka_event_t* answer);

/// Waits for one answer and serves the client's own events meanwhile.
base::Result<EventHandle> wait_for_answer(rd_kafka_t* client, rd_kafka_queue_t* answers, const ClientState& state,
                                          base::Deadline deadline, std::string_view request);

/// Asks for offsets and waits. A new topic's brokers refuse for a moment, not being its leaders yet or not knowing it:
/// they are asked again, until the deadline, or for kNewTopicPatience when they say that there is no such topic.
/// `answers` is replaced when an answer may still come.
base::Result<OffsetMap> offsets_of(rd_kafka_t* client, QueueHandle& answers, const ClientState& state,
                                   const std::vector<pipeline::Partition>& partitions, rd_kafka_OffsetSpec_t spec,
                                   rd_kafka_IsolationLevel_t isolation, base::Deadline deadline);

inline constexpr base::Milliseconds kNewTopicPatience{3'000};

}  // namespace sluice::kafka
