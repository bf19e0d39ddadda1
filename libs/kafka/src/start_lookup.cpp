#include "start_lookup.h"

#include <fmt/core.h>

#include <set>

#include "errors.h"

namespace sluice::kafka {

using base::Recovery;
using base::Result;
using pipeline::Assigned;
using pipeline::Partition;

namespace {

constexpr base::Milliseconds kPause{500};

/// A new topic's leader may not know it yet; one that is really gone is waited for, too.
Result<OffsetMap> offsets_in(rd_kafka_event_t* answer) {
  auto offsets = read_offsets(answer);
  if (!offsets && offsets.error().id == "kafka.topic_missing") offsets.error().recovery = Recovery::Retry;
  return offsets;
}

}  // namespace

StartLookup::StartLookup(rd_kafka_t* client, std::string group, std::vector<Partition> partitions,
                         base::Milliseconds request_timeout, const WakeFd& wake)
    : client_(client),
      group_(std::move(group)),
      partitions_(std::move(partitions)),
      request_timeout_(request_timeout),
      wake_(wake),
      give_up_(base::Clock::now() + kPatience) {
  ask();
}

void StartLookup::ask() {
  next_attempt_.reset();
  committed_.reset();
  begins_.reset();
  ends_.reset();
  ids_.reset();
  // New queues: what comes late for the last attempt goes nowhere.
  for (QueueHandle* queue : {&answers_, &begin_answers_, &end_answers_}) {
    queue->reset(rd_kafka_queue_new(client_));
    wake_.watch(queue->get());
  }
  std::set<std::string> topics;
  for (const Partition& partition : partitions_) topics.insert(partition.topic);
  const int timeout_ms = static_cast<int>(request_timeout_.count());
  ask_committed(client_, group_, partitions_, timeout_ms, answers_.get());
  ask_topics(client_, {topics.begin(), topics.end()}, timeout_ms, answers_.get());
  ask_offsets(client_, partitions_, RD_KAFKA_OFFSET_SPEC_EARLIEST, RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED, timeout_ms,
              begin_answers_.get());
  ask_offsets(client_, partitions_, RD_KAFKA_OFFSET_SPEC_LATEST, RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED, timeout_ms,
              end_answers_.get());
}

Result<void> StartLookup::take_topics(rd_kafka_event_t* answer) {
  SLUICE_ASSIGN(const auto topics, read_topics(answer));
  std::map<std::string, std::string> ids;
  for (const TopicFacts& topic : topics) {
    if (topic.error != RD_KAFKA_RESP_ERR_NO_ERROR)
      return tl::make_unexpected(error_of_reading(topic.error, fmt::format("Topic {}", topic.name)));
    ids[topic.name] = topic.id;
  }
  ids_ = std::move(ids);
  return {};
}

Result<void> StartLookup::take(rd_kafka_event_t* answer) {
  if (rd_kafka_event_type(answer) == RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT) return take_topics(answer);
  SLUICE_ASSIGN(committed_, read_committed(answer));
  return {};
}

Result<void> StartLookup::take_answers() {
  const auto next = [](const QueueHandle& queue) { return EventHandle(rd_kafka_queue_poll(queue.get(), 0)); };
  while (const EventHandle answer = next(answers_)) SLUICE_TRY(take(answer.get()));
  if (const EventHandle answer = next(begin_answers_)) {
    SLUICE_ASSIGN(begins_, offsets_in(answer.get()));
  }
  if (const EventHandle answer = next(end_answers_)) {
    SLUICE_ASSIGN(ends_, offsets_in(answer.get()));
  }
  return {};
}

Result<std::optional<Assigned>> StartLookup::poll() {
  if (next_attempt_) {
    if (base::Clock::now() < *next_attempt_) return std::nullopt;
    ask();
  }
  if (auto taken = take_answers(); !taken) {
    if (taken.error().recovery != Recovery::Retry || base::Clock::now() >= give_up_)
      return tl::make_unexpected(std::move(taken.error()));
    next_attempt_ = base::Clock::now() + kPause;
    return std::nullopt;
  }
  if (!complete()) return std::nullopt;
  return assigned();
}

Assigned StartLookup::assigned() const {
  Assigned assigned;
  for (const Partition& partition : partitions_) {
    Assigned::Start start;
    start.partition = partition;
    if (const auto found = committed_->find(partition); found != committed_->end()) start.committed = found->second;
    // read_offsets() has an entry for every partition that was asked for, or fails.
    start.begin = begins_->at(partition);
    start.end = ends_->at(partition);
    if (const auto found = ids_->find(partition.topic); found != ids_->end()) start.topic_id = found->second;
    assigned.partitions.push_back(std::move(start));
  }
  return assigned;
}

}  // namespace sluice::kafka
