#include "sluice/kafka/dead_letters.h"

#include <fmt/core.h>

#include <array>
#include <set>

#include "client.h"
#include "errors.h"
#include "sluice/kafka/topics.h"

namespace sluice::kafka {
namespace {

using base::Error;
using base::fail;
using base::Recovery;
using base::Result;
using pipeline::DeadLetter;

/// Room for the headers beside the record.
constexpr std::uint32_t kHeaderBytes = 65'536;

class RdkafkaDeadLetters final : public DeadLetterTopic {
 public:
  RdkafkaDeadLetters(ClientOptions client, const DeadLetterOptions& options)
      : client_options_(std::move(client)), options_(options), state_(client_options_) {}
  RdkafkaDeadLetters(const RdkafkaDeadLetters&) = delete;
  RdkafkaDeadLetters& operator=(const RdkafkaDeadLetters&) = delete;
  ~RdkafkaDeadLetters() override { discard(); }

  Result<void> start();
  Result<void> put(const DeadLetter& letter) override;
  void tend() override;

 private:
  Result<void> ensure_topic(const std::string& topic);
  Result<void> send(const DeadLetter& letter, const std::string& topic);
  Result<void> wait_for_delivery(const std::string& topic);
  void discard();

  ClientOptions client_options_;
  DeadLetterOptions options_;
  ClientState state_;
  ClientHandle client_;
  QueueHandle queue_;
  std::set<std::string> known_topics_;
};

HeadersHandle headers_of(const DeadLetter& letter, std::size_t max_reason_bytes) {
  HeadersHandle headers(rd_kafka_headers_new(10));
  const auto add = [&](const char* name, std::string_view value) {
    rd_kafka_header_add(headers.get(), name, -1, value.data(), static_cast<ssize_t>(value.size()));
  };
  if (!letter.record.header.empty()) add("sluice", letter.record.header);
  add("sluice.topic", letter.partition.topic);
  add("sluice.partition", std::to_string(letter.partition.number));
  add("sluice.offset", std::to_string(letter.record.offset));
  add("sluice.timestamp_ms", std::to_string(letter.record.timestamp_ms));
  add("sluice.id", letter.id);
  add("sluice.error_type", std::string_view(letter.error_type).substr(0, max_reason_bytes));
  add("sluice.error_reason", std::string_view(letter.error_reason).substr(0, max_reason_bytes));
  add("sluice.attempts", std::to_string(letter.attempts));
  return headers;
}

/// The record itself stays where it is, so nothing is lost by stopping; a letter without its value would be all that is
/// left when retention has taken the record.
Error too_large(const DeadLetter& letter, std::string_view topic, std::uint32_t limit_bytes) {
  const std::size_t bytes = letter.record.key.size() + letter.record.value.size();
  return {
      Recovery::Stop, "kafka.dead_letter_too_large",
      fmt::format("the record at topic {} partition {} offset {} can never be indexed, and topic {} does not take it "
                  "as a dead letter: key {} and value {} bytes, our own limit is {} bytes. Raise max.message.bytes of "
                  "{} and kafka.max_message_bytes above {}, then start again: the record is still where it was",
                  letter.partition.topic, letter.partition.number, letter.record.offset, topic,
                  letter.record.key.size(), letter.record.value.size(), limit_bytes, topic, bytes + kHeaderBytes)};
}

Error as_dlq_failure(Error error, std::string_view topic) {
  if (error.recovery == Recovery::Stop) return error;
  return {Recovery::Retry, "kafka.dlq_failed", fmt::format("Dead letter for topic {}: {}", topic, error.message)};
}

Result<void> RdkafkaDeadLetters::start() {
  const Properties own{
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"max.in.flight", "5"},
      {"message.timeout.ms", "0"},
      {"linger.ms", "0"},
      {"compression.type", "lz4"},
      {"queue.buffering.max.messages", "1000"},
      {"message.max.bytes", std::to_string(options_.max_message_bytes + kHeaderBytes)},
  };
  SLUICE_ASSIGN(ConfHandle conf, make_conf(client_options_, own, state_));
  rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
  SLUICE_ASSIGN(client_, make_client(RD_KAFKA_PRODUCER, std::move(conf)));
  queue_.reset(rd_kafka_queue_get_main(client_.get()));
  return {};
}

void RdkafkaDeadLetters::discard() {
  if (!client_) return;
  rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  queue_.reset();
  client_.reset();
}

Result<void> RdkafkaDeadLetters::ensure_topic(const std::string& topic) {
  if (known_topics_.contains(topic)) return {};
  SLUICE_ASSIGN(const auto topics, Topics::open(client_options_));
  SLUICE_ASSIGN(const auto found, topics->describe({topic}));
  if (!found[0] && options_.missing_topic == MissingTopic::Refuse)
    return fail(Recovery::Stop, "kafka.topic_missing",
                fmt::format("The dead-letter topic {} does not exist. Create it, or allow its creation with "
                            "kafka.create_topics",
                            topic));
  if (!found[0])
    SLUICE_TRY(topics->create({{topic,
                                1,
                                options_.replication_factor,
                                {{"max.message.bytes", std::to_string(options_.max_message_bytes + kHeaderBytes)}}}}));
  known_topics_.insert(topic);
  return {};
}

Result<void> RdkafkaDeadLetters::send(const DeadLetter& letter, const std::string& topic) {
  if (!client_) SLUICE_TRY(start());
  HeadersHandle headers = headers_of(letter, options_.max_reason_bytes);
  const auto bytes = [](std::string_view text) { return const_cast<char*>(text.data()); };
  const bool tombstone = letter.record.tombstone;
  const std::array<rd_kafka_vu_t, 6> arguments{{
      {RD_KAFKA_VTYPE_TOPIC, {.cstr = topic.c_str()}},
      {RD_KAFKA_VTYPE_PARTITION, {.i32 = 0}},
      {RD_KAFKA_VTYPE_MSGFLAGS, {.i = RD_KAFKA_MSG_F_COPY}},
      {RD_KAFKA_VTYPE_KEY, {.mem = {bytes(letter.record.key), letter.record.key.size()}}},
      {RD_KAFKA_VTYPE_VALUE,
       {.mem = {tombstone ? nullptr : bytes(letter.record.value), tombstone ? 0 : letter.record.value.size()}}},
      {RD_KAFKA_VTYPE_HEADERS, {.headers = headers.get()}},
  }};
  const ErrorHandle refused(rd_kafka_produceva(client_.get(), arguments.data(), arguments.size()));
  if (refused)
    return tl::make_unexpected(error_of(rd_kafka_error_code(refused.get()), "Sending it", "kafka.dlq_failed"));
  static_cast<void>(headers.release());  // the producer has taken them
  return wait_for_delivery(topic);
}

Result<void> RdkafkaDeadLetters::wait_for_delivery(const std::string& topic) {
  const base::Deadline deadline = base::Clock::now() + options_.timeout;
  while (true) {
    const EventHandle event(rd_kafka_queue_poll(queue_.get(), left_ms(deadline)));
    if (event && rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_DR) {
      const rd_kafka_message_t* message = rd_kafka_event_message_next(event.get());
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
      return tl::make_unexpected(error_of(message->err, fmt::format("Topic {}", topic), "kafka.dlq_failed"));
    }
    if (event) note_event(client_.get(), event.get(), state_);
    if (state_.refusal()) return tl::make_unexpected(*state_.refusal());
    if (base::Clock::now() >= deadline)
      return tl::make_unexpected(state_.explained(
          error_of(RD_KAFKA_RESP_ERR__TIMED_OUT, "Waiting for its acknowledgement", "kafka.unreachable")));
  }
}

void RdkafkaDeadLetters::tend() {
  if (!client_) return;
  while (const EventHandle event{rd_kafka_queue_poll(queue_.get(), 0)}) note_event(client_.get(), event.get(), state_);
}

Result<void> RdkafkaDeadLetters::put(const DeadLetter& letter) {
  const std::string topic = options_.topic.empty() ? letter.partition.topic + ".dlq" : options_.topic;
  Result<void> result = ensure_topic(topic);
  if (result) result = send(letter, topic);
  if (result) return {};
  // What became of the letter is unknown: this producer is not asked again (rule K-3).
  discard();
  if (result.error().id == "kafka.message_too_large")
    return tl::make_unexpected(too_large(letter, topic, options_.max_message_bytes + kHeaderBytes));
  return tl::make_unexpected(as_dlq_failure(std::move(result.error()), topic));
}

}  // namespace

Result<std::unique_ptr<DeadLetterTopic>> open_dead_letters(const ClientOptions& client,
                                                           const DeadLetterOptions& options) {
  auto letters = std::make_unique<RdkafkaDeadLetters>(client, options);
  SLUICE_TRY(letters->start());
  return letters;
}

}  // namespace sluice::kafka
