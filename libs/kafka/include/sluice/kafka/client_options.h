// How any client of Kafka reaches the brokers and proves who it is. Every class of this library takes it.
//
// Thread rule: values.
// Names and meanings of properties: librdkafka's CONFIGURATION.md.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "sluice/base/clock.h"
#include "sluice/base/secret.h"

namespace sluice::kafka {

enum class SecurityProtocol { Plaintext, Tls, SaslPlaintext, SaslTls };

/// Rule S-2. Empty members are left to librdkafka: the system's CA store, no client certificate.
struct Security {
  SecurityProtocol protocol = SecurityProtocol::Plaintext;
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  std::string mechanism;  ///< SCRAM-SHA-512, SCRAM-SHA-256, PLAIN, …; needed by the two SASL protocols
  std::string username;
  base::Secret password;
};

/// One line of librdkafka's own log. `level` as in syslog: 3 error, 4 warning, 6 info, 7 debug. Holds no record
/// contents.
struct LogLine {
  int level = 6;
  std::string_view client;
  std::string_view message;
};

struct ClientOptions {
  std::string brokers;  ///< host:port,host:port
  std::string client_id = "sluice";
  Security security;
  /// Passed to librdkafka last, as they are (feature A5). One that would break a promise of this library (idempotence,
  /// acks, offsets, …) is refused: kafka.bad_property.
  std::map<std::string, std::string> properties;
  /// How long a request that somebody waits for may take, connecting included.
  base::Milliseconds request_timeout{15'000};
  /// Asked now and then while a call waits for an answer; true ends the wait: kafka.interrupted (Retry).
  std::function<bool()> interrupted;
  /// Called on the thread that owns the client, for librdkafka's lines of level 5 and below. Empty: they are dropped.
  std::function<void(const LogLine&)> log;
};

}  // namespace sluice::kafka
