#include "sluice/admin/replicator_status.h"

#include <array>
#include <functional>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "sluice/pipeline/slot_danger.h"
#include "sluice/pipeline/table_watch.h"
#include "status_json.h"

namespace sluice::admin {
namespace {

constexpr std::array kStates = {ReplicatorState::Starting, ReplicatorState::Snapshot, ReplicatorState::Streaming,
                                ReplicatorState::Parked, ReplicatorState::Stopping};

double real(std::uint64_t value) { return static_cast<double>(value); }

/// What was read of a table that is or was halted.
void write_halts(MetricsText& out, const ReplicatorStatus& status) {
  out.single("sluice_replicator_halted_tables", MetricType::Gauge,
             "Tables whose events are not sent (pg.table_halted).", real(status.halted.size()));
  out.family("sluice_replicator_events_not_sent_total", MetricType::Counter,
             "Changes of rows read while their table was halted.");
  std::uint64_t other = 0;
  std::size_t labels = 0;
  for (const auto& [table, of] : status.counters.tables) {
    if (of.not_sent == 0) continue;
    if (++labels <= kMaxTableLabels) {
      out.sample(real(of.not_sent), {{"table", table}});
    } else {
      other += of.not_sent;
    }
  }
  if (other > 0) out.sample(real(other), {{"table", kOtherTables}});
}

void write_counters(MetricsText& out, const pipeline::ReplicationCounters& of) {
  const auto counter = [&out](std::string_view name, std::string_view help, std::uint64_t value) {
    out.single(name, MetricType::Counter, help, real(value));
  };
  counter("sluice_replicator_messages_read_total", "Logical messages read from PostgreSQL.", of.messages);
  counter("sluice_replicator_transactions_read_total", "Whole transactions with rows that were read.", of.transactions);
  counter("sluice_replicator_records_sent_total", "Records handed to the Kafka producer.", of.records_sent);
  counter("sluice_replicator_sent_bytes_total", "Bytes of keys and values of these records.", of.bytes_sent);
  counter("sluice_replicator_records_known_total", "Records not sent because Kafka has them already.",
          of.records_known);
  counter("sluice_replicator_records_durable_total", "Records acknowledged by all in-sync replicas.",
          of.records_durable);
  counter("sluice_replicator_checkpoints_total", "Positions stored.", of.checkpoints);
  counter("sluice_replicator_checkpoint_failures_total", "Positions that could not be stored.", of.failed_checkpoints);
  counter("sluice_replicator_parked_total", "Times that the stream was closed because Kafka took nothing.", of.parked);
}

void write_slot(MetricsText& out, const pipeline::SlotFacts& slot) {
  out.single("sluice_replicator_slot_retained_bytes", MetricType::Gauge, "WAL that PostgreSQL keeps for the slot.",
             real(slot.retained_bytes));
  if (slot.safe_wal_size_bytes) {
    out.single("sluice_replicator_slot_safe_wal_bytes", MetricType::Gauge,
               "WAL that may still be written before the slot is in danger.",
               static_cast<double>(*slot.safe_wal_size_bytes));
  }
  out.family("sluice_replicator_slot_wal_status", MetricType::Gauge, "1 for the slot's wal_status.");
  out.sample(1, {{"status", slot.wal_status.empty() ? std::string_view("unknown") : slot.wal_status}});
}

Json slot_json(const pipeline::SlotFacts& slot) {
  Json json;
  json["name"] = slot.name;
  json["wal_status"] = slot.wal_status;
  json["retained_bytes"] = slot.retained_bytes;
  json["safe_wal_size_bytes"] = slot.safe_wal_size_bytes ? Json(*slot.safe_wal_size_bytes) : Json(nullptr);
  json["confirmed_flush_lsn"] = change::to_string(slot.confirmed_flush_lsn);
  json["restart_lsn"] = change::to_string(slot.restart_lsn);
  return json;
}

void write_reselect(MetricsText& out, const ReplicatorStatus::Reselect& of) {
  out.single("sluice_replicator_reselect_queries_total", MetricType::Counter,
             "Queries for values that the stream left out because they had not changed.", real(of.queries));
  out.family("sluice_replicator_reselect_events_total", MetricType::Counter,
             "Changes of rows whose values were left out, by what became of them.");
  out.sample(real(of.reselected), {{"outcome", "reselected"}});
  out.sample(real(of.carried), {{"outcome", "carried"}});
  out.sample(real(of.given_up), {{"outcome", "given_up"}});
}

Json reselect_json(const ReplicatorStatus::Reselect& of) {
  return {{"queries", of.queries}, {"reselected", of.reselected}, {"carried", of.carried}, {"given_up", of.given_up}};
}

Json counters_json(const pipeline::ReplicationCounters& of) {
  return {{"transactions_read", of.transactions},
          {"messages_read", of.messages},
          {"records_sent", of.records_sent},
          {"bytes_sent", of.bytes_sent},
          {"records_known", of.records_known},
          {"records_durable", of.records_durable},
          {"checkpoints", of.checkpoints},
          {"failed_checkpoints", of.failed_checkpoints},
          {"parked", of.parked}};
}

Json halted_json(const ReplicatorStatus& status) {
  Json json = Json::object();
  for (const auto& [table, halt] : status.halted) {
    const auto counted = status.counters.tables.find(table);
    json[table] = {{"reason", halt.reason},
                   {"since", change::to_string(halt.since)},
                   {"events_not_sent", counted == status.counters.tables.end() ? 0 : counted->second.not_sent}};
  }
  return json;
}

}  // namespace

std::string_view to_string(ReplicatorState state) {
  switch (state) {
    case ReplicatorState::Starting: return "starting";
    case ReplicatorState::Snapshot: return "snapshot";
    case ReplicatorState::Streaming: return "streaming";
    case ReplicatorState::Parked: return "parked";
    case ReplicatorState::Stopping: return "stopping";
  }
  return "unknown";
}

std::vector<Reason> ReplicatorStatus::reasons() const {
  std::vector<Reason> reasons = obstacles;
  if (state == ReplicatorState::Starting && reasons.empty()) {
    reasons.push_back({"admin.starting", "the pipeline connects and checks what it finds"});
  }
  if (state == ReplicatorState::Parked) {
    reasons.push_back({"kafka.parked", "Kafka takes nothing: the stream is closed until it does"});
  }
  if (state == ReplicatorState::Stopping) reasons.push_back({"admin.stopping", "the program was asked to stop"});
  if (slot) {
    const auto danger = pipeline::slot_in_danger(*slot);
    if (danger) reasons.push_back({std::string(danger->id), danger->message});
  }
  for (const auto& [table, halt] : halted) {
    const base::Error error = pipeline::table_halted(table, halt);
    reasons.push_back({std::string(error.id), error.message});
  }
  return reasons;
}

std::string ReplicatorStatus::json() const {
  Json json;
  json["program"] = "replicator";
  json["version"] = version;
  json["pipeline"] = pipeline;
  json["state"] = to_string(state);
  json["time"] = time_text(at);
  json["epoch"] = epoch;
  json["throughput"] = {{"total", counters.records_durable}, {"of", "records into Kafka"}};
  json["lag"] = {{"seconds", lag_seconds}, {"bytes", lag_bytes()}};
  json["positions"] = {{"durable", change::to_string(durable)},
                       {"confirmed", change::to_string(confirmed)},
                       {"server_wal_end", change::to_string(server_wal_end)}};
  json["in_flight"] = {
      {"records", in_flight_records}, {"bytes", in_flight_bytes}, {"transactions", in_flight_transactions}};
  json["batches"] = {
      {"count", batches.pieces.count()}, {"records", size_json(batches.pieces)}, {"bytes", size_json(batches.bytes)}};
  json["in_progress"] = {
      {"transactions", spooled_transactions}, {"bytes", spooled_bytes}, {"spilled_bytes", spilled_bytes}};
  json["counters"] = counters_json(counters);
  json["counters"]["late_appends"] = late_appends;
  json["counters"]["foreign_records"] = foreign_records;
  json["counters"]["text_replacements"] = text_replacements;
  if (reselect) json["reselect"] = reselect_json(*reselect);
  if (!halted.empty()) json["halted_tables"] = halted_json(*this);
  json["tables"] = Json::object();
  for (const auto& [table, of] : counters.tables) json["tables"][table] = operations_json(of);
  if (!snapshot.empty()) {
    json["snapshot"] = Json::object();
    for (const Table& table : snapshot) {
      json["snapshot"][table.name] = {
          {"rows", table.rows},
          {"estimated_rows", table.estimated_rows < 0 ? Json(nullptr) : Json(table.estimated_rows)},
          {"finished", table.finished}};
    }
  }
  json["commit_to_kafka"] = latency_json(counters.commit_to_kafka);
  json["slot"] = slot ? slot_json(*slot) : Json(nullptr);
  if (slot && slot_asked) {
    json["slot"]["asked"] = time_text(*slot_asked);
    json["slot"]["fresh"] = is_slot_fresh();
  }
  json["errors"] = errors_json(errors);
  return dump(json);
}

void ReplicatorStatus::write_metrics(MetricsText& out) const {
  const auto gauge = [&out](std::string_view name, std::string_view help, double value) {
    out.single(name, MetricType::Gauge, help, value);
  };
  out.family("sluice_replicator_state", MetricType::Gauge, "1 for the state that the replicator is in.");
  for (const ReplicatorState each : kStates) out.sample(each == state ? 1 : 0, {{"state", to_string(each)}});
  gauge("sluice_replicator_epoch", "The epoch of the events that are written.", epoch);
  gauge("sluice_replicator_durable_lsn_bytes", "Everything before this position of the WAL is in Kafka.",
        real(durable.value()));
  gauge("sluice_replicator_confirmed_lsn_bytes", "The position that PostgreSQL was told.", real(confirmed.value()));
  gauge("sluice_replicator_server_wal_end_lsn_bytes", "The end of the WAL as PostgreSQL last said.",
        real(server_wal_end.value()));
  gauge("sluice_replicator_lag_bytes", "WAL that is not in Kafka yet.", real(lag_bytes()));
  gauge("sluice_replicator_lag_seconds", "For how long the oldest change that is not in Kafka has been there.",
        lag_seconds);
  gauge("sluice_replicator_in_flight_records", "Records sent and not acknowledged.", real(in_flight_records));
  gauge("sluice_replicator_in_flight_bytes", "Bytes sent and not acknowledged.", real(in_flight_bytes));
  gauge("sluice_replicator_in_flight_transactions", "Transactions read and not acknowledged.",
        real(in_flight_transactions));
  out.histogram("sluice_replicator_batch_records", "Records of an acknowledged batch of one partition.",
                batches.pieces);
  out.histogram("sluice_replicator_batch_bytes", "Bytes of keys and values of such a batch, not compressed.",
                batches.bytes);
  gauge("sluice_replicator_spooled_transactions", "Streamed transactions that wait for their commit.",
        real(spooled_transactions));
  gauge("sluice_replicator_spooled_bytes", "Bytes of these, in memory and in files.", real(spooled_bytes));
  gauge("sluice_replicator_spilled_bytes", "Bytes of these in files.", real(spilled_bytes));
  out.family("sluice_replicator_events_read_total", MetricType::Counter, "Changes of rows read from PostgreSQL.");
  write_tables(out, counters.tables, std::identity{});
  write_halts(out, *this);
  write_counters(out, counters);
  out.single("sluice_replicator_late_appends_total", MetricType::Counter,
             "Records of a dead process of this pipeline that came between ours.", real(late_appends));
  out.single("sluice_replicator_foreign_records_total", MetricType::Counter,
             "Records of somebody else that came between ours.", real(foreign_records));
  out.single("sluice_replicator_text_replacements_total", MetricType::Counter,
             "Pieces of text that were no UTF-8 and became U+FFFD.", real(text_replacements));
  out.histogram("sluice_replicator_commit_to_kafka_seconds",
                "From the commit in PostgreSQL to the acknowledgement of Kafka, a transaction each.",
                counters.commit_to_kafka);
  if (!snapshot.empty()) {
    out.family("sluice_replicator_snapshot_rows", MetricType::Gauge, "Rows that the running snapshot has read.");
    for (std::size_t i = 0; i < snapshot.size() && i < kMaxTableLabels; ++i) {
      out.sample(real(snapshot[i].rows), {{"table", snapshot[i].name}});
    }
    out.family("sluice_replicator_snapshot_estimated_rows", MetricType::Gauge,
               "Rows that PostgreSQL's statistics expect; -1: not known.");
    for (std::size_t i = 0; i < snapshot.size() && i < kMaxTableLabels; ++i) {
      out.sample(snapshot[i].estimated_rows, {{"table", snapshot[i].name}});
    }
  }
  if (reselect) write_reselect(out, *reselect);
  if (slot && is_slot_fresh()) write_slot(out, *slot);
  if (slot_asked) {
    gauge("sluice_replicator_slot_age_seconds",
          "Since PostgreSQL last told of the slot; above 30 its other metrics are left out.",
          std::chrono::duration<double>(base::WallClock::now() - *slot_asked).count());
  }
  write_errors(out, errors);
}

}  // namespace sluice::admin
