#include "log_reader.h"

#include <fmt/core.h>

#include "errors.h"
#include "message_view.h"

namespace sluice::kafka {

using base::Result;
using pipeline::Offset;
using pipeline::Partition;

LogReader::~LogReader() {
  if (client_) stop();
}

Result<void> LogReader::start(const ClientOptions& options) {
  const Properties own{
      {"isolation.level", "read_committed"},
      {"enable.partition.eof", "true"},
      // Retention may move the begin between the question and the reading: then begin where the log begins.
      {"auto.offset.reset", "earliest"},
      {"enable.auto.offset.store", "false"},
      {"fetch.wait.max.ms", "100"},
      {"fetch.queue.backoff.ms", "20"},
      {"queued.max.messages.kbytes", "2048"},
  };
  SLUICE_ASSIGN(ConfHandle conf, make_conf(options, own, state_));
  SLUICE_ASSIGN(client_, make_client(RD_KAFKA_CONSUMER, std::move(conf)));
  answers_.reset(rd_kafka_queue_new(client_.get()));
  records_.reset(rd_kafka_queue_new(client_.get()));
  wake_.watch(records_.get());
  return {};
}

Result<OffsetMap> LogReader::offsets(const std::vector<Partition>& partitions, rd_kafka_OffsetSpec_t spec,
                                     base::Deadline deadline) {
  return offsets_of(client_.get(), answers_, state_, partitions, spec, RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED,
                    deadline);
}

Result<void> LogReader::follow(const Partition& partition, Offset begin) {
  TopicHandle topic(rd_kafka_topic_new(client_.get(), partition.topic.c_str(), nullptr));
  if (!topic || rd_kafka_consume_start_queue(topic.get(), partition.number, begin, records_.get()) != 0)
    return tl::make_unexpected(error_of(rd_kafka_last_error(),
                                        fmt::format("Reading topic {} partition {}", partition.topic, partition.number),
                                        "kafka.read_failed"));
  followed_.emplace_back(std::move(topic), partition.number);
  return {};
}

Result<MessageHandle> LogReader::next(int timeout_ms) {
  rd_kafka_message_t* message = nullptr;
  const ssize_t count = rd_kafka_consume_batch_queue(records_.get(), timeout_ms, &message, 1);
  rd_kafka_poll(client_.get(), 0);
  if (state_.refusal()) return tl::make_unexpected(*state_.refusal());
  if (count <= 0 && timeout_ms > 0) {
    if (auto end = state_.end_of_wait()) return tl::make_unexpected(*std::move(end));
  }
  if (count <= 0) return MessageHandle();
  MessageHandle owned(message);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) return owned;
  const char* topic = message->rkt == nullptr ? "?" : rd_kafka_topic_name(message->rkt);
  return tl::make_unexpected(state_.explained(error_of(
      message->err, fmt::format("Reading topic {} partition {}", topic, message->partition), "kafka.read_failed")));
}

void LogReader::stop() {
  for (const auto& [topic, partition] : followed_) rd_kafka_consume_stop(topic.get(), partition);
  followed_.clear();
  // What was fetched beyond the end of a stretch must not be met by the next one.
  rd_kafka_message_t* message = nullptr;
  while (rd_kafka_consume_batch_queue(records_.get(), 0, &message, 1) == 1) rd_kafka_message_destroy(message);
}

Result<void> LogReader::read(std::span<const LogStretch> stretches, const Visit& visit, base::Deadline deadline) {
  struct Stopper {
    LogReader& reader;
    ~Stopper() { reader.stop(); }
  } stopper{*this};
  std::map<Partition, Offset> ends;
  for (const LogStretch& stretch : stretches) {
    if (stretch.begin >= stretch.end) continue;
    SLUICE_TRY(follow(stretch.partition, stretch.begin));
    ends[stretch.partition] = stretch.end;
  }
  while (!ends.empty()) {
    SLUICE_ASSIGN(const MessageHandle message, next(std::min(50, left_ms(deadline))));
    if (!message) {
      if (base::Clock::now() < deadline) continue;
      return tl::make_unexpected(
          state_.explained(error_of(RD_KAFKA_RESP_ERR__TIMED_OUT, "Reading back", "kafka.unreachable")));
    }
    const auto open = ends.find({rd_kafka_topic_name(message->rkt), message->partition});
    if (open == ends.end()) continue;
    const bool at_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    if (!at_end && message->offset < open->second) SLUICE_TRY(visit(open->first, view_of(*message)));
    // Offsets may be missing (compaction, transaction marks): a later one ends the stretch as well as its last one.
    if (at_end || message->offset + 1 >= open->second) ends.erase(open);
  }
  return {};
}

}  // namespace sluice::kafka
