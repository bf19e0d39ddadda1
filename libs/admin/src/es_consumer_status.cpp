#include "sluice/admin/es_consumer_status.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/core.h>

#include "status_json.h"

namespace sluice::admin {
namespace {

constexpr std::array kStates = {EsConsumerState::Starting, EsConsumerState::Running, EsConsumerState::Stopping};

double real(std::uint64_t value) { return static_cast<double>(value); }

std::optional<pipeline::Offset> end_of(const EsConsumerStatus& status, const pipeline::PartitionStatus& partition) {
  const auto found = status.ends.find(partition.partition);
  // What was read just now may be newer than what the last fetch said.
  return found == status.ends.end() ? std::nullopt : std::optional(std::max(found->second, partition.read));
}

Json counters_json(const pipeline::IndexingCounters& of) {
  return {{"records_read", of.records_read},
          {"records_finished", of.records_finished},
          {"records_dead_lettered", of.records_dead_lettered},
          {"documents_sent", of.documents_sent},
          {"documents_written", of.documents_written},
          {"documents_superseded", of.documents_superseded},
          {"first_deliveries_written", of.first_written},
          {"first_deliveries_superseded", of.first_superseded},
          {"documents_retried", of.documents_retried},
          {"documents_rejected", of.documents_rejected},
          {"sweeps", of.sweeps},
          {"bulks", of.bulks},
          {"bulks_failed", of.bulks_failed},
          {"checkpoints", of.checkpoints},
          {"checkpoints_failed", of.checkpoints_failed},
          {"commits", of.commits},
          {"commits_failed", of.commits_failed},
          {"rewinds", of.rewinds}};
}

Json partitions_json(const EsConsumerStatus& status) {
  Json json = Json::object();
  for (const auto& partition : status.indexing.partitions) {
    Json& of = json[fmt::format("{}/{}", partition.partition.topic, partition.partition.number)];
    of["finished"] = partition.finished;
    of["read"] = partition.read;
    const auto end = end_of(status, partition);
    of["end"] = end ? Json(*end) : Json(nullptr);
    of["lag_records"] = end ? Json(*end - partition.finished) : Json(nullptr);
    of["stored"] = partition.stored < 0 ? Json(nullptr) : Json(partition.stored);
    of["paused"] = partition.paused;
  }
  return json;
}

Json tables_json(const EsConsumerStatus& status) {
  Json json = Json::object();
  for (const auto& [table, of] : status.tables) {
    json[table] = operations_json(of.events);
    json[table]["documents"] = of.documents.total();
  }
  return json;
}

void write_events(MetricsText& out, const EsConsumerStatus& status) {
  out.family("sluice_es_consumer_events_total", MetricType::Counter,
             "Changes of rows that were read from Kafka to be indexed.");
  write_tables(out, status.tables, &pipeline::IndexedCounters::events);
  out.family("sluice_es_consumer_documents_total", MetricType::Counter, "Documents made of these, each counted once.");
  write_tables(out, status.tables, &pipeline::IndexedCounters::documents);
}

void write_skipped(MetricsText& out, const EsConsumerStatus& of) {
  out.family("sluice_es_consumer_records_skipped_total", MetricType::Counter,
             "Records that are no change of a row: nothing is indexed of them.");
  out.sample(real(of.skipped.tombstones), {{"kind", "tombstone"}});
  out.sample(real(of.skipped.markers), {{"kind", "marker"}});
  out.sample(real(of.skipped.messages), {{"kind", "message"}});
  out.single("sluice_es_consumer_retired_events_total", MetricType::Counter,
             "Changes of an epoch that no mirror shows any more: the journal alone has them.", real(of.retired_events));
  out.single("sluice_es_consumer_incomplete_documents_total", MetricType::Counter,
             "Documents of a mirror without a value that was not to be had, named in _sluice.incomplete.",
             real(of.incomplete_documents));
}

void write_counters(MetricsText& out, const pipeline::IndexingCounters& of) {
  const auto counter = [&out](std::string_view name, std::string_view help, std::uint64_t value) {
    out.single(name, MetricType::Counter, help, real(value));
  };
  counter("sluice_es_consumer_records_read_total", "Records read from Kafka.", of.records_read);
  counter("sluice_es_consumer_records_finished_total", "Records with nothing left to do.", of.records_finished);
  counter("sluice_es_consumer_records_dead_lettered_total", "Records acknowledged by the dead-letter topic.",
          of.records_dead_lettered);
  counter("sluice_es_consumer_documents_sent_total", "Documents offered to Elasticsearch, repetitions included.",
          of.documents_sent);
  counter("sluice_es_consumer_documents_written_total", "Documents that Elasticsearch took.", of.documents_written);
  counter("sluice_es_consumer_documents_superseded_total", "Documents it had already, as new or newer.",
          of.documents_superseded);
  counter("sluice_es_consumer_first_deliveries_written_total",
          "Documents of a mirror that nobody can have sent before, and that Elasticsearch took.", of.first_written);
  counter("sluice_es_consumer_first_deliveries_superseded_total",
          "Such documents that it had already, as new or newer (es.stale_first_deliveries).", of.first_superseded);
  counter("sluice_es_consumer_documents_retried_total", "Documents it refused for the moment.", of.documents_retried);
  counter("sluice_es_consumer_documents_rejected_total", "Documents it can never take.", of.documents_rejected);
  counter("sluice_es_consumer_sweeps_total", "Truncates carried out in a mirror.", of.sweeps);
  counter("sluice_es_consumer_bulks_total", "Bulk requests.", of.bulks);
  counter("sluice_es_consumer_bulk_failures_total", "Bulk requests that failed as a whole.", of.bulks_failed);
  counter("sluice_es_consumer_checkpoints_total", "Checkpoints stored in Elasticsearch.", of.checkpoints);
  counter("sluice_es_consumer_checkpoint_failures_total", "Checkpoints that could not be stored.",
          of.checkpoints_failed);
  counter("sluice_es_consumer_commits_total", "Commits of offsets to Kafka.", of.commits);
  counter("sluice_es_consumer_commit_failures_total", "Commits that Kafka refused.", of.commits_failed);
  counter("sluice_es_consumer_rewinds_total", "Partitions begun below the committed offset.", of.rewinds);
}

void write_partitions(MetricsText& out, const EsConsumerStatus& status) {
  using Value = std::optional<pipeline::Offset> (*)(const EsConsumerStatus&, const pipeline::PartitionStatus&);
  const auto family = [&](std::string_view name, std::string_view help, Value value) {
    out.family(name, MetricType::Gauge, help);
    for (const auto& partition : status.indexing.partitions) {
      const auto number = value(status, partition);
      if (!number) continue;
      out.sample(static_cast<double>(*number),
                 {{"topic", partition.partition.topic}, {"partition", std::to_string(partition.partition.number)}});
    }
  };
  family("sluice_es_consumer_partition_finished_offset", "Lowest offset that is not finished.",
         [](const EsConsumerStatus&, const pipeline::PartitionStatus& of) { return std::optional(of.finished); });
  family("sluice_es_consumer_partition_end_offset", "Offset of the next record in Kafka, as the last fetch said.",
         end_of);
}

}  // namespace

std::string_view to_string(EsConsumerState state) {
  switch (state) {
    case EsConsumerState::Starting: return "starting";
    case EsConsumerState::Running: return "running";
    case EsConsumerState::Stopping: return "stopping";
  }
  return "unknown";
}

std::uint64_t EsConsumerStatus::lag_records() const {
  std::uint64_t lag = 0;
  for (const auto& partition : indexing.partitions) {
    const auto end = end_of(*this, partition);
    if (end && *end > partition.finished) lag += static_cast<std::uint64_t>(*end - partition.finished);
  }
  return lag;
}

std::vector<Reason> EsConsumerStatus::reasons() const {
  std::vector<Reason> reasons = obstacles;
  if (state == EsConsumerState::Starting && reasons.empty()) {
    reasons.push_back({"admin.starting", "the pipeline connects and checks what it finds"});
  }
  if (state == EsConsumerState::Running && indexing.partitions.empty()) {
    reasons.push_back({"admin.no_assignment", "the consumer group has given this member no partition"});
  }
  if (state == EsConsumerState::Running && indexing.away) {
    reasons.push_back({"es.away", "Elasticsearch takes no bulks at present; they are tried again"});
  }
  if (state == EsConsumerState::Running && indexing.stale) {
    reasons.push_back(
        {"es.stale_first_deliveries",
         fmt::format("of the last {} new documents of the mirror Elasticsearch had {} already as new or newer: it does "
                     "not show what changes. Positions of PostgreSQL have gone back (a restored server), or another "
                     "group writes to the same mirror. Begin anew with replicator slot reset --new-epoch, or give each "
                     "group an elasticsearch.mirrorPrefix of its own",
                     indexing.stale->of, indexing.stale->superseded)});
  }
  if (state == EsConsumerState::Running && indexing.refusal) {
    reasons.push_back({std::string(indexing.refusal->id), indexing.refusal->message});
  }
  if (state == EsConsumerState::Running && indexing.letters) {
    reasons.push_back({std::string(indexing.letters->id), indexing.letters->message});
  }
  if (state == EsConsumerState::Stopping) reasons.push_back({"admin.stopping", "the program was asked to stop"});
  return reasons;
}

std::string EsConsumerStatus::json() const {
  Json json;
  json["program"] = "es_consumer";
  json["version"] = version;
  json["pipeline"] = pipeline;
  json["group"] = group;
  json["state"] = to_string(state);
  json["time"] = time_text(at);
  json["throughput"] = {{"total", indexing.counters.records_finished}, {"of", "records into Elasticsearch"}};
  json["lag"] = {{"seconds", lag_seconds()}, {"records", lag_records()}};
  json["partitions"] = partitions_json(*this);
  json["tables"] = tables_json(*this);
  json["counters"] = counters_json(indexing.counters);
  json["counters"]["retired_events"] = retired_events;
  json["counters"]["incomplete_documents"] = incomplete_documents;
  json["skipped"] = {{"tombstones", skipped.tombstones}, {"markers", skipped.markers}, {"messages", skipped.messages}};
  json["bulks"] = {{"in_flight", indexing.bulks_in_flight},
                   {"held_bytes", indexing.held_bytes},
                   {"documents", bulk_sizes.pieces.sum()},
                   {"bytes", bulk_sizes.bytes.sum()},
                   {"documents_per_bulk", size_json(bulk_sizes.pieces)},
                   {"bytes_per_bulk", size_json(bulk_sizes.bytes)},
                   {"duration", latency_json(bulk_duration)}};
  json["away"] = indexing.away;
  json["published_epoch"] = published_epoch ? Json(*published_epoch) : Json(nullptr);
  json["commit_to_bulk"] = latency_json(indexing.counters.commit_to_bulk);
  json["record_to_bulk"] = latency_json(record_to_bulk);
  json["errors"] = errors_json(errors);
  return dump(json);
}

void EsConsumerStatus::write_metrics(MetricsText& out) const {
  const auto gauge = [&out](std::string_view name, std::string_view help, double value) {
    out.single(name, MetricType::Gauge, help, value);
  };
  out.family("sluice_es_consumer_state", MetricType::Gauge, "1 for the state that es_consumer is in.");
  for (const EsConsumerState each : kStates) out.sample(each == state ? 1 : 0, {{"state", to_string(each)}});
  gauge("sluice_es_consumer_lag_records", "Records that are in Kafka and not finished.", real(lag_records()));
  gauge("sluice_es_consumer_lag_seconds", "Age of the oldest record of the newest bulk; 0 when nothing waits.",
        lag_seconds());
  gauge("sluice_es_consumer_assigned_partitions", "Partitions that the group has given this member.",
        real(indexing.partitions.size()));
  write_partitions(out, *this);
  write_events(out, *this);
  write_skipped(out, *this);
  write_counters(out, indexing.counters);
  gauge("sluice_es_consumer_held_bytes", "Bytes in memory that records cost which were read and are not finished.",
        real(indexing.held_bytes));
  gauge("sluice_es_consumer_bulks_in_flight", "Bulk requests without an answer yet.", real(indexing.bulks_in_flight));
  gauge("sluice_es_consumer_elasticsearch_away", "1 while Elasticsearch takes no bulks.", indexing.away ? 1 : 0);
  if (published_epoch) {
    gauge("sluice_es_consumer_published_epoch", "Generation of the mirror that users see; 0: none yet.",
          *published_epoch);
  }
  out.single("sluice_es_consumer_bulk_documents_total", MetricType::Counter, "Documents in answered bulk requests.",
             real(bulk_sizes.pieces.sum()));
  out.single("sluice_es_consumer_bulk_bytes_total", MetricType::Counter, "Bytes of answered bulk requests.",
             real(bulk_sizes.bytes.sum()));
  out.histogram("sluice_es_consumer_bulk_size_documents", "Documents of an answered bulk request.", bulk_sizes.pieces);
  out.histogram("sluice_es_consumer_bulk_size_bytes", "Bytes of an answered bulk request.", bulk_sizes.bytes);
  out.histogram("sluice_es_consumer_bulk_seconds", "Time from a bulk request to its answer.", bulk_duration);
  out.histogram(
      "sluice_es_consumer_commit_to_bulk_seconds",
      "From the commit in PostgreSQL to Elasticsearch's answer, an event each; searchable with the next refresh.",
      indexing.counters.commit_to_bulk);
  out.histogram("sluice_es_consumer_record_to_bulk_seconds",
                "From Kafka's time stamp of the oldest record of a bulk to the bulk's answer.", record_to_bulk);
  write_errors(out, errors);
}

}  // namespace sluice::admin
