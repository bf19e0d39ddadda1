#include "admin.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <thread>

#include "errors.h"

namespace sluice::kafka {
namespace {

using base::fail;
using base::Recovery;
using base::Result;
using pipeline::Partition;

constexpr std::string_view kFallbackId = "kafka.admin_failed";

AdminOptionsHandle admin_options(rd_kafka_t* client, rd_kafka_admin_op_t operation, int timeout_ms) {
  AdminOptionsHandle options(rd_kafka_AdminOptions_new(client, operation));
  std::array<char, 256> reason{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), std::max(timeout_ms, 1), reason.data(), reason.size());
  return options;
}

Result<void> check(rd_kafka_event_t* answer, std::string_view request) {
  const rd_kafka_resp_err_t code = rd_kafka_event_error(answer);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return tl::make_unexpected(error_of(code, request, kFallbackId));
}

Result<void> add_offset(OffsetMap& offsets, const rd_kafka_topic_partition_t& entry) {
  if (entry.err != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::make_unexpected(error_of(
        entry.err, fmt::format("The offsets of topic {} partition {}", entry.topic, entry.partition), kFallbackId));
  offsets[{entry.topic, entry.partition}] = entry.offset;
  return {};
}

/// Kafka prints UUIDs in the URL-safe alphabet, librdkafka in the common one.
std::string url_safe(std::string base64) {
  std::replace(base64.begin(), base64.end(), '+', '-');
  std::replace(base64.begin(), base64.end(), '/', '_');
  return base64;
}

TopicFacts facts_of(const rd_kafka_TopicDescription_t* topic) {
  TopicFacts facts;
  facts.name = rd_kafka_TopicDescription_name(topic);
  facts.error = rd_kafka_error_code(rd_kafka_TopicDescription_error(topic));
  const rd_kafka_Uuid_t* id = rd_kafka_TopicDescription_topic_id(topic);
  if (id != nullptr && (rd_kafka_Uuid_most_significant_bits(id) != 0 || rd_kafka_Uuid_least_significant_bits(id) != 0))
    facts.id = url_safe(rd_kafka_Uuid_base64str(id));
  std::size_t count = 0;
  const auto* const partitions = rd_kafka_TopicDescription_partitions(topic, &count);
  facts.partitions = static_cast<std::int32_t>(count);
  facts.has_leaders = count > 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (rd_kafka_TopicPartitionInfo_leader(partitions[i]) == nullptr) facts.has_leaders = false;
    std::size_t replicas = 0;
    rd_kafka_TopicPartitionInfo_replicas(partitions[i], &replicas);
    if (i == 0) facts.replication_factor = static_cast<std::int32_t>(replicas);
  }
  return facts;
}

}  // namespace

PartitionListHandle partition_list(const std::vector<pipeline::Partition>& partitions) {
  PartitionListHandle list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const auto& partition : partitions)
    rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.number);
  return list;
}

void ask_topics(rd_kafka_t* client, const std::vector<std::string>& names, int timeout_ms, rd_kafka_queue_t* answers) {
  std::vector<const char*> texts;
  for (const auto& name : names) texts.push_back(name.c_str());
  using Collection = base::Handle<rd_kafka_TopicCollection_t, &rd_kafka_TopicCollection_destroy>;
  const Collection collection(rd_kafka_TopicCollection_of_topic_names(texts.data(), texts.size()));
  const auto options = admin_options(client, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, timeout_ms);
  rd_kafka_DescribeTopics(client, collection.get(), options.get(), answers);
}

Result<std::vector<TopicFacts>> read_topics(rd_kafka_event_t* answer) {
  SLUICE_TRY(check(answer, "Describing topics"));
  std::size_t count = 0;
  const auto* const topics =
      rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(answer), &count);
  std::vector<TopicFacts> facts;
  for (std::size_t i = 0; i < count; ++i) facts.push_back(facts_of(topics[i]));
  return facts;
}

void ask_offsets(rd_kafka_t* client, const std::vector<pipeline::Partition>& partitions, rd_kafka_OffsetSpec_t spec,
                 rd_kafka_IsolationLevel_t isolation, int timeout_ms, rd_kafka_queue_t* answers) {
  const PartitionListHandle list = partition_list(partitions);
  for (int i = 0; i < list->cnt; ++i) list->elems[i].offset = spec;
  const auto options = admin_options(client, RD_KAFKA_ADMIN_OP_LISTOFFSETS, timeout_ms);
  const ErrorHandle error(rd_kafka_AdminOptions_set_isolation_level(options.get(), isolation));
  rd_kafka_ListOffsets(client, list.get(), options.get(), answers);
}

Result<OffsetMap> read_offsets(rd_kafka_event_t* answer) {
  SLUICE_TRY(check(answer, "Asking for offsets"));
  std::size_t count = 0;
  const auto* const entries = rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(answer), &count);
  OffsetMap offsets;
  for (std::size_t i = 0; i < count; ++i) {
    const rd_kafka_topic_partition_t* entry = rd_kafka_ListOffsetsResultInfo_topic_partition(entries[i]);
    SLUICE_TRY(add_offset(offsets, *entry));
    if (entry->offset < 0)
      return fail(Recovery::Retry, kFallbackId,
                  fmt::format("The broker does not say the offsets of topic {} partition {}. It is asked again",
                              entry->topic, entry->partition));
  }
  return offsets;
}

void ask_committed(rd_kafka_t* client, const std::string& group, const std::vector<pipeline::Partition>& partitions,
                   int timeout_ms, rd_kafka_queue_t* answers) {
  using Request = base::Handle<rd_kafka_ListConsumerGroupOffsets_t, &rd_kafka_ListConsumerGroupOffsets_destroy>;
  const PartitionListHandle list = partition_list(partitions);
  const Request request(rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), list.get()));
  const auto options = admin_options(client, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, timeout_ms);
  const ErrorHandle error(rd_kafka_AdminOptions_set_require_stable_offsets(options.get(), 1));
  rd_kafka_ListConsumerGroupOffsets_t* requests[] = {request.get()};
  rd_kafka_ListConsumerGroupOffsets(client, requests, 1, options.get(), answers);
}

Result<OffsetMap> read_committed(rd_kafka_event_t* answer) {
  SLUICE_TRY(check(answer, "Asking for the committed offsets"));
  std::size_t count = 0;
  const auto* const groups =
      rd_kafka_ListConsumerGroupOffsets_result_groups(rd_kafka_event_ListConsumerGroupOffsets_result(answer), &count);
  OffsetMap offsets;
  for (std::size_t i = 0; i < count; ++i) {
    if (const rd_kafka_error_t* error = rd_kafka_group_result_error(groups[i]))
      return tl::make_unexpected(error_of(rd_kafka_error_code(error), "Asking for the committed offsets", kFallbackId));
    const rd_kafka_topic_partition_list_t* list = rd_kafka_group_result_partitions(groups[i]);
    for (int k = 0; list != nullptr && k < list->cnt; ++k)
      if (list->elems[k].err != RD_KAFKA_RESP_ERR_NO_ERROR || list->elems[k].offset >= 0)
        SLUICE_TRY(add_offset(offsets, list->elems[k]));
  }
  return offsets;
}

Result<EventHandle> wait_for_answer(rd_kafka_t* client, rd_kafka_queue_t* answers, const ClientState& state,
                                    base::Deadline deadline, std::string_view request) {
  // The client's own queue is another one; looking at it this often is enough to notice a refused password or an
  // interruption.
  constexpr int kTurnMs = 50;
  while (true) {
    EventHandle answer(rd_kafka_queue_poll(answers, std::min(kTurnMs, left_ms(deadline))));
    rd_kafka_poll(client, 0);
    if (answer && !state.refusal()) return answer;
    if (auto end = state.end_of_wait()) return tl::make_unexpected(*std::move(end));
    if (base::Clock::now() >= deadline)
      return tl::make_unexpected(state.explained(error_of(RD_KAFKA_RESP_ERR__TIMED_OUT, request, "kafka.unreachable")));
  }
}

Result<OffsetMap> offsets_of(rd_kafka_t* client, QueueHandle& answers, const ClientState& state,
                             const std::vector<Partition>& partitions, rd_kafka_OffsetSpec_t spec,
                             rd_kafka_IsolationLevel_t isolation, base::Deadline deadline) {
  const base::Deadline missing_deadline = std::min(deadline, base::Clock::now() + kNewTopicPatience);
  while (true) {
    ask_offsets(client, partitions, spec, isolation, left_ms(deadline), answers.get());
    // librdkafka's own time-out is the deadline too and answers with more to say; it gets a moment longer.
    auto event =
        wait_for_answer(client, answers.get(), state, deadline + std::chrono::seconds(1), "Asking for offsets");
    if (!event) {
      answers.reset(rd_kafka_queue_new(client));
      return tl::make_unexpected(std::move(event.error()));
    }
    auto offsets = read_offsets(event->get());
    if (offsets) return offsets;
    const bool missing = offsets.error().id == "kafka.topic_missing";
    const bool may_pass = missing || offsets.error().recovery == Recovery::Retry;
    if (!may_pass || base::Clock::now() >= (missing ? missing_deadline : deadline))
      return tl::make_unexpected(state.explained(std::move(offsets.error())));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace sluice::kafka
