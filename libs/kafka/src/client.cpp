#include "client.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "errors.h"
#include "sluice/base/check.h"

namespace sluice::kafka {
namespace {

using base::fail;
using base::Recovery;
using base::Result;

/// Properties that this library sets for a reason; another value would break the promise named beside them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 23> kReserved{{
    {"enable.idempotence", "no duplicates and no reordering (rule K-1)"},
    {"acks", "a change is confirmed only when all replicas have it (rule K-1)"},
    {"request.required.acks", "a change is confirmed only when all replicas have it (rule K-1)"},
    {"message.timeout.ms", "no record is given up (rule K-2)"},
    {"delivery.timeout.ms", "no record is given up (rule K-2)"},
    {"max.in.flight", "order within a partition (rule K-1)"},
    {"max.in.flight.requests.per.connection", "order within a partition (rule K-1)"},
    {"enable.gapless.guarantee", "it is experimental (rule K-1)"},
    {"partitioner", "a key stays in its partition (rule K-1)"},
    {"transactional.id", "fencing by a stable name (rule K-10)"},
    {"message.send.max.retries", "no record is given up (rule K-2)"},
    {"retries", "no record is given up (rule K-2)"},
    {"enable.auto.commit", "only finished records are committed (rule K-14)"},
    {"auto.commit.enable", "only finished records are committed (rule K-14)"},
    {"enable.auto.offset.store", "only finished records are committed (rule K-14)"},
    {"auto.offset.reset", "an overrun by retention is told, not jumped over (rule K-12)"},
    {"isolation.level", "records of aborted transactions are no changes (rule K-12)"},
    {"allow.auto.create.topics", "topics are created with the settings asked for (rule K-6)"},
    {"enable.partition.eof", "the library's own reading to the end"},
    {"bootstrap.servers", "it is kafka.brokers"},
    {"metadata.broker.list", "it is kafka.brokers"},
    {"group.id", "it is kafka.groupID"},
    {"log.queue", "log lines stay on the pipeline's thread"},
}};

constexpr std::string_view kPropertyRemedy = "Correct it in the section kafka of the configuration";

std::string_view protocol_name(SecurityProtocol protocol) {
  switch (protocol) {
    case SecurityProtocol::Plaintext: return "plaintext";
    case SecurityProtocol::Tls: return "ssl";
    case SecurityProtocol::SaslPlaintext: return "sasl_plaintext";
    case SecurityProtocol::SaslTls: return "sasl_ssl";
  }
  return "plaintext";
}

Properties connection_properties(const ClientOptions& options) {
  const Security& security = options.security;
  Properties properties{
      {"bootstrap.servers", options.brokers},
      {"client.id", options.client_id},
      {"security.protocol", std::string(protocol_name(security.protocol))},
      {"log.queue", "true"},
      {"log.connection.close", "false"},
      {"reconnect.backoff.ms", "100"},
      // A broker that is back is used within 2 s, not within 10.
      {"reconnect.backoff.max.ms", "2000"},
      {"socket.keepalive.enable", "true"},
      {"allow.auto.create.topics", "false"},
  };
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) properties.emplace_back(name, value);
  };
  add("ssl.ca.location", security.ca_file);
  add("ssl.certificate.location", security.certificate_file);
  add("ssl.key.location", security.key_file);
  add("sasl.mechanisms", security.mechanism);
  add("sasl.username", security.username);
  add("sasl.password", security.password.reveal());
  return properties;
}

Result<void> set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  std::array<char, 512> reason{};
  const auto result = rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason.data(), reason.size());
  if (result == RD_KAFKA_CONF_OK) return {};
  // The value is not repeated: it may be a password.
  return fail(Recovery::Stop, "kafka.bad_property",
              fmt::format("librdkafka {} the property \"{}\". {}",
                          result == RD_KAFKA_CONF_UNKNOWN ? "does not know" : "does not accept the value of", name,
                          kPropertyRemedy));
}

Result<void> refuse_reserved(const std::map<std::string, std::string>& properties) {
  for (const auto& [name, reason] : kReserved)
    if (properties.contains(std::string(name)))
      return fail(Recovery::Stop, "kafka.bad_property",
                  fmt::format("The property \"{}\" may not be set, because of a promise: {}. {}", name, reason,
                              kPropertyRemedy));
  return {};
}

ClientState& state_of(void* opaque) { return *static_cast<ClientState*>(opaque); }

void on_log(const rd_kafka_t* client, int level, const char* facility, const char* text) {
  // Without an opaque librdkafka is still being made, on whichever thread; nothing that matters is said then.
  if (client == nullptr || rd_kafka_opaque(client) == nullptr) return;
  (void)facility;
  state_of(rd_kafka_opaque(client)).note_log(level, rd_kafka_name(client), text);
}

void on_error(rd_kafka_t*, int code, const char* reason, void* opaque) {
  state_of(opaque).note_error(static_cast<rd_kafka_resp_err_t>(code), reason);
}

/// A broker that is being shut down can answer that the cluster has topics and no brokers; then librdkafka drops all it
/// had, those of the configuration too (its issue 5301).
void take_statistics(rd_kafka_t* client, ClientState& state, std::string_view json) {
  if (state.note_statistics(json)) rd_kafka_brokers_add(client, state.brokers().c_str());
}

int on_statistics(rd_kafka_t* client, char* json, std::size_t size, void* opaque) {
  take_statistics(client, state_of(opaque), std::string_view(json, size));
  return 0;  // librdkafka frees it
}

}  // namespace

WakeFd::WakeFd() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  SLUICE_CHECK(fd_ >= 0, "the process has a file descriptor left");
}

WakeFd::~WakeFd() { close(fd_); }

void WakeFd::drain() {
  std::uint64_t count = 0;
  // EAGAIN: nobody wrote; that is as good as drained.
  [[maybe_unused]] const auto size = read(fd_, &count, sizeof count);
}

void WakeFd::watch(rd_kafka_queue_t* queue) const {
  constexpr std::uint64_t kOne = 1;
  rd_kafka_queue_io_event_enable(queue, fd_, &kOne, sizeof kOne);
}

void ClientState::note_error(rd_kafka_resp_err_t code, std::string_view text) {
  if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION) refusal_ = error_of(code, std::string(text), "kafka.auth_failed");
  // librdkafka has an error of its own for "all brokers are down", but in some versions never sends it: the statistics
  // tell whether this one was the last.
  if (!is_transport(code)) return;
  if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) reachability_.last_error = text;
  if (!first_error_) first_error_ = base::Clock::now();
}

void ClientState::note_log(int level, std::string_view client, std::string_view text) const {
  if (log_ && level <= 5) log_({level, client, text});
}

bool ClientState::note_statistics(std::string_view json) {
  const BrokersSeen brokers = brokers_in(json);
  if (brokers.one_is_up) {
    note_answer();
    return false;
  }
  if (!brokers.any) note_error(RD_KAFKA_RESP_ERR__TRANSPORT, "the last broker is gone; the configured ones are tried");
  reachability_.unreachable_since = first_error_;
  return !brokers.any;
}

void ClientState::note_answer() {
  reachability_.unreachable_since.reset();
  first_error_.reset();
}

std::optional<base::Error> ClientState::end_of_wait() const {
  if (refusal_) return refusal_;
  if (interrupted_ && interrupted_()) return interrupted();
  return std::nullopt;
}

base::Error ClientState::explained(base::Error error) const {
  if (!reachability_.last_error.empty()) error.message += fmt::format(" (last seen: {})", reachability_.last_error);
  return error;
}

Result<ConfHandle> make_conf(const ClientOptions& options, const Properties& own, ClientState& state) {
  SLUICE_TRY(refuse_reserved(options.properties));
  ConfHandle conf(rd_kafka_conf_new());
  for (const auto& [name, value] : connection_properties(options)) SLUICE_TRY(set(conf.get(), name, value));
  for (const auto& [name, value] : own) SLUICE_TRY(set(conf.get(), name, value));
  for (const auto& [name, value] : options.properties) SLUICE_TRY(set(conf.get(), name, value));
  rd_kafka_conf_set_opaque(conf.get(), &state);
  rd_kafka_conf_set_log_cb(conf.get(), &on_log);
  rd_kafka_conf_set_error_cb(conf.get(), &on_error);
  rd_kafka_conf_set_stats_cb(conf.get(), &on_statistics);
  return conf;
}

Result<ClientHandle> make_client(rd_kafka_type_t type, ConfHandle conf) {
  std::array<char, 512> reason{};
  rd_kafka_t* client = rd_kafka_new(type, conf.get(), reason.data(), reason.size());
  if (client == nullptr)
    return fail(Recovery::Stop, "kafka.bad_property",
                fmt::format("librdkafka refuses the configuration: {}. {}", reason.data(), kPropertyRemedy));
  // rd_kafka_new() has taken the configuration.
  static_cast<void>(conf.release());
  rd_kafka_set_log_queue(client, nullptr);
  return ClientHandle(client);
}

bool note_event(rd_kafka_t* client, rd_kafka_event_t* event, ClientState& state) {
  switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_ERROR:
      state.note_error(rd_kafka_event_error(event), rd_kafka_event_error_string(event));
      return true;
    case RD_KAFKA_EVENT_LOG: {
      const char* facility = nullptr;
      const char* text = nullptr;
      int level = 0;
      if (rd_kafka_event_log(event, &facility, &text, &level) == 0) state.note_log(level, facility, text);
      return true;
    }
    case RD_KAFKA_EVENT_STATS: take_statistics(client, state, rd_kafka_event_stats(event)); return true;
    default: return false;
  }
}

base::Error interrupted() {
  return {Recovery::Retry, "kafka.interrupted", "The wait for Kafka's answer was broken off, as asked"};
}

int left_ms(base::Deadline deadline) {
  const auto left = std::chrono::ceil<base::Milliseconds>(deadline - base::Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

}  // namespace sluice::kafka
