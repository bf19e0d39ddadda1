#include "source_session.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "../adapter_options.h"
#include "sluice/pipeline/start_plan.h"
#include "sluice/postgres/publication.h"
#include "sluice/postgres/server.h"

namespace sluice::connector {
namespace {

using base::Recovery;

std::vector<postgres::TableName> table_names(const config::Settings& settings) {
  std::vector<postgres::TableName> names;
  for (const auto& table : settings.postgres.tables) names.push_back({table.schema, table.table});
  return names;
}

base::Result<void> check_server(const pipeline::ServerFacts& server) {
  if (server.in_recovery) {
    return base::fail(Recovery::Retry, "pg.in_recovery",
                      "the server is in recovery: a standby, or not promoted yet. It is tried again until it is a "
                      "primary; if it is to stay a standby, name the primary in postgres.host");
  }
  if (server.wal_level != "logical") {
    return base::fail(
        Recovery::Stop, "pg.wal_level",
        fmt::format("wal_level is {}, changes can only be read with logical. Run ALTER SYSTEM SET wal_level = "
                    "logical and restart the server",
                    server.wal_level));
  }
  if (!server.role_may_replicate) {
    return base::fail(Recovery::Stop, "pg.privilege",
                      fmt::format("role {0} may not replicate. Run ALTER ROLE \"{0}\" REPLICATION", server.role));
  }
  return {};
}

/// What would be wrong in silence: rows that a policy hides from the snapshot, changes that are never decoded.
base::Result<void> check_table(const pipeline::TableFacts& table, const config::Settings& settings) {
  const std::string name = table.schema + "." + table.name;
  if (table.persistence != 'p' || table.kind == 'f' || table.kind == 'v') {
    return base::fail(
        Recovery::Stop, "pg.table_not_logged",
        fmt::format("{} is no ordinary logged table: its changes are never in the WAL. Take it out of the list", name));
  }
  const bool reads_rows =
      settings.postgres.snapshot == config::SnapshotMode::Initial ||
      (settings.postgres.toast == config::ToastPolicy::Reselect && !table.toastable_columns.empty());
  if (reads_rows && !table.may_select) {
    return base::fail(
        Recovery::Stop, "pg.privilege",
        fmt::format("the role may not read {}, which the snapshot and postgres.toast: reselect do. Run GRANT SELECT "
                    "ON {} and GRANT USAGE ON its schema; or set postgres.snapshot: never and postgres.toast: mark",
                    name, name));
  }
  if (reads_rows && table.row_security) {
    return base::fail(
        Recovery::Stop, "pg.row_security",
        fmt::format("row level security hides rows of {} from this role: the snapshot would lack them. Give the role "
                    "BYPASSRLS",
                    name));
  }
  const bool needs_full =
      settings.postgres.toast == config::ToastPolicy::RequireFull && !table.toastable_columns.empty();
  if (needs_full && table.identity != change::ReplicaIdentity::Full) {
    return base::fail(
        Recovery::Stop, "pg.identity_not_full",
        fmt::format("postgres.toast is require_full, and {0} has columns that may come without a value. Run ALTER "
                    "TABLE {0} REPLICA IDENTITY FULL",
                    name));
  }
  return {};
}

/// Our publication would make the application's statements fail: it is not made then.
base::Result<void> check_harmless(const config::Settings& settings, const std::vector<pipeline::TableFacts>& tables) {
  const auto& operations = settings.postgres.publication_operations;
  const bool changes_rows = std::any_of(operations.begin(), operations.end(), [](const std::string& operation) {
    return operation == "update" || operation == "delete";
  });
  for (const auto& table : tables) {
    auto refused = postgres::refused_updates(settings.postgres.publication_name, table);
    if (!changes_rows || !refused) continue;
    refused->message += "; or leave update and delete out of postgres.publication_operations";
    return tl::make_unexpected(*std::move(refused));
  }
  return {};
}

postgres::SlotRequest slot_request(const config::Settings& settings) {
  postgres::SlotRequest request;
  request.name = settings.postgres.slot_name;
  const bool wants_snapshot = settings.postgres.snapshot == config::SnapshotMode::Initial;
  request.snapshot = wants_snapshot ? postgres::SlotSnapshot::Export : postgres::SlotSnapshot::Nothing;
  const bool accepts_race = config::is_on(settings.postgres.accept_snapshot_race);
  request.race = accepts_race ? postgres::SnapshotRace::Accept : postgres::SnapshotRace::Refuse;
  request.patience = settings.postgres.slot_timeout;
  return request;
}

}  // namespace

base::Result<SourceSession> SourceSession::open(const config::Settings& settings, pgoutput::Catalog& catalog) {
  SLUICE_ASSIGN(auto sql, postgres::Connection::open(connect_options(settings), postgres::ConnectionKind::Sql));
  SLUICE_ASSIGN(auto replication,
                postgres::Connection::open(connect_options(settings), postgres::ConnectionKind::Replication));
  return SourceSession(std::move(sql), std::move(replication), catalog);
}

base::Result<SourceFacts> SourceSession::gather(const config::Settings& settings,
                                                const std::optional<pipeline::Checkpoint>& stored) {
  SourceFacts facts;
  SLUICE_ASSIGN(facts.server, postgres::fetch_server_facts(replication_));
  SLUICE_TRY(check_server(facts.server));
  if (stored && stored->slot.timeline != facts.server.timeline) {
    SLUICE_ASSIGN(facts.history, postgres::fetch_timeline_history(replication_, facts.server.timeline));
  }
  SLUICE_ASSIGN(facts.publication, ensure_publication(settings));
  for (const auto& table : facts.publication.tables) SLUICE_TRY(check_table(table, settings));
  SLUICE_ASSIGN(facts.slot, postgres::fetch_slot(sql_, settings.postgres.slot_name));
  if (stored && pipeline::is_behind_delivered(facts.server.next_xid, stored->highest_xid)) {
    SLUICE_ASSIGN(facts.server.next_xid, postgres::fetch_next_xid(sql_));
  }
  return facts;
}

base::Result<pipeline::PublicationFacts> SourceSession::ensure_publication(const config::Settings& settings) {
  const std::string& name = settings.postgres.publication_name;
  const auto wanted = table_names(settings);
  SLUICE_ASSIGN(const auto tables, postgres::fetch_tables(sql_, wanted));  // names what is missing, and what is near
  SLUICE_ASSIGN(auto found, postgres::fetch_publication(sql_, name));
  if (!found) {
    if (!config::is_on(settings.postgres.create_publication)) {
      return base::fail(
          Recovery::Stop, "pg.publication_missing",
          fmt::format("publication {} does not exist and postgres.create_publication is off. Make it, or switch it on",
                      name));
    }
    SLUICE_TRY(check_harmless(settings, tables));
    SLUICE_TRY(postgres::create_publication(sql_, name, wanted, settings.postgres.publication_operations));
    SLUICE_ASSIGN(found, postgres::fetch_publication(sql_, name));
    if (!found)
      return base::fail(Recovery::Retry, "pg.publication_missing", fmt::format("publication {} vanished", name));
  }
  const auto uncovered = postgres::uncovered_tables(*found, wanted);
  if (!uncovered.empty()) {
    return base::fail(
        Recovery::Stop, "pg.publication_incomplete",
        fmt::format("publication {0} does not publish {1}. Run ALTER PUBLICATION \"{0}\" ADD TABLE {1}, or take it out "
                    "of postgres.tables",
                    name, postgres::to_string(uncovered.front())));
  }
  return *std::move(found);
}

base::Result<void> SourceSession::drop_slot(const config::Settings& settings) {
  return postgres::drop_slot(sql_, settings.postgres.slot_name);
}

base::Result<void> SourceSession::check_slot_can_be_made(const config::Settings& settings, pipeline::ServerFacts server,
                                                         bool drops_one_first) {
  if (!config::is_on(settings.postgres.create_slot)) {
    return base::fail(Recovery::Stop, "pg.slot_missing",
                      fmt::format("slot {} does not exist and postgres.create_slot is off. Make it, or switch it on",
                                  settings.postgres.slot_name));
  }
  if (drops_one_first) ++server.free_slots;
  return postgres::check_slot_can_be_made(server, slot_request(settings));
}

base::Result<postgres::CreatedSlot> SourceSession::create_slot(const config::Settings& settings) {
  return postgres::create_slot(replication_, sql_, slot_request(settings));
}

base::Result<std::unique_ptr<postgres::SnapshotSource>> SourceSession::open_snapshot(const config::Settings& settings,
                                                                                     const postgres::CreatedSlot& slot,
                                                                                     std::uint32_t epoch) {
  SLUICE_ASSIGN(auto reader, postgres::Connection::open(connect_options(settings), postgres::ConnectionKind::Sql));
  const postgres::SnapshotOptions options{settings.postgres.publication_name, slot.snapshot_name, slot.consistent_point,
                                          epoch};
  return postgres::SnapshotSource::open(std::move(reader), options, catalog_);
}

base::Result<OpenStream> SourceSession::open_stream(const config::Settings& settings, change::Lsn from,
                                                    std::uint32_t epoch) {
  postgres::StreamOptions options;
  options.slot = settings.postgres.slot_name;
  options.publication = settings.postgres.publication_name;
  options.start = from;
  options.epoch = epoch;
  options.status_interval = settings.postgres.status_interval;
  if (config::is_on(settings.postgres.streaming)) {
    options.streaming = {settings.state_dir,
                         {settings.postgres.spool_memory.bytes, settings.postgres.spool_limit.bytes}};
  }
  switch (settings.postgres.local_recipe) {
    case config::AutoSwitch::Auto: options.local_peer = postgres::LocalPeer::Detect; break;
    case config::AutoSwitch::On: options.local_peer = postgres::LocalPeer::Force; break;
    case config::AutoSwitch::Off: options.local_peer = postgres::LocalPeer::Never; break;
  }
  OpenStream open;
  SLUICE_ASSIGN(open.stream, postgres::ReplicationStream::start(std::move(replication_), options, catalog_));
  if (settings.postgres.toast == config::ToastPolicy::Reselect) {
    SLUICE_ASSIGN(auto reader, postgres::Connection::open(connect_options(settings), postgres::ConnectionKind::Sql));
    postgres::ReselectOptions reselect;
    reselect.deadline = settings.postgres.reselect_timeout;
    reselect.max_unread = settings.postgres.park_after;
    SLUICE_ASSIGN(open.reselect, postgres::ReselectSource::open(*open.stream, std::move(reader), reselect));
  }
  return open;
}

pipeline::ChangeSource& OpenStream::source() {
  if (reselect) return *reselect;
  return *stream;
}

codec::SnapshotRecord describe_snapshot(const postgres::SnapshotSource& snapshot, const std::string& pipeline,
                                        std::uint32_t epoch, change::Lsn begin) {
  codec::SnapshotRecord record{pipeline, epoch, begin, {}, {}};
  for (const auto& table : snapshot.progress()) {
    record.tables.push_back({table.table->schema, table.table->name, table.table->id, table.rows});
  }
  return record;
}

}  // namespace sluice::connector
