#include "sluice/postgres/server.h"

#include <charconv>

#include <fmt/core.h>

namespace sluice::postgres {
namespace {

using base::Result;
using change::Lsn;
using pipeline::ServerFacts;
using pipeline::TimelineHistory;
using pipeline::TimelineSwitch;

constexpr const char* kServerQuery = R"(
select current_setting('server_version'), current_setting('wal_level'), current_setting('server_encoding'),
       pg_is_in_recovery(),
       pg_snapshot_xmin(pg_current_snapshot()), pg_snapshot_xmax(pg_current_snapshot()),
       current_setting('max_replication_slots')::int, (select count(*) from pg_replication_slots),
       current_setting('max_wal_senders')::int, (select count(*) from pg_stat_replication),
       (select setting::bigint from pg_settings where name = 'max_slot_wal_keep_size'),
       coalesce(current_setting('synchronized_standby_slots', true), ''),
       rolname, rolreplication or rolsuper, rolbypassrls or rolsuper,
       has_database_privilege(current_database(), 'CREATE')
  from pg_roles where rolname = current_user)";

std::uint32_t rest_of(std::uint64_t most, std::uint64_t used) {
  return used >= most ? 0 : static_cast<std::uint32_t>(most - used);
}

Result<void> identify_system(Connection& replication, ServerFacts& facts) {
  SLUICE_ASSIGN(const QueryResult answer, replication.query("IDENTIFY_SYSTEM", "IDENTIFY_SYSTEM"));
  if (answer.rows() != 1) return unexpected_answer("IDENTIFY_SYSTEM");
  RowReader row = answer.row(0);
  facts.system_id = row.u64();
  facts.timeline = row.u32();
  facts.wal_end = row.lsn();
  facts.database = row.string_or_empty();
  if (row.failed()) return unexpected_answer("IDENTIFY_SYSTEM");
  return {};
}

Result<void> read_settings(Connection& connection, ServerFacts& facts) {
  SLUICE_ASSIGN(const QueryResult answer, connection.query("reading the server's settings", kServerQuery));
  if (answer.rows() != 1) return unexpected_answer("the server's settings");
  RowReader row = answer.row(0);
  facts.version = row.string();
  facts.wal_level = row.string();
  facts.encoding = row.string();
  facts.in_recovery = row.boolean();
  facts.snapshot_xmin = row.u64();
  facts.next_xid = row.u64();
  facts.max_slots = row.u32();
  facts.free_slots = rest_of(facts.max_slots, row.u64());
  facts.max_senders = row.u32();
  facts.free_senders = rest_of(facts.max_senders, row.u64());
  facts.max_slot_wal_keep_size_mb = row.i64();
  facts.synchronized_standby_slots = row.string();
  facts.role = row.string();
  facts.role_may_replicate = row.boolean();
  facts.role_bypasses_rls = row.boolean();
  facts.role_may_create = row.boolean();
  if (row.failed()) return unexpected_answer("the server's settings");
  return {};
}

// Columns that a version lacks are asked for as constants, so that the reader is one.
std::string slot_query(std::uint32_t version, const std::string& name_literal) {
  return fmt::format(R"(
select slot_name, coalesce(plugin, ''), coalesce(database, ''), slot_type = 'logical', temporary, two_phase, active,
       coalesce(active_pid, 0), coalesce(wal_status, ''), restart_lsn, confirmed_flush_lsn, coalesce(catalog_xmin, '0'),
       safe_wal_size,
       coalesce(greatest(pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_receive_lsn()
                                              else pg_current_wal_lsn() end, restart_lsn), 0), 0)::bigint,
       {}, {}
  from pg_replication_slots where slot_name = {})",
                     version >= 160'000 ? "coalesce(conflicting, false)" : "false",
                     version >= 170'000 ? "coalesce(invalidation_reason, ''), failover, synced" : "'', false, false",
                     name_literal);
}

pipeline::SlotFacts read_slot(RowReader& row) {
  pipeline::SlotFacts slot;
  slot.name = row.string();
  slot.plugin = row.string();
  slot.database = row.string();
  slot.logical = row.boolean();
  slot.temporary = row.boolean();
  slot.two_phase = row.boolean();
  slot.active = row.boolean();
  slot.active_pid = row.u32();
  slot.wal_status = row.string();
  slot.restart_lsn = row.lsn();
  slot.confirmed_flush_lsn = row.lsn();
  slot.catalog_xmin = row.u32();
  slot.safe_wal_size_bytes = row.optional_i64();
  slot.retained_bytes = row.u64();
  slot.conflicting = row.boolean();
  slot.invalidation_reason = row.string();
  slot.failover = row.boolean();
  slot.synced = row.boolean();
  return slot;
}

tl::unexpected<base::Error> bad_history(std::size_t line) {
  return base::fail(
      base::Recovery::Stop, "pg.bad_timeline_history",
      fmt::format("line {} of the server's timeline history is not \"timeline, position, reason\". Look at "
                  "the .history file in the server's pg_wal directory",
                  line));
}

Result<TimelineSwitch> parse_history_line(std::string_view line, std::size_t number) {
  TimelineSwitch entry;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), entry.timeline);
  if (error != std::errc() || entry.timeline == 0) return bad_history(number);
  std::string_view rest = line.substr(static_cast<std::size_t>(end - line.data()));
  const std::size_t begin = rest.find_first_not_of(" \t");
  if (begin == 0 || begin == std::string_view::npos) return bad_history(number);
  rest = rest.substr(begin);
  const auto lsn = Lsn::parse(rest.substr(0, rest.find_first_of(" \t")));
  if (!lsn) return bad_history(number);
  entry.switch_point = *lsn;
  return entry;
}

}  // namespace

Result<ServerFacts> fetch_server_facts(Connection& replication) {
  ServerFacts facts;
  facts.version_num = replication.server_version_num();
  SLUICE_TRY(read_settings(replication, facts));
  // Last, so that wal_end is not older than anything that was read before it.
  SLUICE_TRY(identify_system(replication, facts));
  return facts;
}

Result<std::uint64_t> fetch_next_xid(Connection& connection) {
  // Rolled back: a commit would wait for the same standby.
  SLUICE_TRY(connection.query("asking for a transaction id", "begin"));
  SLUICE_ASSIGN(const QueryResult answer,
                connection.query("asking for a transaction id", "select pg_current_xact_id()"));
  SLUICE_TRY(connection.query("asking for a transaction id", "rollback"));
  if (answer.rows() != 1) return unexpected_answer("pg_current_xact_id()");
  RowReader row = answer.row(0);
  const std::uint64_t id = row.u64();
  if (row.failed()) return unexpected_answer("pg_current_xact_id()");
  return id;
}

Result<TimelineHistory> fetch_timeline_history(Connection& replication, std::uint32_t timeline) {
  if (timeline <= 1) return TimelineHistory();
  const std::string command = fmt::format("TIMELINE_HISTORY {}", timeline);
  SLUICE_ASSIGN(const QueryResult answer, replication.query(command, command));
  if (answer.rows() != 1) return unexpected_answer("TIMELINE_HISTORY");
  RowReader row = answer.row(0);
  (void)row.text();  // the file's name
  const std::string_view content = row.text();
  if (row.failed()) return unexpected_answer("TIMELINE_HISTORY");
  return parse_timeline_history(content);
}

Result<TimelineHistory> parse_timeline_history(std::string_view text) {
  TimelineHistory history;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos || line[begin] == '#') continue;
    SLUICE_ASSIGN(const TimelineSwitch entry, parse_history_line(line.substr(begin), number));
    if (!history.empty() && entry.timeline <= history.back().timeline) return bad_history(number);
    history.push_back(entry);
  }
  return history;
}

Result<std::optional<pipeline::SlotFacts>> fetch_slot(Connection& connection, std::string_view slot) {
  return fetch_slot_within(connection.options().query_timeout, connection, slot);
}

Result<std::optional<pipeline::SlotFacts>> fetch_slot_within(base::Milliseconds patience, Connection& connection,
                                                             std::string_view slot) {
  const std::string sql = slot_query(connection.server_version_num(), connection.literal(slot));
  SLUICE_ASSIGN(const QueryResult answer, connection.query_within(patience, "reading pg_replication_slots", sql));
  if (answer.rows() == 0) return std::nullopt;
  RowReader row = answer.row(0);
  pipeline::SlotFacts facts = read_slot(row);
  if (row.failed()) return unexpected_answer("pg_replication_slots");
  return facts;
}

Result<base::Milliseconds> fetch_idle_slot_timeout(base::Milliseconds patience, Connection& connection) {
  SLUICE_ASSIGN(
      const QueryResult answer,
      connection.query_within(patience, "reading idle_replication_slot_timeout",
                              "select coalesce(extract(epoch from current_setting('idle_replication_slot_timeout', "
                              "true)::interval) * 1000, 0)::bigint"));
  if (answer.rows() != 1) return unexpected_answer("idle_replication_slot_timeout");
  RowReader row = answer.row(0);
  const base::Milliseconds timeout(row.i64());
  if (row.failed()) return unexpected_answer("idle_replication_slot_timeout");
  return timeout;
}

bool has_snapshot_race(std::uint32_t version) {
  const std::uint32_t minor = version % 10'000;
  switch (version / 10'000) {
    case 14: return minor < 25;
    case 15: return minor < 20;
    case 16: return minor < 16;
    case 17: return minor < 12;
    case 18: return minor < 6;
    default: return version < 190'000;
  }
}

}  // namespace sluice::postgres
