// Reads what is so on the server (rule P-2): facts, no decisions.
//
// Thread rule: one thread per connection. All questions but the two that say so work on both kinds of connection.
// Errors: those of Connection::query(), pg.unexpected_answer (Stop), pg.bad_timeline_history (Stop).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sluice/base/error.h"
#include "sluice/pipeline/source_facts.h"
#include "sluice/postgres/connection.h"

namespace sluice::postgres {

/// IDENTIFY_SYSTEM and the server's settings. REQUIRES: a replication connection.
base::Result<pipeline::ServerFacts> fetch_server_facts(Connection& replication);

/// Above every transaction id that was ever given, also to one that still waits for a standby to commit. Takes one:
/// ask only when the snapshot's was not enough.
base::Result<std::uint64_t> fetch_next_xid(Connection& connection);

/// TIMELINE_HISTORY of a timeline; empty for timeline 1, which has none. REQUIRES: a replication connection.
base::Result<pipeline::TimelineHistory> fetch_timeline_history(Connection& replication, std::uint32_t timeline);

/// The text of a history file: a line per ancestor, "1<tab>0/9001F70<tab>reason".
base::Result<pipeline::TimelineHistory> parse_timeline_history(std::string_view text);

/// Nothing: there is no slot of this name.
base::Result<std::optional<pipeline::SlotFacts>> fetch_slot(Connection& connection, std::string_view slot);
/// The same with another patience than the connection's query_timeout.
base::Result<std::optional<pipeline::SlotFacts>> fetch_slot_within(base::Milliseconds patience, Connection& connection,
                                                                   std::string_view slot);

/// idle_replication_slot_timeout (18+); zero: none.
base::Result<base::Milliseconds> fetch_idle_slot_timeout(base::Milliseconds patience, Connection& connection);

/// Below these minor versions a snapshot-exporting slot may miss a transaction and damage hint bits (rule P-22):
/// 14.25, 15.20, 16.16, 17.12, 18.6.
bool has_snapshot_race(std::uint32_t server_version_num);

}  // namespace sluice::postgres
