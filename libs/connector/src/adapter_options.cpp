#include "adapter_options.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sluice/connector/version.h"

namespace sluice::connector {
namespace {

std::string_view name_of(config::SslMode mode) {
  switch (mode) {
    case config::SslMode::Disable: return "disable";
    case config::SslMode::Allow: return "allow";
    case config::SslMode::Prefer: return "prefer";
    case config::SslMode::Require: return "require";
    case config::SslMode::VerifyCa: return "verify-ca";
    case config::SslMode::VerifyFull: return "verify-full";
  }
  return "verify-full";
}

kafka::SecurityProtocol protocol_of(config::SecurityProtocol protocol) {
  switch (protocol) {
    case config::SecurityProtocol::Plaintext: return kafka::SecurityProtocol::Plaintext;
    case config::SecurityProtocol::Ssl: return kafka::SecurityProtocol::Tls;
    case config::SecurityProtocol::SaslPlaintext: return kafka::SecurityProtocol::SaslPlaintext;
    case config::SecurityProtocol::SaslSsl: return kafka::SecurityProtocol::SaslTls;
  }
  return kafka::SecurityProtocol::SaslTls;
}

std::string_view name_of(config::SaslMechanism mechanism) {
  switch (mechanism) {
    case config::SaslMechanism::Plain: return "PLAIN";
    case config::SaslMechanism::ScramSha256: return "SCRAM-SHA-256";
    case config::SaslMechanism::ScramSha512: return "SCRAM-SHA-512";
  }
  return "SCRAM-SHA-512";
}

std::string_view name_of(config::Compression compression) {
  switch (compression) {
    case config::Compression::None: return "none";
    case config::Compression::Gzip: return "gzip";
    case config::Compression::Snappy: return "snappy";
    case config::Compression::Lz4: return "lz4";
    case config::Compression::Zstd: return "zstd";
  }
  return "none";
}

}  // namespace

postgres::ConnectOptions connect_options(const config::Settings& settings) {
  const config::PostgresSettings& from = settings.postgres;
  postgres::ConnectOptions options;
  options.host = from.host;
  if (from.port) options.port = static_cast<std::uint16_t>(*from.port);
  options.user = from.user;
  options.password = from.password;
  options.dbname = from.dbname;
  if (from.sslmode) options.sslmode = std::string(name_of(*from.sslmode));
  options.sslrootcert = from.sslrootcert;
  options.application_name = "sluice " + settings.pipeline_name();
  options.connect_timeout = from.connect_timeout;
  options.query_timeout = from.query_timeout;
  options.lock_timeout = from.lock_timeout;
  options.tcp_user_timeout = from.tcp_user_timeout;
  options.wal_sender_timeout = from.wal_sender_timeout;
  return options;
}

postgres::ConnectOptions connect_options_within(base::Milliseconds patience, const config::Settings& settings) {
  postgres::ConnectOptions options = connect_options(settings);
  options.connect_timeout = std::min(options.connect_timeout, patience);
  return options;
}

kafka::ClientOptions client_options(const config::Settings& settings) {
  const config::KafkaSettings& from = settings.kafka;
  kafka::ClientOptions options;
  options.brokers = fmt::format("{}", fmt::join(from.brokers, ","));
  options.client_id = from.client_id;
  options.security.protocol = protocol_of(from.security_protocol);
  options.security.ca_file = from.ssl_ca_file.value_or("");
  options.security.certificate_file = from.ssl_certificate_file.value_or("");
  options.security.key_file = from.ssl_key_file.value_or("");
  if (from.sasl_mechanism) options.security.mechanism = name_of(*from.sasl_mechanism);
  options.security.username = from.sasl_username.value_or("");
  options.security.password = from.sasl_password;
  options.properties = from.properties;
  options.request_timeout = from.request_timeout;
  return options;
}

kafka::ProducerOptions producer_options(const config::Settings& settings) {
  const config::KafkaSettings& from = settings.kafka;
  kafka::ProducerOptions options;
  options.compression = name_of(from.compression);
  options.linger = from.linger;
  options.max_batch_bytes = static_cast<std::uint32_t>(from.batch_size.bytes);
  options.max_queue_records = from.max_in_flight_records;
  options.max_queue_kilobytes = static_cast<std::uint32_t>(from.max_in_flight_bytes.bytes >> 10);
  options.max_message_bytes = static_cast<std::uint32_t>(from.max_message_bytes.bytes);
  return options;
}

std::int32_t replication_factor(const config::Settings& settings) {
  const std::uint32_t asked = settings.kafka.replication_factor;
  return asked == 0 ? -1 : static_cast<std::int32_t>(asked);
}

codec::ValueOptions value_options(const config::Settings& settings) {
  const config::EncodingSettings& from = settings.encoding;
  codec::ValueOptions options;
  options.form = from.values == config::ValueForm::Text ? codec::ValueForm::Text : codec::ValueForm::Typed;
  switch (from.decimal) {
    case config::DecimalForm::String: options.decimal = codec::DecimalForm::String; break;
    case config::DecimalForm::Number: options.decimal = codec::DecimalForm::Number; break;
    case config::DecimalForm::Double: options.decimal = codec::DecimalForm::Double; break;
  }
  switch (from.time) {
    case config::TimeForm::Iso: options.time = codec::TimeForm::Iso; break;
    case config::TimeForm::Micros: options.time = codec::TimeForm::Micros; break;
    case config::TimeForm::Debezium: options.time = codec::TimeForm::Debezium; break;
  }
  options.bytea = from.bytea == config::BytesForm::Hex ? codec::BytesForm::Hex : codec::BytesForm::Base64;
  const bool is_wkb = from.geometry == config::GeometryForm::Wkb;
  options.geometry = is_wkb ? codec::GeometryForm::Wkb : codec::GeometryForm::GeoJson;
  options.json = from.json == config::JsonForm::String ? codec::JsonForm::String : codec::JsonForm::Embedded;
  const bool halts = from.invalid_utf8 == config::InvalidText::Halt;
  options.invalid_text = halts ? codec::InvalidText::Halt : codec::InvalidText::Replace;
  return options;
}

pipeline::ReplicationLimits replication_limits(const config::Settings& settings) {
  pipeline::ReplicationLimits limits;
  limits.max_in_flight_records = settings.kafka.max_in_flight_records;
  limits.max_in_flight_bytes = settings.kafka.max_in_flight_bytes.bytes;
  limits.idle_checkpoint_interval = settings.postgres.idle_checkpoint_interval;
  limits.idle_checkpoint_bytes = settings.postgres.idle_checkpoint_bytes.bytes;
  limits.park_after = settings.postgres.park_after;
  return limits;
}

pipeline::OnRewrite on_rewrite(const config::Settings& settings) {
  const bool halts = settings.postgres.on_rewrite == config::OnRewrite::Halt;
  return halts ? pipeline::OnRewrite::Halt : pipeline::OnRewrite::Continue;
}

pipeline::SuperviseLimits supervise_limits(const config::Settings& settings) {
  const config::RetrySettings& from = settings.retry;
  return {{from.initial_backoff, from.max_backoff, from.backoff_multiplier}, from.max_outage};
}

pipeline::Attempt attempt_of(base::Result<void> result, std::optional<base::Deadline> reading_since,
                             const config::Settings& settings) {
  const bool has_lasted = reading_since && base::Clock::now() - *reading_since > settings.retry.max_backoff;
  return {std::move(result), has_lasted ? pipeline::AttemptProgress::Worked : pipeline::AttemptProgress::Failed};
}

admin::AdminOptions admin_options(const config::Settings& settings, const std::string& program) {
  const config::AdminSettings& from = settings.admin;
  return {program, std::string(kVersion), program == "replicator" ? from.replicator : from.es_consumer, from.token};
}

}  // namespace sluice::connector
