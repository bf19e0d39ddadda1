// What all clients of this library share: handles, configuration, the descriptor that wakes the pipeline's thread, and
// what librdkafka says of itself (errors, log lines, statistics).
#pragma once

#include <librdkafka/rdkafka.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/base/handle.h"
#include "sluice/kafka/client_options.h"
#include "sluice/kafka/reachability.h"

namespace sluice::kafka {

using ClientHandle = base::Handle<rd_kafka_t, &rd_kafka_destroy>;
using ConfHandle = base::Handle<rd_kafka_conf_t, &rd_kafka_conf_destroy>;
using QueueHandle = base::Handle<rd_kafka_queue_t, &rd_kafka_queue_destroy>;
using TopicHandle = base::Handle<rd_kafka_topic_t, &rd_kafka_topic_destroy>;
using EventHandle = base::Handle<rd_kafka_event_t, &rd_kafka_event_destroy>;
using PartitionListHandle = base::Handle<rd_kafka_topic_partition_list_t, &rd_kafka_topic_partition_list_destroy>;
using ErrorHandle = base::Handle<rd_kafka_error_t, &rd_kafka_error_destroy>;
using AdminOptionsHandle = base::Handle<rd_kafka_AdminOptions_t, &rd_kafka_AdminOptions_destroy>;
using MessageHandle = base::Handle<rd_kafka_message_t, &rd_kafka_message_destroy>;
using HeadersHandle = base::Handle<rd_kafka_headers_t, &rd_kafka_headers_destroy>;

/// An eventfd that librdkafka writes to when a queue stops being empty.
class WakeFd {
 public:
  WakeFd();
  ~WakeFd();
  WakeFd(const WakeFd&) = delete;
  WakeFd& operator=(const WakeFd&) = delete;

  int fd() const { return fd_; }
  /// Call before, not after, the queue is read: what comes in between then wakes once too often, never once too seldom.
  void drain();
  void watch(rd_kafka_queue_t* queue) const;

 private:
  int fd_;
};

/// What librdkafka told about its connections; filled on the thread that polls the client.
class ClientState {
 public:
  explicit ClientState(const ClientOptions& options)
      : brokers_(options.brokers), log_(options.log), interrupted_(options.interrupted) {}

  void note_error(rd_kafka_resp_err_t code, std::string_view text);
  void note_log(int level, std::string_view client, std::string_view text) const;
  /// True: librdkafka knows no broker any more, and would never find one again by itself.
  [[nodiscard]] bool note_statistics(std::string_view json);
  const std::string& brokers() const { return brokers_; }
  void note_answer();

  const Reachability& reachability() const { return reachability_; }
  /// An error that no waiting mends (wrong password), if there was one.
  const std::optional<base::Error>& refusal() const { return refusal_; }
  /// Why whoever waits for an answer should wait no longer: the refusal, or kafka.interrupted (Retry).
  std::optional<base::Error> end_of_wait() const;
  /// `error` with the newest transport error behind its message: "timed out" alone tells nobody why.
  base::Error explained(base::Error error) const;

 private:
  std::string brokers_;
  std::function<void(const LogLine&)> log_;
  std::function<bool()> interrupted_;
  Reachability reachability_;
  std::optional<base::Clock::time_point> first_error_;  ///< of a connection, since a broker answered
  std::optional<base::Error> refusal_;
};

using Properties = std::vector<std::pair<std::string, std::string>>;

/// They tell whether any broker is connected; built by librdkafka's own thread, some 50 µs each. Only for a client that
/// is polled all its life: each is 10 KB that wait, without a bound, until somebody takes them.
inline const Properties::value_type kStatistics{"statistics.interval.ms", "1000"};

/// A configuration of `options` and `own`, the user's properties last. Error: kafka.bad_property (Stop).
base::Result<ConfHandle> make_conf(const ClientOptions& options, const Properties& own, ClientState& state);

/// Takes the configuration. Error: kafka.bad_property (Stop), as librdkafka checks combinations only here.
base::Result<ClientHandle> make_client(rd_kafka_type_t type, ConfHandle conf);

/// Gives an event that is no business of the caller's own (error, log, statistics) to the state. False: it is.
bool note_event(rd_kafka_t* client, rd_kafka_event_t* event, ClientState& state);

/// kafka.interrupted (Retry).
base::Error interrupted();

/// What is left until the deadline, for librdkafka's time-out parameters: 0 when it has passed.
int left_ms(base::Deadline deadline);

}  // namespace sluice::kafka
