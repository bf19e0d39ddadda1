#include "checks.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace sluice::config {
namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

bool only(std::string_view text, std::initializer_list<std::string_view> allowed) {
  return std::all_of(text.begin(), text.end(), [&](char byte) {
    return std::any_of(allowed.begin(), allowed.end(),
                       [&](std::string_view set) { return set.find(byte) != std::string_view::npos; });
  });
}

Verdict out_of_range(std::string text) { return Complaint{"config.out_of_range", std::move(text)}; }

bool is_port(std::string_view text, unsigned min) {
  unsigned port = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  return code == std::errc() && end == text.data() + text.size() && port >= min && port <= 65'535;
}

struct HostPort {
  std::string_view host;
  std::string_view port;  ///< empty: none
  bool valid = false;
};

/// host, host:port, [v6]:port
HostPort split_host_port(std::string_view text) {
  const bool bracketed = text.starts_with('[');
  const std::size_t closing = bracketed ? text.find(']') : 0;
  if (closing == std::string_view::npos) return {};
  const std::size_t colon = text.find(':', closing);
  const std::string_view host = text.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  const std::string_view bare = bracketed && host.size() > 2 ? host.substr(1, host.size() - 2) : host;
  const bool named =
      bracketed ? only(bare, {kDigits, "abcdefABCDEF:.%"}) : only(bare, {kLower, kUpper, kDigits, "._-"});
  const bool complete = colon == std::string_view::npos || !port.empty();
  return {host, port, !bare.empty() && named && complete && (!bracketed || host.ends_with(']'))};
}

struct Refusal {
  std::string_view name;
  std::string_view reason;
};

constexpr std::string_view kPromise = "it would break the promise that nothing is lost, doubled or reordered";
constexpr std::string_view kOffsets = "offsets are committed only for what Elasticsearch has taken";

constexpr std::array kRefusals = {
    Refusal{"enable.idempotence", kPromise},
    Refusal{"enable.gapless.guarantee", kPromise},
    Refusal{"acks", kPromise},
    Refusal{"request.required.acks", kPromise},
    Refusal{"retries", kPromise},
    Refusal{"message.send.max.retries", kPromise},
    Refusal{"message.timeout.ms", kPromise},
    Refusal{"delivery.timeout.ms", kPromise},
    Refusal{"max.in.flight", kPromise},
    Refusal{"max.in.flight.requests.per.connection", kPromise},
    Refusal{"transactional.id", kPromise},
    Refusal{"queuing.strategy", kPromise},
    Refusal{"partitioner", "the partition of a key is computed by us, as the Java client does"},
    Refusal{"allow.auto.create.topics", "topics are made with known settings only (kafka.create_topics)"},
    Refusal{"enable.auto.commit", kOffsets},
    Refusal{"auto.commit.enable", kOffsets},
    Refusal{"auto.commit.interval.ms", kOffsets},
    Refusal{"enable.auto.offset.store", kOffsets},
    Refusal{"offset.store.method", kOffsets},
    Refusal{"auto.offset.reset", "an offset that is gone is a loss and must stop the program"},
    Refusal{"isolation.level", "records of aborted transactions must not be read"},
    Refusal{"enable.partition.eof", "the program relies on it"},
    Refusal{"partition.assignment.strategy", "the program relies on it"},
    Refusal{"group.protocol", "the program relies on it"},
    Refusal{"plugin.library.paths", "it would load foreign code"},
    Refusal{"log_level", "write log.level"},
    Refusal{"bootstrap.servers", "write kafka.brokers"},
    Refusal{"metadata.broker.list", "write kafka.brokers"},
    Refusal{"group.id", "write kafka.groupID"},
    Refusal{"client.id", "write kafka.client_id"},
    Refusal{"linger.ms", "write kafka.linger"},
    Refusal{"queue.buffering.max.ms", "write kafka.linger"},
    Refusal{"compression.codec", "write kafka.compression"},
    Refusal{"compression.type", "write kafka.compression"},
    Refusal{"batch.size", "write kafka.batch_size"},
    Refusal{"message.max.bytes", "write kafka.max_message_bytes"},
    Refusal{"queue.buffering.max.messages", "write kafka.max_in_flight_records"},
    Refusal{"queue.buffering.max.kbytes", "write kafka.max_in_flight_bytes"},
    Refusal{"queued.max.messages.kbytes", "write kafka.max_fetch_bytes"},
    Refusal{"session.timeout.ms", "write kafka.session_timeout"},
    Refusal{"max.poll.interval.ms", "write kafka.max_poll_interval"},
    Refusal{"security.protocol", "write kafka.security_protocol"},
    Refusal{"ssl.ca.location", "write kafka.ssl_ca_file"},
    Refusal{"ssl.certificate.location", "write kafka.ssl_certificate_file"},
    Refusal{"ssl.key.location", "write kafka.ssl_key_file"},
    Refusal{"sasl.mechanism", "write kafka.sasl_mechanism"},
    Refusal{"sasl.mechanisms", "write kafka.sasl_mechanism"},
    Refusal{"sasl.username", "write kafka.sasl_username"},
    Refusal{"sasl.password", "write kafka.sasl_password or kafka.sasl_password_file"},
};

}  // namespace

Verdict check_not_empty(std::string_view text) {
  return text.empty() ? out_of_range("is empty: give a value or leave the key out") : std::nullopt;
}

Verdict check_pipeline_name(std::string_view text) {
  if (!text.empty() && text.size() <= 63 && only(text, {kLower, kUpper, kDigits, "._-"})) return std::nullopt;
  return out_of_range("is no name of a pipeline: letters, digits, `.`, `_` and `-`, at most 63");
}

Verdict check_slot_name(std::string_view text) {
  if (!text.empty() && text.size() <= 63 && only(text, {kLower, kDigits, "_"})) return std::nullopt;
  return out_of_range("is no name of a slot: PostgreSQL allows lower-case letters, digits and `_`, at most 63");
}

Verdict check_publication_name(std::string_view text) {
  const bool control =
      std::any_of(text.begin(), text.end(), [](char byte) { return static_cast<unsigned char>(byte) < 0x20; });
  if (!text.empty() && text.size() <= 63 && !control) return std::nullopt;
  return out_of_range("is no name of a publication: 1 to 63 bytes without control characters");
}

Verdict check_operation(std::string_view text) {
  for (const std::string_view operation : {"insert", "update", "delete", "truncate"}) {
    if (text == operation) return std::nullopt;
  }
  return out_of_range("is no operation: write insert, update, delete, truncate, or some of them");
}

Verdict check_topic(std::string_view text) {
  if (text.find('{') != std::string_view::npos) {
    return Complaint{"config.not_supported", "is a pattern, which this version does not support yet: name one topic"};
  }
  const bool dots = text == "." || text == "..";
  if (!text.empty() && text.size() <= 249 && !dots && only(text, {kLower, kUpper, kDigits, "._-"})) return std::nullopt;
  return out_of_range("is no name of a topic: letters, digits, `.`, `_` and `-`, at most 249");
}

Verdict check_broker(std::string_view text) {
  const HostPort parts = split_host_port(text);
  if (parts.valid && (parts.port.empty() || is_port(parts.port, 1))) return std::nullopt;
  return out_of_range("is no address of a broker: write host:port");
}

Verdict check_address(std::string_view text) {
  std::string_view rest = text;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!rest.starts_with(scheme)) continue;
    rest.remove_prefix(scheme.size());
    if (rest.find('@') != std::string_view::npos) {
      return out_of_range("has a user in it: write elasticsearch.username and elasticsearch.password_file");
    }
    const HostPort parts = split_host_port(rest.substr(0, rest.find('/')));
    const bool plain = rest.find_first_of("?# \t") == std::string_view::npos;
    if (parts.valid && plain && (parts.port.empty() || is_port(parts.port, 1))) return std::nullopt;
  }
  return out_of_range("is no address: write http://host:port or https://host:port");
}

Verdict check_index_prefix(std::string_view text) {
  const bool begins_well = text.empty() || std::string_view("_-+.").find(text.front()) == std::string_view::npos;
  if (begins_well && text.size() <= 100 && only(text, {kLower, kDigits, "._-"})) return std::nullopt;
  return out_of_range(
      "cannot begin the name of an index: lower-case letters, digits, `.`, `_` and `-`, a letter or digit first, at "
      "most 100");
}

Verdict check_listen_address(std::string_view text) {
  const HostPort parts = split_host_port(text);
  if (parts.valid && is_port(parts.port, 0)) return std::nullopt;
  return out_of_range("is no address to listen on: write host:port, such as 127.0.0.1:8080");
}

bool is_loopback(std::string_view listen_address) {
  const std::string_view host = split_host_port(listen_address).host;
  return host == "localhost" || host == "[::1]" || (host.starts_with("127.") && only(host, {kDigits, "."}));
}

Verdict check_property(std::string_view name) {
  for (const Refusal& refusal : kRefusals) {
    if (refusal.name == name)
      return Complaint{"config.refused_property", fmt::format("cannot be set: {}", refusal.reason)};
  }
  if (!name.empty() && only(name, {kLower, kDigits, "._"})) return std::nullopt;
  return out_of_range("is no property of librdkafka: lower-case letters, digits, `.` and `_`");
}

}  // namespace sluice::config
