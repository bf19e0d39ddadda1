#include "checks.h"
#include "key.h"

namespace sluice::config {

Section general_keys(Settings& s) {
  return {.name = "",
          .doc = "",
          .keys = {
              {.name = "pipeline",
               .field = &s.pipeline,
               .check = check_pipeline_name,
               .example = "orders",
               .doc = "Name of the pipeline in Kafka, in the state, in metrics. Absent: postgres.slot_name. Never "
                      "change it on the "
                      "way: positions belong to it."},
              {.name = "state_dir",
               .field = &s.state_dir,
               .check = check_not_empty,
               .doc = "Directory, on a local disk, of the position (offsets/) and the log (logs.db). Back it up or "
                      "not, but never "
                      "put an older copy back."},
              {.name = "stop_grace",
               .field = &s.stop_grace,
               .min = 1'000,
               .max = 3'600'000,
               .doc = "After SIGTERM, longest time to finish what was begun. When it ends too early the rest is sent "
                      "again after "
                      "the next start (exit code 6)."},
          }};
}

Section encoding_keys(EncodingSettings& s) {
  return {
      .name = "encoding",
      .doc = "How values look in JSON. To be changed with a new epoch only: the mirror's fields have their types.",
      .keys = {
          {.name = "values",
           .field = choice(s.values, {"typed", "text"}),
           .doc = "typed: by type, as the README has it. text: PostgreSQL's own text of everything, as strings."},
          {.name = "decimal",
           .field = choice(s.decimal, {"string", "number", "double"}),
           .doc = "numeric. string and number keep every digit, double is the nearest one."},
          {.name = "time",
           .field = choice(s.time, {"iso", "micros", "debezium"}),
           .doc = "micros: timestamps and times in microseconds, dates in days, since 1970. debezium: the same, but "
                  "timestamptz as ISO 8601 and interval in microseconds."},
          {.name = "bytea", .field = choice(s.bytea, {"base64", "hex"}), .doc = "How bytea is written."},
          {.name = "json",
           .field = choice(s.json, {"embedded", "string"}),
           .doc = "json and jsonb: as JSON inside of the record, or as a string with its text."},
          {.name = "invalid_utf8",
           .field = choice(s.invalid_utf8, {"replace", "halt"}),
           .doc = "Text that is no UTF-8, as a database in SQL_ASCII may hold it. replace: U+FFFD for each invalid "
                  "piece, counted. halt: stop before it."},
          {.name = "geometry",
           .field = choice(s.geometry, {"geojson", "wkb"}),
           .doc = "PostGIS's geometry and geography: as GeoJSON, or as PostgreSQL's own text, which is EWKB in hex."},
      }};
}

Section dead_letter_keys(DeadLetterSettings& s) {
  return {.name = "dead_letters",
          .read_by = Need::EsConsumer,
          .doc = "Records that Elasticsearch will never take, kept in a topic of their own with the reason.",
          .keys = {
              {.name = "topic",
               .field = &s.topic,
               .check = check_topic,
               .example = "cdc-events.dlq",
               .doc = "Absent: <kafka.topic>.dlq."},
              {.name = "max_per_minute",
               .field = &s.max_per_minute,
               .min = 0,
               .max = 1'000'000,
               .doc = "More than so many stop es_consumer: a wrong mapping must not drain a topic into this one. 0: "
                      "the first one "
                      "stops it."},
          }};
}

Section retry_keys(RetrySettings& s) {
  return {.name = "retry",
          .doc = "What may work later is tried again, with growing, randomised waits.",
          .keys = {
              {.name = "initial_backoff", .field = &s.initial_backoff, .min = 10, .max = 60'000, .doc = "First wait."},
              {.name = "max_backoff",
               .field = &s.max_backoff,
               .min = 100,
               .max = 3'600'000,
               .doc = "Longest wait: how late a peer that is back is noticed."},
              {.name = "backoff_multiplier",
               .field = &s.backoff_multiplier,
               .min = 1,
               .max = 10,
               .doc = "Each wait is so many times the one before."},
              {.name = "max_outage",
               .field = &s.max_outage,
               .min = 0,
               .max = 30ULL * 86'400'000,
               .doc = "A peer that a start or a reconnect cannot reach for longer ends the program (exit code 4); what "
                      "runs and holds back only waits. 0s: for ever, which is safe: nothing is confirmed meanwhile."},
          }};
}

Section log_keys(LogSettings& s) {
  return {.name = "log",
          .doc = "Console (stderr), and the table `logs` of <state_dir>/logs.db, read by `replicator logs`.",
          .keys = {
              {.name = "level",
               .field = choice(s.level, {"debug", "info", "warning", "error"}),
               .doc = "Least important level that is written. No row values at info or above."},
              {.name = "format",
               .field = choice(s.format, {"text", "json"}),
               .doc = "Of the console: text, or one JSON object a line."},
              {.name = "database", .field = on_off(s.database), .doc = "Also write to logs.db."},
              {.name = "max_rows",
               .field = &s.max_rows,
               .min = 1'000,
               .max = 1'000'000'000,
               .doc = "Rows kept in logs.db; the oldest go first."},
              {.name = "max_bytes",
               .field = &s.max_bytes,
               .min = 1 << 20,
               .max = 1ULL << 40,
               .doc = "Largest size of logs.db."},
              {.name = "max_age",
               .field = &s.max_age,
               .min = 60'000,
               .max = 3'650ULL * 86'400'000,
               .doc = "Older rows go."},
              {.name = "max_queued",
               .field = &s.max_queued,
               .min = 100,
               .max = 1'000'000,
               .doc = "Messages waiting for the disk. What comes on top is dropped, counted and reported: logging "
                      "never holds up a "
                      "pipeline."},
          }};
}

Section admin_keys(AdminSettings& s) {
  return {.name = "admin",
          .doc = "HTTP: status page, /status, /healthz, /readyz, /metrics.",
          .keys = {
              {.name = "enabled", .field = on_off(s.enabled), .doc = "Listen at all."},
              {.name = "replicator",
               .field = &s.replicator,
               .check = check_listen_address,
               .doc = "Address of replicator, host:port. Only this host by default: anything else needs a token."},
              {.name = "es_consumer",
               .field = &s.es_consumer,
               .check = check_listen_address,
               .doc = "Address of es_consumer."},
              {.name = "token",
               .field = &s.token,
               .example = "${SLUICE_TOKEN}",
               .doc = "Every request has to bring it, as `Authorization: Bearer <token>`."},
              {.name = "token_file",
               .field = &s.token_file,
               .check = check_not_empty,
               .example = "/etc/sluice/admin.token",
               .doc = "File with the token, readable by its owner only."},
          }};
}

std::vector<Section> all_keys(Settings& s) {
  std::vector<Section> sections;
  sections.push_back(general_keys(s));
  sections.push_back(postgres_keys(s.postgres));
  sections.push_back(kafka_keys(s.kafka));
  sections.push_back(encoding_keys(s.encoding));
  sections.push_back(elasticsearch_keys(s.elasticsearch));
  sections.push_back(dead_letter_keys(s.dead_letters));
  sections.push_back(retry_keys(s.retry));
  sections.push_back(log_keys(s.log));
  sections.push_back(admin_keys(s.admin));
  return sections;
}

std::vector<SecretPair> secret_pairs(Settings& s) {
  return {{"postgres.password", &s.postgres.password, &s.postgres.password_file, Need::Replicator},
          {"kafka.sasl_password", &s.kafka.sasl_password, &s.kafka.sasl_password_file, Need::Both},
          {"elasticsearch.password", &s.elasticsearch.password, &s.elasticsearch.password_file, Need::EsConsumer},
          {"elasticsearch.api_key", &s.elasticsearch.api_key, &s.elasticsearch.api_key_file, Need::EsConsumer},
          {"admin.token", &s.admin.token, &s.admin.token_file, Need::Both}};
}

}  // namespace sluice::config
