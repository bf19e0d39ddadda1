#include "conflicts.h"

#include <fmt/core.h>

#include <set>

#include "checks.h"
#include "values.h"

namespace sluice::config {
namespace {

class Finder {
 public:
  Finder(const Settings& settings, App app) : s_(settings), app_(app) {}

  std::vector<Conflict> run() {
    postgres();
    kafka();
    kafka_security();
    elasticsearch();
    rest();
    return std::move(conflicts_);
  }

 private:
  void when(bool found, std::vector<std::string> paths, std::string message) {
    if (found) conflicts_.push_back({std::move(paths), std::move(message)});
  }

  void postgres() {
    const PostgresSettings& p = s_.postgres;
    when(is_on(p.create_publication) && p.tables.empty() && app_ == App::Replicator,
         {"postgres.tables", "postgres.create_publication"},
         "there are no tables to make a publication of: list them, or set create_publication: off and use one that "
         "exists");
    when(!is_on(p.create_slot) && p.snapshot == SnapshotMode::Initial, {"postgres.snapshot", "postgres.create_slot"},
         "the initial snapshot belongs to the making of the slot: with create_slot: off write snapshot: never");
    when(p.park_after >= p.wal_sender_timeout, {"postgres.park_after", "postgres.wal_sender_timeout"},
         "must be below wal_sender_timeout, or the server closes the connection first");
    when(p.status_interval * 3 > p.wal_sender_timeout, {"postgres.status_interval", "postgres.wal_sender_timeout"},
         "must be at most a third of wal_sender_timeout, or the server takes silence for death");
    when(p.publication_operations.empty(), {"postgres.publication_operations"},
         "a publication of no operation captures nothing: name at least one");
    when(
        p.toast == ToastPolicy::Mark && is_on(s_.elasticsearch.mirror), {"postgres.toast", "elasticsearch.mirror"},
        "with mark an UPDATE comes without the large values that it did not touch, and a mirror writes whole rows: its "
        "document would lose them. Write reselect or require_full, or turn the mirror off");
    std::set<TableName> seen;
    for (const TableName& table : p.tables) {
      when(!seen.insert(table).second, {"postgres.tables"},
           fmt::format("{} stands there twice: remove one", print_table(table)));
    }
  }

  void kafka() {
    const KafkaSettings& k = s_.kafka;
    when(k.topic == k.control_topic, {"kafka.control_topic", "kafka.topic"},
         "must be another topic than kafka.topic: it is compacted and read whole");
    when(s_.dead_letter_topic() == k.topic || s_.dead_letter_topic() == k.control_topic,
         {"dead_letters.topic", "kafka.topic", "kafka.control_topic"}, "must be a topic of its own");
    when(k.max_message_bytes > k.max_in_flight_bytes, {"kafka.max_message_bytes", "kafka.max_in_flight_bytes"},
         "must be at most max_in_flight_bytes, or such a record could never be sent");
    when(k.session_timeout > k.max_poll_interval, {"kafka.session_timeout", "kafka.max_poll_interval"},
         "must be at most max_poll_interval");
  }

  void kafka_security() {
    const KafkaSettings& k = s_.kafka;
    const bool sasl =
        k.security_protocol == SecurityProtocol::SaslPlaintext || k.security_protocol == SecurityProtocol::SaslSsl;
    const bool ssl = k.security_protocol == SecurityProtocol::Ssl || k.security_protocol == SecurityProtocol::SaslSsl;
    when(sasl && (!k.sasl_mechanism || !k.sasl_username || (k.sasl_password.empty() && !k.sasl_password_file)),
         {"kafka.security_protocol", "kafka.sasl_mechanism", "kafka.sasl_username", "kafka.sasl_password"},
         "needs sasl_mechanism, sasl_username, and sasl_password or sasl_password_file");
    when(!sasl && (k.sasl_mechanism || k.sasl_username || !k.sasl_password.empty() || k.sasl_password_file),
         {"kafka.security_protocol", "kafka.sasl_mechanism", "kafka.sasl_username", "kafka.sasl_password"},
         "there are sasl_* keys, which have no effect without sasl_ssl or sasl_plaintext");
    when(!ssl && (k.ssl_ca_file || k.ssl_certificate_file || k.ssl_key_file),
         {"kafka.security_protocol", "kafka.ssl_ca_file", "kafka.ssl_certificate_file", "kafka.ssl_key_file"},
         "there are ssl_* keys, which have no effect without ssl or sasl_ssl");
    when(k.ssl_certificate_file.has_value() != k.ssl_key_file.has_value(),
         {"kafka.ssl_certificate_file", "kafka.ssl_key_file"},
         "ssl_certificate_file and ssl_key_file belong together: give both or none");
    when(
        k.sasl_mechanism == SaslMechanism::Plain && k.security_protocol == SecurityProtocol::SaslPlaintext,
        {"kafka.sasl_mechanism", "kafka.security_protocol"},
        "PLAIN over an unencrypted connection shows the password to the network: write sasl_ssl, or a SCRAM mechanism");
  }

  void elasticsearch() {
    const ElasticsearchSettings& e = s_.elasticsearch;
    const bool password = !e.password.empty() || e.password_file;
    const bool api_key = !e.api_key.empty() || e.api_key_file;
    when(!is_on(e.journal) && !is_on(e.mirror), {"elasticsearch.journal", "elasticsearch.mirror"},
         "journal and mirror are both off, so nothing would be written: turn one on");
    when(app_ == App::EsConsumer && is_on(e.mirror) && s_.pipeline_name().empty(),
         {"elasticsearch.mirror", "pipeline", "postgres.slot_name"},
         "a mirror shows the snapshots of one pipeline: write the key pipeline, or the postgres.slot_name that "
         "replicator has");
    when(is_on(e.journal) && is_on(e.mirror) && e.indexPrefix == e.mirrorPrefix,
         {"elasticsearch.mirrorPrefix", "elasticsearch.indexPrefix"},
         "must differ from indexPrefix, or journal and mirror would meet in one index");
    when(api_key && (e.username || password),
         {"elasticsearch.api_key", "elasticsearch.username", "elasticsearch.password"},
         "an API key stands in the place of a user: give one or the other");
    when(e.username.has_value() != password && app_ == App::EsConsumer,
         {"elasticsearch.username", "elasticsearch.password"},
         "username and password belong together: give both or none");
    bool encrypted = false;
    for (const std::string& address : e.addresses) encrypted = encrypted || address.starts_with("https://");
    when(e.ca_file && !encrypted && !e.addresses.empty(), {"elasticsearch.ca_file", "elasticsearch.addresses"},
         "has no effect: no address begins with https://");
  }

  void rest() {
    when(s_.retry.initial_backoff > s_.retry.max_backoff, {"retry.initial_backoff", "retry.max_backoff"},
         "must be at most max_backoff");
    const AdminSettings& a = s_.admin;
    const bool token = !a.token.empty() || a.token_file;
    const std::string& address = app_ == App::Replicator ? a.replicator : a.es_consumer;
    const std::string path = app_ == App::Replicator ? "admin.replicator" : "admin.es_consumer";
    when(is_on(a.enabled) && !token && !is_loopback(address), {path, "admin.token"},
         "can be reached from other hosts: set admin.token or admin.token_file, or write 127.0.0.1");
    when(is_on(a.enabled) && a.replicator == a.es_consumer && !a.replicator.ends_with(":0"),
         {"admin.es_consumer", "admin.replicator"}, "is the address of replicator too: give each its own port");
  }

  const Settings& s_;
  const App app_;
  std::vector<Conflict> conflicts_;
};

}  // namespace

std::vector<Conflict> find_conflicts(const Settings& settings, App app) { return Finder(settings, app).run(); }

}  // namespace sluice::config
