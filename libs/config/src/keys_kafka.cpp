#include "checks.h"
#include "key.h"

namespace sluice::config {
namespace {

std::vector<Key> topic_keys(KafkaSettings& s) {
  return {
      {.name = "brokers",
       .field = &s.brokers,
       .check = check_broker,
       .need = Need::Both,
       .known_as = "bootstrap_servers",
       .example = "localhost:9092",
       .doc = "Brokers to begin with, host:port; the others are learnt from them."},
      {.name = "topic",
       .field = &s.topic,
       .check = check_topic,
       .need = Need::Both,
       .example = "cdc-events",
       .doc = "Topic of the change events."},
      {.name = "control_topic",
       .field = &s.control_topic,
       .check = check_topic,
       .doc =
           "Compacted topic of one partition with schemas, epochs and snapshots: what es_consumer must know beside the "
           "events."},
      {.name = "groupID",
       .field = &s.groupID,
       .check = check_not_empty,
       .doc = "Consumer group of es_consumer; its offsets belong to this name."},
      {.name = "client_id",
       .field = &s.client_id,
       .check = check_not_empty,
       .doc = "Name by which the brokers' logs and quotas know us."},
      {.name = "create_topics",
       .field = on_off(s.create_topics),
       .doc = "Make missing topics with the settings below. The brokers' own automatic creation is never used."},
      {.name = "partitions",
       .field = &s.partitions,
       .min = 1,
       .max = 10'000,
       .doc =
           "Partitions of a topic made by us: as many consumers can share the work. It cannot be changed later without "
           "breaking the order of a key."},
      {.name = "replication_factor",
       .field = &s.replication_factor,
       .min = 0,
       .max = 32,
       .doc =
           "Copies of each partition of a topic made by us; 0: the brokers' default. Less than 3 can lose acknowledged "
           "records with a broker."},
  };
}

std::vector<Key> producer_keys(KafkaSettings& s) {
  return {
      {.name = "delivery",
       .field = choice(s.delivery, {"deduplicated", "at_least_once"}, {"transactional"}),
       .doc = "deduplicated: after a crash the ends of the partitions are read and nothing is written twice; the topic "
              "must "
              "be this pipeline's own. at_least_once: what was not confirmed is written again."},
      {.name = "tombstones",
       .field = choice(s.tombstones, {"auto", "on", "off"}),
       .doc = "A null value behind each delete, for compaction. auto: when the topic is compacted."},
      {.name = "on_oversize",
       .field = choice(s.on_oversize, {"halt"}, {"dlq", "claim_check"}),
       .doc = "A record over max_message_bytes stops the replicator: leaving it out would be a loss."},
      {.name = "max_message_bytes",
       .field = &s.max_message_bytes,
       .min = 1'000,
       .max = 1'000'000'000,
       .doc = "Largest record; a topic made by us is made to take it. A million: every broker takes that by default."},
      {.name = "linger",
       .field = &s.linger,
       .min = 0,
       .max = 900'000,
       .doc = "Longest wait for a batch to fill: latency against fewer, larger requests."},
      {.name = "compression",
       .field = choice(s.compression, {"none", "gzip", "snappy", "lz4", "zstd"}),
       .doc = "Of batches. lz4 costs next to nothing and halves the disk; zstd is smaller and dearer."},
      {.name = "batch_size",
       .field = &s.batch_size,
       .min = 1 << 10,
       .max = 512ULL << 20,
       .doc = "Largest batch of one partition. Of 128kb it costs the brokers and us a third more, of 1mb as much."},
      {.name = "max_in_flight_records",
       .field = &s.max_in_flight_records,
       .min = 100,
       .max = 10'000'000,
       .doc =
           "Records sent and not yet acknowledged; with so many, reading stops. A bound on memory and on what a crash "
           "repeats."},
      {.name = "max_in_flight_bytes",
       .field = &s.max_in_flight_bytes,
       .min = 1 << 20,
       .max = 1ULL << 30,
       .doc = "The same, in bytes: whichever comes first."},
      {.name = "request_timeout",
       .field = &s.request_timeout,
       .min = 1'000,
       .max = 600'000,
       .doc = "Longest wait for the answer to a request: metadata, topics, the end of a partition, dead letters."},
  };
}

std::vector<Key> consumer_keys(KafkaSettings& s) {
  return {
      {.name = "max_fetch_bytes",
       .field = &s.max_fetch_bytes,
       .min = 1 << 20,
       .max = 1ULL << 30,
       .doc = "es_consumer: bytes read ahead (librdkafka: queued.max.messages.kbytes). Bounds memory while "
              "Elasticsearch is slow."},
      {.name = "session_timeout",
       .field = &s.session_timeout,
       .min = 6'000,
       .max = 1'800'000,
       .doc = "es_consumer: a member silent for so long loses its partitions to the others."},
      {.name = "max_poll_interval",
       .field = &s.max_poll_interval,
       .min = 10'000,
       .max = 86'400'000,
       .doc = "es_consumer: a member that hangs for so long loses its partitions. Far above the slowest bulk with its "
              "retries, and not below session_timeout."},
  };
}

std::vector<Key> security_keys(KafkaSettings& s) {
  return {
      {.name = "security_protocol",
       .field = choice(s.security_protocol, {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"}),
       .doc = "Over a network sasl_ssl, or ssl with a client certificate."},
      {.name = "ssl_ca_file",
       .field = &s.ssl_ca_file,
       .check = check_not_empty,
       .example = "/etc/sluice/kafka-ca.pem",
       .doc = "Certificates of the authorities to believe. Absent: those of the system."},
      {.name = "ssl_certificate_file",
       .field = &s.ssl_certificate_file,
       .check = check_not_empty,
       .example = "/etc/sluice/kafka.pem",
       .doc = "Our own certificate, where the brokers ask for one."},
      {.name = "ssl_key_file",
       .field = &s.ssl_key_file,
       .check = check_not_empty,
       .example = "/etc/sluice/kafka.key",
       .doc = "Its private key."},
      {.name = "sasl_mechanism",
       .field = choice(s.sasl_mechanism, {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}, {"OAUTHBEARER", "GSSAPI"}),
       .example = "SCRAM-SHA-512",
       .doc = "PLAIN sends the password as it is: with sasl_ssl only."},
      {.name = "sasl_username",
       .field = &s.sasl_username,
       .check = check_not_empty,
       .example = "sluice",
       .doc = "SASL user."},
      {.name = "sasl_password", .field = &s.sasl_password, .example = "${KAFKA_PASSWORD}", .doc = "SASL password."},
      {.name = "sasl_password_file",
       .field = &s.sasl_password_file,
       .check = check_not_empty,
       .example = "/etc/sluice/kafka.password",
       .doc = "File with the SASL password, readable by its owner only."},
      {.name = "properties",
       .field = &s.properties,
       .check_property = check_property,
       .example = "{}",
       .doc =
           "Any other property of librdkafka, as `name: value`. Those that would break a promise (idempotence, acks, "
           "partitioner, offsets) and those that have a key of their own are refused."},
  };
}

}  // namespace

Section kafka_keys(KafkaSettings& s) {
  return {.name = "kafka",
          .read_by = Need::Both,
          .doc = "Between the two programs.",
          .keys = joined({topic_keys(s), producer_keys(s), consumer_keys(s), security_keys(s)})};
}

}  // namespace sluice::config
