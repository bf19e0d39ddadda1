#include "sluice/kafka/producer.h"

#include <fmt/core.h>
#include <poll.h>

#include <algorithm>
#include <array>

#include "client.h"
#include "errors.h"
#include "sluice/base/check.h"
#include "sluice/kafka/lane.h"

namespace sluice::kafka {
namespace {

using base::Error;
using base::fail;
using base::Recovery;
using base::Result;
using pipeline::Delivery;
using pipeline::SendStatus;
using pipeline::Ticket;

/// Bound of one deliveries(), so that reading and sending get their turn.
constexpr std::size_t kMaxDeliveries = 65'536;

/// Of records that waited, so many are handed over before whoever feeds us reads on: a local socket of PostgreSQL is
/// full within a millisecond, and then the server waits.
constexpr std::size_t kMaxReleased = 256;

/// Of a record that is handed over with others: so many of them do not overfill a batch.
constexpr std::size_t kMaxBytesInCompany = 4'096;

/// A producer is opened after Kafka has answered others; one that is slow now is waited for later.
constexpr int kFirstContactMs = 500;

/// librdkafka carries a pointer with every record; a ticket fits into it.
void* to_opaque(Ticket ticket) { return reinterpret_cast<void*>(static_cast<std::uintptr_t>(ticket.value)); }
Ticket to_ticket(const void* opaque) { return {reinterpret_cast<std::uintptr_t>(opaque)}; }
static_assert(sizeof(std::uintptr_t) >= sizeof(Ticket::value));

/// rd_kafka_produce() does not write, but its parameter is not const.
void* bytes_of(std::string_view text) { return const_cast<char*>(text.data()); }

Properties producer_properties(const ProducerOptions& options) {
  return {
      kStatistics,
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"max.in.flight", "5"},
      {"message.timeout.ms", "0"},
      {"partitioner", "murmur2_random"},
      {"compression.type", options.compression},
      {"linger.ms", std::to_string(options.linger.count())},
      // More than a lane hands over at a time, whatever the frame of a record adds: a batch goes in one request.
      {"batch.size", std::to_string(std::uint64_t{2} * options.max_batch_bytes)},
      {"batch.num.messages", std::to_string(options.max_batch_records)},
      {"queue.buffering.max.messages", std::to_string(options.max_queue_records)},
      {"queue.buffering.max.kbytes", std::to_string(options.max_queue_kilobytes)},
      {"message.max.bytes", std::to_string(options.max_message_bytes)},
  };
}

struct LaneName {
  std::size_t slot = 0;
  std::int32_t partition = 0;
};

/// No flag to copy and none to free: the value stays with its lane.
constexpr int kLent = 0;

change::Record record_of(const WaitingRecord& waiting, const LaneName& lane) {
  change::Record record;
  record.partition = lane.partition;
  record.key = waiting.key();
  record.value = waiting.value();
  record.header = waiting.header();
  record.tombstone = waiting.tombstone;
  return record;
}

std::size_t size_of(const change::Record& record) {
  return record.key.size() + (record.tombstone ? 0 : record.value.size());
}

class RdkafkaProducer final : public Producer {
 public:
  RdkafkaProducer(const ClientOptions& client, const ProducerOptions& options, std::vector<std::string> topics,
                  std::string control_topic)
      : state_(client),
        lane_limits_{.linger = options.linger,
                     .max_bytes = options.max_batch_bytes,
                     .max_records = options.max_batch_records,
                     .worth_bytes = options.max_batch_bytes / 2,
                     .company_bytes = std::min<std::size_t>(kMaxBytesInCompany, options.max_message_bytes / 2)},
        max_records_(options.max_queue_records),
        max_bytes_(std::uint64_t{options.max_queue_kilobytes} << 10),
        max_message_bytes_(options.max_message_bytes),
        names_(std::move(topics)) {
    names_.push_back(std::move(control_topic));
    lanes_.resize(names_.size());
  }
  RdkafkaProducer(const RdkafkaProducer&) = delete;
  RdkafkaProducer& operator=(const RdkafkaProducer&) = delete;

  ~RdkafkaProducer() override {
    if (!client_) return;
    rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  }

  Result<void> start(const ClientOptions& client, const ProducerOptions& options);

  Result<SendStatus> send(const change::Record& record, Ticket ticket) override;
  Result<std::span<const Delivery>> deliveries() override;
  std::uint64_t in_flight_records() const override { return in_flight_records_; }
  std::uint64_t in_flight_bytes() const override { return in_flight_bytes_; }
  pipeline::Wait waits_for() const override;
  Result<void> flush(base::Deadline deadline) override;
  Reachability reachability() const override { return state_.reachability(); }
  const pipeline::BatchSizes& batch_sizes() const override { return batch_sizes_; }

 private:
  void make_ready();
  std::size_t slot(change::TopicIndex topic) const;
  Lane& lane(std::size_t slot, std::int32_t partition);
  Result<SendStatus> hand_over(Lane& lane, std::size_t slot, const change::Record& record, Ticket ticket);
  Result<void> release_waiting(const LaneLimits& limits);
  Result<bool> release(const LaneName& name, const LaneLimits& limits, std::size_t& budget);
  Result<std::size_t> lend(std::span<const WaitingRecord> front, const LaneName& name);
  rd_kafka_resp_err_t lend_all(std::span<const WaitingRecord> front, const LaneName& name, std::size_t& taken);
  rd_kafka_resp_err_t produce(rd_kafka_topic_t* topic, const change::Record& record, Ticket ticket, int flags);
  Error refused(rd_kafka_resp_err_t code, const change::Record& record, std::string_view topic) const;
  Result<void> take(rd_kafka_event_t* event);
  Result<void> take_deliveries(rd_kafka_event_t* event);
  Result<void> take_error(rd_kafka_event_t* event);
  Result<bool> take_next(int timeout_ms);
  tl::unexpected<Error> finish(Error error);
  Error failed(const rd_kafka_message_t& message) const;
  Error fatal() const;

  ClientState state_;
  WakeFd wake_;
  LaneLimits lane_limits_;
  std::uint64_t max_records_;
  std::uint64_t max_bytes_;
  std::uint32_t max_message_bytes_;
  BlockPool blocks_;
  std::vector<std::vector<Lane>> lanes_;  ///< by slot and partition; librdkafka reads in them until it is gone
  std::vector<LaneName> waiting_;         ///< the lanes in which something waits
  std::vector<rd_kafka_message_t> messages_;
  base::Deadline now_ = base::Clock::now();
  std::vector<std::string> names_;  ///< the last one is the control topic
  ClientHandle client_;
  QueueHandle queue_;
  std::vector<TopicHandle> topics_;
  std::vector<Delivery> delivered_;  ///< since the last deliveries()
  std::vector<Delivery> returned_;
  bool more_waits_ = false;
  bool more_to_release_ = false;
  std::uint64_t in_flight_records_ = 0;
  std::uint64_t in_flight_bytes_ = 0;
  pipeline::BatchSizes batch_sizes_;
  std::optional<Error> finished_;
};

Result<void> RdkafkaProducer::start(const ClientOptions& client, const ProducerOptions& options) {
  SLUICE_ASSIGN(ConfHandle conf, make_conf(client, producer_properties(options), state_));
  rd_kafka_conf_set_events(conf.get(),
                           RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_STATS);
  SLUICE_ASSIGN(client_, make_client(RD_KAFKA_PRODUCER, std::move(conf)));
  queue_.reset(rd_kafka_queue_get_main(client_.get()));
  wake_.watch(queue_.get());
  for (std::size_t i = 0; i < names_.size(); ++i) {
    rd_kafka_topic_conf_t* topic_conf = rd_kafka_default_topic_conf_dup(client_.get());
    rd_kafka_topic_conf_set_opaque(topic_conf, reinterpret_cast<void*>(i));
    rd_kafka_topic_t* topic = rd_kafka_topic_new(client_.get(), names_[i].c_str(), topic_conf);
    if (topic == nullptr) {
      rd_kafka_topic_conf_destroy(topic_conf);
      return tl::make_unexpected(
          error_of(rd_kafka_last_error(), fmt::format("topic {}", names_[i]), "kafka.delivery_failed"));
    }
    topics_.emplace_back(topic);
  }
  make_ready();
  return {};
}

/// librdkafka asks for a producer id when it has read metadata from a broker that stays, else half a second later: the
/// first answer replaces the bootstrap broker, the second comes from one that stays. What fails here is told by the
/// events, and tried again by librdkafka.
void RdkafkaProducer::make_ready() {
  for (int request = 0; request < 2; ++request) {
    const rd_kafka_metadata_t* metadata = nullptr;
    if (rd_kafka_metadata(client_.get(), 0, nullptr, &metadata, kFirstContactMs) == RD_KAFKA_RESP_ERR_NO_ERROR)
      rd_kafka_metadata_destroy(metadata);
  }
}

std::size_t RdkafkaProducer::slot(change::TopicIndex topic) const {
  const std::size_t index = topic == change::kControlTopic ? topics_.size() - 1 : topic;
  SLUICE_CHECK(index < topics_.size(), "the encoder names topics that the producer was opened with");
  return index;
}

rd_kafka_resp_err_t RdkafkaProducer::produce(rd_kafka_topic_t* topic, const change::Record& record, Ticket ticket,
                                             int flags) {
  void* const value = record.tombstone ? nullptr : bytes_of(record.value);
  const std::size_t value_size = record.tombstone ? 0 : record.value.size();
  if (record.header.empty()) {
    const int result = rd_kafka_produce(topic, record.partition, flags, value, value_size, record.key.data(),
                                        record.key.size(), to_opaque(ticket));
    return result == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error();
  }
  const std::array<rd_kafka_vu_t, 7> arguments{{
      {RD_KAFKA_VTYPE_RKT, {.rkt = topic}},
      {RD_KAFKA_VTYPE_PARTITION, {.i32 = record.partition}},
      {RD_KAFKA_VTYPE_MSGFLAGS, {.i = flags}},
      {RD_KAFKA_VTYPE_VALUE, {.mem = {value, value_size}}},
      {RD_KAFKA_VTYPE_KEY, {.mem = {bytes_of(record.key), record.key.size()}}},
      {RD_KAFKA_VTYPE_OPAQUE, {.ptr = to_opaque(ticket)}},
      {RD_KAFKA_VTYPE_HEADER, {.header = {"sluice", record.header.data(), static_cast<ssize_t>(record.header.size())}}},
  }};
  const ErrorHandle error(rd_kafka_produceva(client_.get(), arguments.data(), arguments.size()));
  return error ? rd_kafka_error_code(error.get()) : RD_KAFKA_RESP_ERR_NO_ERROR;
}

Lane& RdkafkaProducer::lane(std::size_t slot, std::int32_t partition) {
  auto& lanes = lanes_[slot];
  const auto number = static_cast<std::size_t>(partition);
  while (lanes.size() <= number) lanes.emplace_back(blocks_);
  return lanes[number];
}

Result<SendStatus> RdkafkaProducer::send(const change::Record& record, Ticket ticket) {
  if (finished_) return tl::make_unexpected(*finished_);
  const std::size_t index = slot(record.topic);
  const std::size_t size = size_of(record);
  if (size > max_message_bytes_) return finish(refused(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, record, names_[index]));
  if (in_flight_records_ >= max_records_ || in_flight_bytes_ >= max_bytes_) return SendStatus::Full;
  Lane& own = lane(index, record.partition);
  if (own.has_waiting() || !own.is_open(lane_limits_, now_)) {
    if (own.is_full(lane_limits_)) return SendStatus::Full;
    if (!own.has_waiting()) waiting_.push_back({index, record.partition});
    own.wait(record, ticket, now_);
  } else {
    SLUICE_ASSIGN(const SendStatus status, hand_over(own, index, record, ticket));
    if (status == SendStatus::Full) return SendStatus::Full;
  }
  ++in_flight_records_;
  in_flight_bytes_ += size;
  return SendStatus::Accepted;
}

Result<SendStatus> RdkafkaProducer::hand_over(Lane& lane, std::size_t slot, const change::Record& record,
                                              Ticket ticket) {
  const rd_kafka_resp_err_t code = produce(topics_[slot].get(), record, ticket, RD_KAFKA_MSG_F_COPY);
  if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) return SendStatus::Full;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return finish(refused(code, record, names_[slot]));
  lane.handed_over(size_of(record), now_);
  return SendStatus::Accepted;
}

Result<void> RdkafkaProducer::release_waiting(const LaneLimits& limits) {
  std::size_t budget = kMaxReleased;
  for (std::size_t i = 0; i < waiting_.size();) {
    SLUICE_ASSIGN(const bool emptied, release(waiting_[i], limits, budget));
    if (emptied) {
      waiting_[i] = waiting_.back();
      waiting_.pop_back();
    } else {
      ++i;
    }
  }
  more_to_release_ = budget == 0;
  return {};
}

/// True: nothing waits in this lane any more.
Result<bool> RdkafkaProducer::release(const LaneName& name, const LaneLimits& limits, std::size_t& budget) {
  Lane& own = lane(name.slot, name.partition);
  while (budget > 0 && own.has_waiting() && own.is_open(limits, now_)) {
    const std::span<const WaitingRecord> front = own.front(limits, budget);
    SLUICE_ASSIGN(const std::size_t taken, lend(front, name));
    const bool queue_is_full = taken < front.size();
    own.lent(taken, now_);
    budget -= taken;
    if (queue_is_full) return false;
  }
  return !own.has_waiting();
}

/// How many of the front were taken: fewer when librdkafka's queue is full.
Result<std::size_t> RdkafkaProducer::lend(std::span<const WaitingRecord> front, const LaneName& name) {
  std::size_t taken = 0;
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
  if (front.size() == 1) {
    code = produce(topics_[name.slot].get(), record_of(front[0], name), front[0].ticket, kLent);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) taken = 1;
  } else {
    code = lend_all(front, name, taken);
  }
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__QUEUE_FULL) return taken;
  return finish(refused(code, record_of(front[taken], name), names_[name.slot]));
}

/// One call for many records spares each of them the lookup of its partition under the topic's lock and three looks at
/// the clock. A full queue ends it: nothing behind the first that found no room is taken.
rd_kafka_resp_err_t RdkafkaProducer::lend_all(std::span<const WaitingRecord> front, const LaneName& name,
                                              std::size_t& taken) {
  messages_.clear();
  for (const WaitingRecord& record : front) {
    rd_kafka_message_t& message = messages_.emplace_back();
    message.payload = record.tombstone ? nullptr : bytes_of(record.value());
    message.len = record.value_bytes;
    message.key = bytes_of(record.key());
    message.key_len = record.key_bytes;
    message._private = to_opaque(record.ticket);
  }
  taken = static_cast<std::size_t>(rd_kafka_produce_batch(topics_[name.slot].get(), name.partition, kLent,
                                                          messages_.data(), static_cast<int>(messages_.size())));
  return taken == messages_.size() ? RD_KAFKA_RESP_ERR_NO_ERROR : messages_[taken].err;
}

Error RdkafkaProducer::refused(rd_kafka_resp_err_t code, const change::Record& record, std::string_view topic) const {
  if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
    return {
        Recovery::Stop, "kafka.message_too_large",
        fmt::format("A record for topic {} partition {} has a key of {} and a value of {} bytes; the limit "
                    "kafka.max_message_bytes is {} bytes. Raise it and the topic's max.message.bytes, then start again",
                    topic, record.partition, record.key.size(), record.value.size(), max_message_bytes_)};
  if (code == RD_KAFKA_RESP_ERR__FATAL) return fatal();
  return error_of(code, fmt::format("Sending to topic {} partition {}", topic, record.partition),
                  "kafka.delivery_failed");
}

/// A fatal error keeps the id of its cause where that has one: a missing right is not mended by a new producer.
Error RdkafkaProducer::fatal() const {
  std::array<char, 512> reason{};
  const rd_kafka_resp_err_t cause = rd_kafka_fatal_error(client_.get(), reason.data(), reason.size());
  return error_of(cause, fmt::format("The producer cannot go on ({})", reason.data()), "kafka.producer_fatal");
}

Error RdkafkaProducer::failed(const rd_kafka_message_t& message) const {
  const char* topic = rd_kafka_topic_name(message.rkt);
  if (message.err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || message.err == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE)
    return {Recovery::Stop, "kafka.message_too_large",
            fmt::format("The broker refuses a record of topic {} partition {} with a key of {} and a value of {} bytes "
                        "as too large. Raise max.message.bytes of the topic, then start again",
                        topic, message.partition, message.key_len, message.len)};
  return error_of(message.err, fmt::format("Delivery to topic {} partition {}", topic, message.partition),
                  "kafka.delivery_failed");
}

/// Rule K-3: after a failed delivery everything behind it is given up too, and nothing more is taken.
tl::unexpected<Error> RdkafkaProducer::finish(Error error) {
  finished_ = std::move(error);
  rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
  return tl::make_unexpected(*finished_);
}

/// librdkafka reports what it sent in one request in one event.
Result<void> RdkafkaProducer::take_deliveries(rd_kafka_event_t* event) {
  const std::uint64_t records_before = in_flight_records_;
  const std::uint64_t bytes_before = in_flight_bytes_;
  while (const rd_kafka_message_t* message = rd_kafka_event_message_next(event)) {
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) return finish(failed(*message));
    const auto index = reinterpret_cast<std::size_t>(rd_kafka_topic_opaque(message->rkt));
    const bool control = index + 1 == topics_.size();
    delivered_.push_back({to_ticket(message->_private),
                          control ? change::kControlTopic : static_cast<change::TopicIndex>(index), message->partition,
                          message->offset});
    lane(index, message->partition).acknowledged(static_cast<const char*>(message->payload));
    --in_flight_records_;
    in_flight_bytes_ -= message->key_len + message->len;
  }
  batch_sizes_.observe(records_before - in_flight_records_, bytes_before - in_flight_bytes_);
  state_.note_answer();
  return {};
}

Result<void> RdkafkaProducer::take_error(rd_kafka_event_t* event) {
  if (rd_kafka_event_error_is_fatal(event) != 0) return finish(fatal());
  note_event(client_.get(), event, state_);
  if (state_.refusal()) return finish(*state_.refusal());
  return {};
}

Result<void> RdkafkaProducer::take(rd_kafka_event_t* event) {
  switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR: return take_deliveries(event);
    case RD_KAFKA_EVENT_ERROR: return take_error(event);
    default: note_event(client_.get(), event, state_); return {};
  }
}

/// False: there was nothing within the time-out.
Result<bool> RdkafkaProducer::take_next(int timeout_ms) {
  const EventHandle event(rd_kafka_queue_poll(queue_.get(), timeout_ms));
  if (!event) return false;
  SLUICE_TRY(take(event.get()));
  return true;
}

Result<std::span<const Delivery>> RdkafkaProducer::deliveries() {
  if (finished_) return tl::make_unexpected(*finished_);
  wake_.drain();
  now_ = base::Clock::now();
  more_waits_ = true;
  while (delivered_.size() < kMaxDeliveries) {
    SLUICE_ASSIGN(more_waits_, take_next(0));
    if (!more_waits_) break;
  }
  SLUICE_TRY(release_waiting(lane_limits_));
  returned_.swap(delivered_);
  delivered_.clear();
  return std::span<const Delivery>(returned_);
}

pipeline::Wait RdkafkaProducer::waits_for() const {
  pipeline::Wait wait{wake_.fd(), POLLIN, std::nullopt};
  // What is left over in the queue does not make the descriptor readable again.
  if (more_waits_ || more_to_release_ || !delivered_.empty()) wait.deadline = base::Clock::now();
  for (const LaneName& name : waiting_) {
    const auto opens = lanes_[name.slot][static_cast<std::size_t>(name.partition)].opens_at(lane_limits_);
    if (opens && (!wait.deadline || *opens < *wait.deadline)) wait.deadline = opens;
  }
  return wait;
}

Result<void> RdkafkaProducer::flush(base::Deadline deadline) {
  if (finished_) return tl::make_unexpected(*finished_);
  LaneLimits at_once = lane_limits_;
  at_once.patience = {};
  while (in_flight_records_ > 0) {
    if (base::Clock::now() >= deadline)
      return tl::make_unexpected(state_.explained(
          {Recovery::Retry, "kafka.unreachable",
           fmt::format("{} records are not acknowledged in time. Check that the brokers run", in_flight_records_)}));
    now_ = base::Clock::now();
    SLUICE_TRY(release_waiting(at_once));
    SLUICE_TRY(take_next(more_to_release_ ? 0 : left_ms(deadline)));
  }
  more_waits_ = true;
  return {};
}

}  // namespace

Result<std::unique_ptr<Producer>> Producer::open(const ClientOptions& client, const ProducerOptions& options,
                                                 std::vector<std::string> topics, std::string control_topic) {
  auto producer = std::make_unique<RdkafkaProducer>(client, options, std::move(topics), std::move(control_topic));
  SLUICE_TRY(producer->start(client, options));
  return producer;
}

Result<std::vector<Delivery>> send_and_wait(pipeline::RecordSink& sink, std::span<const change::Record> records,
                                            base::Deadline deadline, const std::function<bool()>& is_interrupted) {
  constexpr int kTurnMs = 50;
  SLUICE_CHECK(sink.in_flight_records() == 0, "send_and_wait() has the sink for itself");
  std::vector<Delivery> deliveries(records.size());
  std::size_t sent = 0;
  std::size_t acknowledged = 0;
  while (acknowledged < records.size()) {
    while (sent < records.size()) {
      SLUICE_ASSIGN(const SendStatus status, sink.send(records[sent], Ticket{sent}));
      if (status == SendStatus::Full) break;
      ++sent;
    }
    SLUICE_ASSIGN(const auto arrived, sink.deliveries());
    for (const Delivery& delivery : arrived) deliveries[delivery.ticket.value] = delivery;
    acknowledged += arrived.size();
    if (acknowledged == records.size()) break;
    if (is_interrupted && is_interrupted()) return tl::make_unexpected(interrupted());
    if (base::Clock::now() >= deadline)
      return fail(Recovery::Retry, "kafka.unreachable",
                  fmt::format("{} of {} records are not acknowledged in time. Check that the brokers run",
                              records.size() - acknowledged, records.size()));
    const pipeline::Wait wait = sink.waits_for();
    pollfd descriptor{wait.fd, wait.events, 0};
    ::poll(&descriptor, 1, std::min(kTurnMs, left_ms(std::min(deadline, wait.deadline.value_or(deadline)))));
  }
  return deliveries;
}

}  // namespace sluice::kafka
