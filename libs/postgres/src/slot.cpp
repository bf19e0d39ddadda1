#include "sluice/postgres/slot.h"

#include <algorithm>

#include <fmt/core.h>

#include "sluice/postgres/server.h"

namespace sluice::postgres {
namespace {

using base::Recovery;
using base::Result;

constexpr std::size_t kMaxSlotName = 63;

base::Error too_many_slots() {
  return {Recovery::Stop, "pg.too_many_slots",
          "all replication slots of the server are in use. Drop one that nobody reads, or raise max_replication_slots"};
}

Result<void> check_version(std::uint32_t version, const SlotRequest& request) {
  if (request.snapshot == SlotSnapshot::Export && request.race == SnapshotRace::Refuse && has_snapshot_race(version)) {
    return base::fail(
        Recovery::Stop, "pg.snapshot_race",
        fmt::format("PostgreSQL {}.{} can lose a committed row when a slot with a snapshot is made. Update "
                    "to 14.25, 15.20, 16.16, 17.12 or 18.6, or accept the risk with postgres.accept_snapshot_race: on",
                    version / 10'000, version % 10'000));
  }
  if (request.failover == SlotFailover::On && version < 170'000) {
    return base::fail(Recovery::Stop, "pg.no_failover_slots",
                      "failover slots exist from PostgreSQL 17 on. Switch the option off, or update the server");
  }
  return {};
}

Result<void> check_server(Connection& replication, const SlotRequest& request) {
  SLUICE_ASSIGN(const QueryResult answer,
                replication.query("reading wal_level", "select current_setting('wal_level')"));
  RowReader row = answer.row(0);
  const std::string level = row.string();
  if (level != "logical") {
    return base::fail(
        Recovery::Stop, "pg.wal_level",
        fmt::format("the server has wal_level={}, which does not hold what logical replication needs. Run "
                    "ALTER SYSTEM SET wal_level = logical and restart PostgreSQL",
                    level));
  }
  return check_version(replication.server_version_num(), request);
}

std::string create_command(std::uint32_t version, const SlotRequest& request) {
  const bool exports = request.snapshot == SlotSnapshot::Export;
  if (version < 150'000) {
    return fmt::format("CREATE_REPLICATION_SLOT \"{}\" LOGICAL pgoutput {}", request.name,
                       exports ? "EXPORT_SNAPSHOT" : "NOEXPORT_SNAPSHOT");
  }
  return fmt::format("CREATE_REPLICATION_SLOT \"{}\" LOGICAL pgoutput (SNAPSHOT '{}'{})", request.name,
                     exports ? "export" : "nothing", request.failover == SlotFailover::On ? ", FAILOVER true" : "");
}

std::string blocking_pids(Connection& sql, std::uint32_t pid) {
  const auto answer = sql.query("asking for the blocking processes",
                                fmt::format("select coalesce(array_to_string(pg_blocking_pids({}), ', '), '')", pid));
  if (!answer || answer->rows() != 1) return {};
  return answer->row(0).string_or_empty();
}

// The server goes on waiting when we merely hang up, so its process is told to stop.
tl::unexpected<base::Error> give_up(Connection& replication, Connection& sql, const SlotRequest& request) {
  const std::string pids = blocking_pids(sql, replication.backend_pid());
  (void)sql.query("cancelling the slot's creation",
                  fmt::format("select pg_cancel_backend({})", replication.backend_pid()));
  return base::fail(
      Recovery::Retry, "pg.slot_blocked",
      fmt::format("the slot {} could not be made within {} ms, since transactions that were running must end "
                  "first{}{}. It is tried again; end those transactions if they were forgotten",
                  request.name, request.patience.count(), pids.empty() ? "" : ": pid ", pids));
}

base::Error named_error(base::Error error) {
  if (error.message.find("SQLSTATE 53400") != std::string::npos) return too_many_slots();
  return error;
}

Result<CreatedSlot> read_created(const QueryResult& answer) {
  if (answer.rows() != 1) return unexpected_answer("CREATE_REPLICATION_SLOT");
  RowReader row = answer.row(0);
  CreatedSlot created;
  (void)row.text();  // the slot's name
  created.consistent_point = row.lsn();
  created.snapshot_name = row.string_or_empty();
  if (row.failed() || created.consistent_point.is_zero()) return unexpected_answer("CREATE_REPLICATION_SLOT");
  return created;
}

}  // namespace

Result<void> check_slot_name(std::string_view slot) {
  const bool good = !slot.empty() && slot.size() <= kMaxSlotName && std::all_of(slot.begin(), slot.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (good) return {};
  return base::fail(Recovery::Stop, "pg.bad_slot_name",
                    "a slot's name has 1 to 63 of the characters a-z, 0-9 and _. Correct postgres.slot_name");
}

Result<void> check_slot_can_be_made(const pipeline::ServerFacts& server, const SlotRequest& request) {
  SLUICE_TRY(check_slot_name(request.name));
  SLUICE_TRY(check_version(server.version_num, request));
  if (server.free_slots == 0) return tl::make_unexpected(too_many_slots());
  return {};
}

Result<CreatedSlot> create_slot(Connection& replication, Connection& sql, const SlotRequest& request) {
  SLUICE_TRY(check_slot_name(request.name));
  SLUICE_TRY(check_server(replication, request));
  SLUICE_ASSIGN(const auto existing, fetch_slot(replication, request.name));
  if (existing) {
    return base::fail(Recovery::Stop, "pg.slot_exists",
                      fmt::format("a replication slot {} exists already. Use it, drop it, or choose another slot_name",
                                  request.name));
  }
  // The server waits for transactions as for locks: our patience must count, not the session's.
  SLUICE_TRY(replication.query("preparing the session", "SET lock_timeout = 0"));
  const auto answer = replication.query_within(request.patience, fmt::format("creating the slot {}", request.name),
                                               create_command(replication.server_version_num(), request));
  if (answer) return read_created(*answer);
  if (answer.error().id == "pg.timeout") return give_up(replication, sql, request);
  return tl::make_unexpected(named_error(answer.error()));
}

Result<void> drop_slot(Connection& sql, std::string_view slot) {
  SLUICE_TRY(check_slot_name(slot));
  SLUICE_ASSIGN(const auto facts, fetch_slot(sql, slot));
  if (!facts) {
    return base::fail(Recovery::Stop, "pg.slot_missing",
                      fmt::format("there is no replication slot {}. Correct postgres.slot_name", slot));
  }
  if (facts->active) {
    return base::fail(Recovery::Retry, "pg.slot_active",
                      fmt::format("the slot {} is being read by the server process {}. Stop its reader first", slot,
                                  facts->active_pid));
  }
  SLUICE_TRY(sql.query("dropping the slot", fmt::format("select pg_drop_replication_slot({})", sql.literal(slot))));
  return {};
}

}  // namespace sluice::postgres
