#include "sluice/kafka/consumer.h"

#include <fmt/core.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <deque>

#include "errors.h"
#include "message_batch.h"
#include "sluice/base/check.h"
#include "start_lookup.h"

namespace sluice::kafka {
namespace {

using base::fail;
using base::Recovery;
using base::Result;
using pipeline::Assigned;
using pipeline::ConsumedBatchPtr;
using pipeline::Lost;
using pipeline::Offset;
using pipeline::Partition;
using pipeline::Revoked;
using pipeline::SourceEvent;

/// A partition that the group gave us, on its way through our hands.
struct Held {
  enum class Phase {
    LookedUp,  ///< the caller has not heard of it
    Told,      ///< Assigned was told, begin() is awaited
    Answered,  ///< begin() came; reading starts when all have been answered
    Reading,
    Leaving,  ///< Revoked was told, release() is awaited
  };
  Phase phase = Phase::LookedUp;
  bool assigned = false;  ///< librdkafka has it in its assignment
  bool paused = false;
  std::optional<Offset> committed;
  Offset log_begin = 0;
  Offset log_end = 0;
  Offset begin = 0;                ///< as answered, or RD_KAFKA_OFFSET_BEGINNING
  std::optional<Offset> finished;  ///< not committed yet
};

Properties consumer_properties(const ConsumerOptions& options) {
  Properties properties{
      kStatistics,
      {"group.id", options.group},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"isolation.level", "read_committed"},
      {"auto.offset.reset", "error"},
      {"session.timeout.ms", std::to_string(options.session_timeout.count())},
      {"max.poll.interval.ms", std::to_string(options.max_poll_interval.count())},
      {"queued.max.messages.kbytes", std::to_string(options.max_queue_kilobytes)},
      // Each fetched record costs librdkafka some 400 B of its own beside its bytes: bounded by number, too.
      {"queued.min.messages", "4000"},
      {"max.partition.fetch.bytes", std::to_string(options.max_partition_fetch_bytes)},
      {"fetch.max.bytes", std::to_string(options.max_fetch_bytes)},
      // A full queue is looked at again after this; the default of 1 s starves a fast reader.
      {"fetch.queue.backoff.ms", "10"},
      {"fetch.error.backoff.ms", "200"},
      // A resumed partition waits for the fetch that is under way; an idle broker is asked ten times a second.
      {"fetch.wait.max.ms", "100"},
      // Before 2.10 librdkafka mishandles cooperative rebalances (rule K-12).
      {"partition.assignment.strategy", rd_kafka_version() >= 0x020a0000 ? "cooperative-sticky" : "range"},
  };
  return properties;
}

tl::unexpected<base::Error> overrun(const Partition& partition, Offset offset) {
  return fail(
      Recovery::Stop, "kafka.retention_overrun",
      fmt::format("Topic {} partition {} no longer has offset {}: records were deleted before they were read. {}",
                  partition.topic, partition.number, offset, pipeline::kOverrunRemedy));
}

class RdkafkaConsumer final : public Consumer {
 public:
  RdkafkaConsumer(const ClientOptions& client, const ConsumerOptions& options)
      : state_(client, *this), options_(options), request_timeout_(client.request_timeout) {}
  ~RdkafkaConsumer() override;
  RdkafkaConsumer(const RdkafkaConsumer&) = delete;
  RdkafkaConsumer& operator=(const RdkafkaConsumer&) = delete;

  Result<void> start(const ClientOptions& client);

  Result<std::optional<SourceEvent>> next() override;
  Result<void> begin(const Partition& partition, Offset offset) override;
  Result<void> finish(const Partition& partition, Offset offset) override;
  Result<void> commit() override;
  Result<void> release(const std::vector<Partition>& partitions) override;
  Result<void> pause(const Partition& partition) override;
  Result<void> resume(const Partition& partition) override;
  pipeline::Wait waits_for() const override;
  Reachability reachability() const override { return state_.reachability(); }
  std::optional<Offset> end_of(const Partition& partition) const override;

 private:
  /// Reached through the opaque of the configuration, like every ClientState.
  struct State : ClientState {
    State(const ClientOptions& options, RdkafkaConsumer& consumer) : ClientState(options), owner(consumer) {}
    RdkafkaConsumer& owner;
  };
  static void on_rebalance(rd_kafka_t*, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* list, void* opaque);

  void leave_group();
  void assigned(std::vector<Partition> partitions);
  void taken_away(const std::vector<Partition>& partitions);
  void forget_batches(const std::vector<Partition>& partitions);
  void start_reading();
  void unassign(const std::vector<Partition>& partitions);
  void note(ErrorHandle error);

  bool may_be_told(const SourceEvent& event) const;
  std::optional<SourceEvent> pop_event();
  Result<void> serve_lookup();
  Result<void> check_reachable() const;
  Result<void> read();
  Result<void> check_message(const rd_kafka_message_t& message);
  base::Error fatal() const;
  std::string instance_id() const;
  void add_message(rd_kafka_message_t* message);

  bool send_commit();
  void serve_commits(int timeout_ms);
  void take_commit(rd_kafka_event_t* event);

  State state_;
  ConsumerOptions options_;
  base::Milliseconds request_timeout_;
  WakeFd wake_;
  std::size_t live_batches_ = 0;
  ClientHandle client_;
  QueueHandle queue_;
  QueueHandle commits_;
  std::unique_ptr<StartLookup> lookup_;
  std::map<Partition, Held> held_;
  std::vector<Partition> leaving_;  ///< of the Revoked that release() has not answered
  std::deque<SourceEvent> events_;
  std::vector<rd_kafka_message_t*> messages_;  ///< scratch
  MessageBatch* open_batch_ = nullptr;         ///< the newest in events_, while one read lasts
  const rd_kafka_topic_t* open_topic_ = nullptr;
  std::int32_t open_partition_ = 0;
  std::optional<base::Error> error_;  ///< out of a callback
  bool more_waits_ = true;
  bool closing_ = false;
  std::uint64_t commits_sent_ = 0;
  std::uint64_t commits_answered_ = 0;
  std::optional<base::Error> commit_error_;
};

std::vector<Partition> partitions_of(const rd_kafka_topic_partition_list_t* list) {
  std::vector<Partition> partitions;
  for (int i = 0; list != nullptr && i < list->cnt; ++i)
    partitions.push_back({list->elems[i].topic, list->elems[i].partition});
  return partitions;
}

bool cooperative(rd_kafka_t* client) { return std::string_view(rd_kafka_rebalance_protocol(client)) == "COOPERATIVE"; }

Result<void> RdkafkaConsumer::start(const ClientOptions& client) {
  SLUICE_ASSIGN(ConfHandle conf, make_conf(client, consumer_properties(options_), state_));
  rd_kafka_conf_set_rebalance_cb(conf.get(), &RdkafkaConsumer::on_rebalance);
  SLUICE_ASSIGN(client_, make_client(RD_KAFKA_CONSUMER, std::move(conf)));
  rd_kafka_poll_set_consumer(client_.get());
  queue_.reset(rd_kafka_queue_get_consumer(client_.get()));
  commits_.reset(rd_kafka_queue_new(client_.get()));
  wake_.watch(queue_.get());
  wake_.watch(commits_.get());
  messages_.resize(options_.max_batch_records);
  std::vector<Partition> topics;
  for (const std::string& topic : options_.topics) topics.push_back({topic, RD_KAFKA_PARTITION_UA});
  const PartitionListHandle list = partition_list(topics);
  const rd_kafka_resp_err_t code = rd_kafka_subscribe(client_.get(), list.get());
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return fail(Recovery::Stop, "kafka.bad_property",
              fmt::format("Subscribing is refused: {}. Correct the topics to read", rd_kafka_err2str(code)));
}

RdkafkaConsumer::~RdkafkaConsumer() {
  if (!client_) return;
  closing_ = true;
  events_.clear();
  SLUICE_CHECK(live_batches_ == 0, "batches are released before their source");
  lookup_.reset();
  leave_group();
  queue_.reset();
  commits_.reset();
  rd_kafka_destroy_flags(client_.release(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

/// Everything that is still queued for us comes to the queue given here: rebalances have to be answered, and fetched
/// messages destroyed, as rd_kafka_destroy() waits for them.
void RdkafkaConsumer::leave_group() {
  const QueueHandle farewell(rd_kafka_queue_new(client_.get()));
  const base::Deadline deadline = base::Clock::now() + options_.close_timeout;
  const ErrorHandle refused(rd_kafka_consumer_close_queue(client_.get(), farewell.get()));
  while (true) {
    const bool closed = refused || rd_kafka_consumer_closed(client_.get()) != 0 || base::Clock::now() >= deadline;
    const EventHandle event(rd_kafka_queue_poll(farewell.get(), closed ? 0 : std::min(50, left_ms(deadline))));
    if (!event && closed) return;
    if (!event || rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_REBALANCE) continue;
    on_rebalance(client_.get(), rd_kafka_event_error(event.get()), rd_kafka_event_topic_partition_list(event.get()),
                 static_cast<ClientState*>(&state_));
  }
}

// --- Rebalancing

void RdkafkaConsumer::on_rebalance(rd_kafka_t*, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* list,
                                   void* opaque) {
  RdkafkaConsumer& self = static_cast<State*>(static_cast<ClientState*>(opaque))->owner;
  if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
    self.assigned(partitions_of(list));
  else
    self.taken_away(partitions_of(list));
}

void RdkafkaConsumer::note(ErrorHandle error) {
  if (error && !error_)
    error_ = error_of(rd_kafka_error_code(error.get()), "Changing the assignment", "kafka.consumer_failed");
}

void RdkafkaConsumer::assigned(std::vector<Partition> partitions) {
  for (const Partition& partition : partitions) held_[partition] = Held{};
  if (partitions.empty() || closing_) return start_reading();
  lookup_ =
      std::make_unique<StartLookup>(client_.get(), options_.group, std::move(partitions), request_timeout_, wake_);
}

/// Hands all answered partitions to librdkafka, in one call: it expects one call per rebalance.
void RdkafkaConsumer::start_reading() {
  std::vector<Partition> partitions;
  std::vector<Partition> awake;
  for (const auto& [partition, held] : held_) {
    if (held.phase != Held::Phase::Answered) continue;
    partitions.push_back(partition);
    if (!held.paused) awake.push_back(partition);
  }
  // librdkafka keeps a pause of ours while a partition is away, and never fetches it when it comes back.
  rd_kafka_resume_partitions(client_.get(), partition_list(awake).get());
  const PartitionListHandle list = partition_list(partitions);
  for (int i = 0; i < list->cnt; ++i) {
    Held& held = held_.at({list->elems[i].topic, list->elems[i].partition});
    list->elems[i].offset = held.begin;
    held.phase = Held::Phase::Reading;
    held.assigned = true;
  }
  if (cooperative(client_.get())) {
    note(ErrorHandle(rd_kafka_incremental_assign(client_.get(), list.get())));
  } else if (rd_kafka_assign(client_.get(), list.get()) != RD_KAFKA_RESP_ERR_NO_ERROR && !error_) {
    error_ = {Recovery::Retry, "kafka.consumer_failed", "The assignment was refused. It is tried again"};
  }
}

void RdkafkaConsumer::forget_batches(const std::vector<Partition>& partitions) {
  const auto gone = [&](const SourceEvent& event) {
    const auto* batch = std::get_if<ConsumedBatchPtr>(&event);
    return batch != nullptr &&
           std::find(partitions.begin(), partitions.end(), (*batch)->partition()) != partitions.end();
  };
  std::erase_if(events_, gone);
}

void RdkafkaConsumer::taken_away(const std::vector<Partition>& partitions) {
  const bool lost = rd_kafka_assignment_lost(client_.get()) != 0;
  lookup_.reset();
  forget_batches(partitions);
  std::vector<Partition> told;
  for (const Partition& partition : partitions) {
    const auto held = held_.find(partition);
    if (held == held_.end() || held->second.phase == Held::Phase::LookedUp) continue;
    told.push_back(partition);
    if (!lost) held->second.phase = Held::Phase::Leaving;
  }
  if (lost && !told.empty()) events_.emplace_back(Lost{told});
  if (lost || told.empty() || closing_) return unassign(partitions);
  leaving_ = partitions;
  events_.emplace_back(Revoked{std::move(told)});
}

void RdkafkaConsumer::unassign(const std::vector<Partition>& partitions) {
  leaving_.clear();
  std::vector<Partition> not_yet;
  for (const Partition& partition : partitions) {
    const auto held = held_.find(partition);
    if (held == held_.end() || !held->second.assigned) not_yet.push_back(partition);
    if (held != held_.end()) held_.erase(held);
  }
  if (!cooperative(client_.get())) {
    rd_kafka_assign(client_.get(), nullptr);
    return;
  }
  // librdkafka takes back only what it has been given, and expects all of the rebalance's partitions in one call.
  if (!not_yet.empty()) note(ErrorHandle(rd_kafka_incremental_assign(client_.get(), partition_list(not_yet).get())));
  note(ErrorHandle(rd_kafka_incremental_unassign(client_.get(), partition_list(partitions).get())));
}

Result<void> RdkafkaConsumer::serve_lookup() {
  if (!lookup_) return {};
  SLUICE_ASSIGN(auto answer, lookup_->poll());
  if (!answer) return {};
  lookup_.reset();
  for (const Assigned::Start& start : answer->partitions) {
    Held& held = held_.at(start.partition);
    held.phase = Held::Phase::Told;
    held.committed = start.committed;
    held.log_begin = start.begin;
    held.log_end = start.end;
  }
  events_.emplace_back(std::move(*answer));
  return {};
}

Result<void> RdkafkaConsumer::begin(const Partition& partition, Offset offset) {
  const auto found = held_.find(partition);
  // Lost or revoked between Assigned and its answer: the caller will hear of it.
  if (found == held_.end() || found->second.phase != Held::Phase::Told) return {};
  Held& held = found->second;
  if (offset < held.log_begin && held.committed) return overrun(partition, offset);
  if (offset > held.log_end)
    return fail(
        Recovery::Stop, "kafka.log_truncated",
        fmt::format("Topic {} partition {} ends at offset {}, before {}, where reading should go on: the topic was "
                    "made again or lost records. Find out what was lost, then set the group's offsets by hand",
                    partition.topic, partition.number, held.log_end, offset));
  // Retention may move the begin meanwhile; who never read here has lost nothing by it.
  held.begin = !held.committed && offset <= held.log_begin ? RD_KAFKA_OFFSET_BEGINNING : offset;
  held.phase = Held::Phase::Answered;
  const bool all = std::none_of(held_.begin(), held_.end(), [](const auto& entry) {
    return entry.second.phase == Held::Phase::Told || entry.second.phase == Held::Phase::LookedUp;
  });
  if (all) start_reading();
  return {};
}

Result<void> RdkafkaConsumer::release(const std::vector<Partition>& partitions) {
  const auto released = [&](const Partition& partition) {
    return std::find(partitions.begin(), partitions.end(), partition) != partitions.end();
  };
  // Not ours any more: they were lost while the caller finished them.
  if (leaving_.empty()) return {};
  SLUICE_CHECK(std::all_of(leaving_.begin(), leaving_.end(), released), "release() answers one Revoked as a whole");
  unassign(std::vector<Partition>(leaving_));
  return {};
}

// --- Reading

/// Not a batch of a paused partition: such a one, read before the pause, waits for resume().
bool RdkafkaConsumer::may_be_told(const SourceEvent& event) const {
  const auto* batch = std::get_if<ConsumedBatchPtr>(&event);
  if (batch == nullptr) return true;
  const auto held = held_.find((*batch)->partition());
  return held == held_.end() || !held->second.paused;
}

std::optional<SourceEvent> RdkafkaConsumer::pop_event() {
  const auto found =
      std::find_if(events_.begin(), events_.end(), [this](const SourceEvent& event) { return may_be_told(event); });
  if (found == events_.end()) return std::nullopt;
  SourceEvent event = std::move(*found);
  events_.erase(found);
  return event;
}

Result<void> RdkafkaConsumer::check_message(const rd_kafka_message_t& message) {
  const rd_kafka_resp_err_t code = message.err;
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR || passes_by_itself(code)) return {};
  const Partition partition{message.rkt == nullptr ? "?" : rd_kafka_topic_name(message.rkt), message.partition};
  if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) return overrun(partition, message.offset);
  if (code == RD_KAFKA_RESP_ERR__LOG_TRUNCATION)
    return fail(
        Recovery::Stop, "kafka.log_truncated",
        fmt::format("Topic {} partition {} lost records that had been read. Find out what was lost, then set the "
                    "group's offsets by hand",
                    partition.topic, partition.number));
  if (code == RD_KAFKA_RESP_ERR__FATAL) return tl::make_unexpected(fatal());
  return tl::make_unexpected(
      error_of_reading(code, fmt::format("Reading topic {} partition {}", partition.topic, partition.number)));
}

/// librdkafka gives up for ever, and only here says why.
base::Error RdkafkaConsumer::fatal() const {
  std::array<char, 512> reason{};
  const rd_kafka_resp_err_t cause = rd_kafka_fatal_error(client_.get(), reason.data(), reason.size());
  if (cause != RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
    return error_of_reading(cause, fmt::format("The consumer cannot go on ({})", reason.data()));
  return {Recovery::Stop, "kafka.instance_replaced",
          fmt::format("Another process has joined group {} as instance \"{}\". Give each process a group.instance.id "
                      "of its own",
                      options_.group, instance_id())};
}

std::string RdkafkaConsumer::instance_id() const {
  std::array<char, 512> id{};
  std::size_t size = id.size();
  const auto found = rd_kafka_conf_get(rd_kafka_conf(client_.get()), "group.instance.id", id.data(), &size);
  return found == RD_KAFKA_CONF_OK ? id.data() : "";
}

/// Takes the message.
void RdkafkaConsumer::add_message(rd_kafka_message_t* message) {
  // Messages come in runs of one partition: only the first of a run needs a look-up.
  if (open_topic_ != message->rkt || open_partition_ != message->partition) {
    open_topic_ = message->rkt;
    open_partition_ = message->partition;
    Partition partition{rd_kafka_topic_name(message->rkt), message->partition};
    const auto held = held_.find(partition);
    open_batch_ = nullptr;
    if (held != held_.end() && held->second.phase == Held::Phase::Reading) {
      auto batch = std::make_unique<MessageBatch>(std::move(partition), live_batches_);
      open_batch_ = batch.get();
      events_.emplace_back(std::move(batch));
    }
  }
  if (open_batch_ == nullptr)
    rd_kafka_message_destroy(message);
  else
    open_batch_->add(message);
}

Result<void> RdkafkaConsumer::read() {
  const ssize_t count = rd_kafka_consume_batch_queue(queue_.get(), 0, messages_.data(), messages_.size());
  more_waits_ = count == static_cast<ssize_t>(messages_.size());
  open_topic_ = nullptr;
  Result<void> result;
  for (ssize_t i = 0; i < count; ++i) {
    rd_kafka_message_t* message = messages_[static_cast<std::size_t>(i)];
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && result) {
      add_message(message);
      continue;
    }
    if (result) result = check_message(*message);
    rd_kafka_message_destroy(message);
  }
  SLUICE_TRY(std::move(result));
  if (count > 0) state_.note_answer();
  if (state_.refusal()) return tl::make_unexpected(*state_.refusal());
  if (error_) return tl::make_unexpected(*error_);
  return {};
}

Result<std::optional<SourceEvent>> RdkafkaConsumer::next() {
  serve_commits(0);
  if (auto event = pop_event()) return event;
  wake_.drain();
  SLUICE_TRY(read());
  SLUICE_TRY(check_reachable());
  SLUICE_TRY(serve_lookup());
  return pop_event();
}

/// A client of librdkafka 2.12 was seen twice without any connection for ten minutes after the brokers were back. A new
/// one begins with those of the configuration.
Result<void> RdkafkaConsumer::check_reachable() const {
  const auto since = state_.reachability().unreachable_since;
  if (!since || base::Clock::now() - *since < options_.unreachable_limit) return {};
  return tl::make_unexpected(
      state_.explained(error_of(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "Reading the topics", "kafka.unreachable")));
}

Result<void> RdkafkaConsumer::pause(const Partition& partition) {
  const auto held = held_.find(partition);
  if (held == held_.end() || held->second.paused) return {};
  held->second.paused = true;
  rd_kafka_pause_partitions(client_.get(), partition_list({partition}).get());
  return {};
}

Result<void> RdkafkaConsumer::resume(const Partition& partition) {
  const auto held = held_.find(partition);
  if (held == held_.end() || !held->second.paused) return {};
  held->second.paused = false;
  rd_kafka_resume_partitions(client_.get(), partition_list({partition}).get());
  return {};
}

std::optional<Offset> RdkafkaConsumer::end_of(const Partition& partition) const {
  Offset begin = RD_KAFKA_OFFSET_INVALID;
  Offset end = RD_KAFKA_OFFSET_INVALID;
  // What the client has in memory: no broker is asked.
  const auto code =
      rd_kafka_get_watermark_offsets(client_.get(), partition.topic.c_str(), partition.number, &begin, &end);
  return code == RD_KAFKA_RESP_ERR_NO_ERROR && end >= 0 ? std::optional(end) : std::nullopt;
}

pipeline::Wait RdkafkaConsumer::waits_for() const {
  pipeline::Wait wait{wake_.fd(), POLLIN, std::nullopt};
  const auto until = [&](base::Deadline deadline) {
    if (!wait.deadline || deadline < *wait.deadline) wait.deadline = deadline;
  };
  if (more_waits_ ||
      std::any_of(events_.begin(), events_.end(), [this](const auto& event) { return may_be_told(event); }))
    until(base::Clock::now());
  if (lookup_ && lookup_->next_attempt()) until(*lookup_->next_attempt());
  return wait;
}

// --- Commits

Result<void> RdkafkaConsumer::finish(const Partition& partition, Offset offset) {
  const auto held = held_.find(partition);
  // Lost meanwhile: its next owner finishes it again.
  if (held == held_.end()) return {};
  if (!held->second.committed || offset > *held->second.committed) held->second.finished = offset;
  return {};
}

/// False: there is nothing to commit.
bool RdkafkaConsumer::send_commit() {
  std::vector<Partition> partitions;
  for (const auto& [partition, held] : held_)
    if (held.finished) partitions.push_back(partition);
  if (partitions.empty()) return false;
  const PartitionListHandle list = partition_list(partitions);
  for (int i = 0; i < list->cnt; ++i)
    list->elems[i].offset = *held_.at({list->elems[i].topic, list->elems[i].partition}).finished;
  ++commits_sent_;
  const rd_kafka_resp_err_t code = rd_kafka_commit_queue(client_.get(), list.get(), commits_.get(), nullptr, nullptr);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++commits_answered_;
    commit_error_ = error_of(code, "Committing offsets", "kafka.commit_failed");
  }
  return true;
}

void RdkafkaConsumer::take_commit(rd_kafka_event_t* event) {
  ++commits_answered_;
  commit_error_.reset();
  rd_kafka_resp_err_t failure = rd_kafka_event_error(event);
  const rd_kafka_topic_partition_list_t* list = rd_kafka_event_topic_partition_list(event);
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& entry = list->elems[i];
    const rd_kafka_resp_err_t code = failure != RD_KAFKA_RESP_ERR_NO_ERROR ? failure : entry.err;
    const auto held = held_.find({entry.topic, entry.partition});
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
      failure = code;
    } else if (held != held_.end()) {
      held->second.committed = entry.offset;
      if (held->second.finished == entry.offset) held->second.finished.reset();
    }
  }
  if (failure == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  if (!group_moved_on(failure)) commit_error_ = error_of(failure, "Committing offsets", "kafka.commit_failed");
}

void RdkafkaConsumer::serve_commits(int timeout_ms) {
  const EventHandle event(rd_kafka_queue_poll(commits_.get(), timeout_ms));
  if (event && rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_OFFSET_COMMIT) take_commit(event.get());
}

Result<void> RdkafkaConsumer::commit() {
  commit_error_.reset();
  if (!send_commit()) return {};
  const base::Deadline deadline = base::Clock::now() + options_.commit_timeout;
  while (commits_answered_ < commits_sent_) {
    if (base::Clock::now() >= deadline)
      return fail(
          Recovery::Retry, "kafka.commit_failed",
          "The group's coordinator does not answer in time. The offsets are committed again later; check that the "
          "brokers run");
    serve_commits(left_ms(deadline));
  }
  if (commit_error_) return tl::make_unexpected(*commit_error_);
  return {};
}

}  // namespace

Result<std::unique_ptr<Consumer>> Consumer::open(const ClientOptions& client, const ConsumerOptions& options) {
  auto consumer = std::make_unique<RdkafkaConsumer>(client, options);
  SLUICE_TRY(consumer->start(client));
  return consumer;
}

}  // namespace sluice::kafka
