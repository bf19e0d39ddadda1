// Everything that config.yaml can say, as plain structs: one per section, the default beside each key. A member has the
// name of its key; what a key means, its bounds and the reason for its default stand in src/keys_<section>.cpp, the one
// table that reading, printing, the JSON schema and the documented config.yaml are made of.
//
// Thread rule: values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/base/secret.h"

namespace sluice::config {

using base::Milliseconds;
using base::Secret;

/// A number of bytes. In the file: `512`, `64kb`, `10mb`, `1gb`, powers of 1024.
struct Size {
  std::uint64_t bytes = 0;
  friend constexpr auto operator<=>(Size, Size) = default;
};

inline constexpr Size operator""_kb(unsigned long long count) { return Size{count << 10}; }
inline constexpr Size operator""_mb(unsigned long long count) { return Size{count << 20}; }
inline constexpr Size operator""_gb(unsigned long long count) { return Size{count << 30}; }

/// In the file: `schema.table`, taken as it is written; a part with a dot or a quote in it stands in double quotes.
struct TableName {
  std::string schema;
  std::string table;
  friend auto operator<=>(const TableName&, const TableName&) = default;
};

enum class Switch { Off, On };
enum class AutoSwitch { Auto, On, Off };
inline bool is_on(Switch value) { return value == Switch::On; }

enum class SslMode { Disable, Allow, Prefer, Require, VerifyCa, VerifyFull };
enum class SnapshotMode { Initial, Never };
enum class ToastPolicy { Reselect, Mark, RequireFull };
enum class OnRewrite { Halt, Continue };

/// An empty optional is left to libpq: its PG* variables, service file, .pgpass and defaults.
struct PostgresSettings {
  std::optional<std::string> host;
  std::optional<std::uint32_t> port;
  std::optional<std::string> user;
  Secret password;  ///< also when it came from password_file
  std::optional<std::string> password_file;
  std::optional<std::string> dbname;
  std::optional<SslMode> sslmode;
  std::optional<std::string> sslrootcert;

  std::string slot_name;
  std::string publication_name;
  std::vector<TableName> tables;
  std::vector<std::string> publication_operations = {"insert", "update", "delete", "truncate"};
  Switch create_publication = Switch::On;
  Switch create_slot = Switch::On;

  SnapshotMode snapshot = SnapshotMode::Initial;
  Switch accept_snapshot_race = Switch::Off;
  ToastPolicy toast = ToastPolicy::Reselect;
  Milliseconds reselect_timeout{30'000};
  OnRewrite on_rewrite = OnRewrite::Halt;

  Switch streaming = Switch::Off;
  Size spool_memory = 16_mb;
  Size spool_limit = 64_gb;

  Milliseconds status_interval{1'000};
  Milliseconds park_after{20'000};
  Milliseconds idle_checkpoint_interval{10'000};
  Size idle_checkpoint_bytes = 16_mb;
  Milliseconds recheck_interval{30'000};
  AutoSwitch local_recipe = AutoSwitch::Auto;

  Milliseconds connect_timeout{10'000};
  Milliseconds query_timeout{30'000};
  Milliseconds lock_timeout{10'000};
  Milliseconds slot_timeout{60'000};
  Milliseconds wal_sender_timeout{60'000};
  Milliseconds tcp_user_timeout{30'000};
};

enum class Delivery { Deduplicated, AtLeastOnce };
enum class Compression { None, Gzip, Snappy, Lz4, Zstd };
enum class OnOversize { Halt };
enum class SecurityProtocol { Plaintext, Ssl, SaslPlaintext, SaslSsl };
enum class SaslMechanism { Plain, ScramSha256, ScramSha512 };

struct KafkaSettings {
  std::vector<std::string> brokers;
  std::string topic;
  std::string control_topic = "sluice-control";
  std::string groupID = "sluice-es-consumer";
  std::string client_id = "sluice";

  Switch create_topics = Switch::On;
  std::uint32_t partitions = 3;
  std::uint32_t replication_factor = 0;  ///< 0: the broker's default

  Delivery delivery = Delivery::Deduplicated;
  AutoSwitch tombstones = AutoSwitch::Auto;
  OnOversize on_oversize = OnOversize::Halt;
  Size max_message_bytes{1'000'000};

  Milliseconds linger{2};
  Compression compression = Compression::Lz4;
  Size batch_size = 512_kb;
  std::uint32_t max_in_flight_records = 50'000;
  Size max_in_flight_bytes = 32_mb;
  Milliseconds request_timeout{30'000};

  Size max_fetch_bytes = 8_mb;
  Milliseconds session_timeout{45'000};
  Milliseconds max_poll_interval{300'000};

  SecurityProtocol security_protocol = SecurityProtocol::Plaintext;
  std::optional<std::string> ssl_ca_file;
  std::optional<std::string> ssl_certificate_file;
  std::optional<std::string> ssl_key_file;
  std::optional<SaslMechanism> sasl_mechanism;
  std::optional<std::string> sasl_username;
  Secret sasl_password;
  std::optional<std::string> sasl_password_file;

  std::map<std::string, std::string> properties;
};

struct ElasticsearchSettings {
  std::vector<std::string> addresses;
  std::optional<std::string> username;
  Secret password;
  std::optional<std::string> password_file;
  Secret api_key;
  std::optional<std::string> api_key_file;
  std::optional<std::string> ca_file;

  Switch journal = Switch::On;
  Switch mirror = Switch::Off;
  std::string indexPrefix = "cdc_";
  std::string mirrorPrefix = "current_";
  std::uint32_t number_of_shards = 1;
  std::uint32_t number_of_replicas = 1;
  Milliseconds refresh_interval{1'000};

  Size bulk_max_bytes = 8_mb;
  std::uint32_t bulk_max_actions = 4'000;
  Milliseconds bulk_max_age{100};
  std::uint32_t max_in_flight_bulks = 2;
  Milliseconds connect_timeout{10'000};
  Milliseconds request_timeout{60'000};
};

struct DeadLetterSettings {
  std::optional<std::string> topic;  ///< nothing: `<kafka.topic>.dlq`
  std::uint32_t max_per_minute = 100;
};

struct RetrySettings {
  Milliseconds initial_backoff{200};
  Milliseconds max_backoff{30'000};
  double backoff_multiplier = 2.0;
  Milliseconds max_outage{0};  ///< 0: wait for ever
};

enum class LogLevel { Debug, Info, Warning, Error };
enum class LogFormat { Text, Json };

struct LogSettings {
  LogLevel level = LogLevel::Info;
  LogFormat format = LogFormat::Text;
  Switch database = Switch::On;
  std::uint32_t max_rows = 500'000;
  Size max_bytes = 256_mb;
  Milliseconds max_age{7LL * 24 * 3'600'000};
  std::uint32_t max_queued = 8'192;
};

struct AdminSettings {
  Switch enabled = Switch::On;
  std::string replicator = "127.0.0.1:8080";
  std::string es_consumer = "127.0.0.1:8081";
  Secret token;
  std::optional<std::string> token_file;
};

enum class ValueForm { Typed, Text };
enum class DecimalForm { String, Number, Double };
enum class TimeForm { Iso, Micros, Debezium };
enum class BytesForm { Base64, Hex };
enum class JsonForm { Embedded, String };
enum class InvalidText { Replace, Halt };
enum class GeometryForm { GeoJson, Wkb };

/// How values look in JSON.
struct EncodingSettings {
  ValueForm values = ValueForm::Typed;
  DecimalForm decimal = DecimalForm::String;
  TimeForm time = TimeForm::Iso;
  BytesForm bytea = BytesForm::Base64;
  JsonForm json = JsonForm::Embedded;
  InvalidText invalid_utf8 = InvalidText::Replace;
  GeometryForm geometry = GeometryForm::GeoJson;
};

struct Settings {
  std::optional<std::string> pipeline;  ///< nothing: postgres.slot_name; see pipeline_name()
  std::string state_dir = "./state";
  Milliseconds stop_grace{30'000};
  PostgresSettings postgres;
  KafkaSettings kafka;
  EncodingSettings encoding;
  ElasticsearchSettings elasticsearch;
  DeadLetterSettings dead_letters;
  RetrySettings retry;
  LogSettings log;
  AdminSettings admin;

  /// By which the pipeline is known in Kafka, in the state and in the metrics (rule K-9).
  const std::string& pipeline_name() const { return pipeline ? *pipeline : postgres.slot_name; }
  std::string dead_letter_topic() const { return dead_letters.topic ? *dead_letters.topic : kafka.topic + ".dlq"; }
};

}  // namespace sluice::config
