// Making and dropping the replication slot.
//
// Thread rule: one thread per connection.
#pragma once

#include <string>
#include <string_view>

#include "sluice/base/clock.h"
#include "sluice/base/error.h"
#include "sluice/change/lsn.h"
#include "sluice/pipeline/source_facts.h"
#include "sluice/postgres/connection.h"

namespace sluice::postgres {

enum class SlotSnapshot {
  Export,  ///< for the initial snapshot: valid until the next command on the replication connection (rule P-21)
  Nothing,
};

/// What to do on a minor version with the snapshot race (rule P-22, has_snapshot_race()).
enum class SnapshotRace { Refuse, Accept };

/// Makes the slot a standby keeps a copy of (rule P-52). Before version 17 there is no such thing: refused by name.
enum class SlotFailover { Off, On };

struct SlotRequest {
  std::string name;
  SlotSnapshot snapshot = SlotSnapshot::Export;
  SnapshotRace race = SnapshotRace::Refuse;
  SlotFailover failover = SlotFailover::Off;
  /// How long to wait for the write transactions that were running when we asked (rule P-23).
  base::Milliseconds patience{60'000};
};

struct CreatedSlot {
  change::Lsn consistent_point;  ///< commits behind it are in the stream, those before it in the snapshot
  std::string snapshot_name;     ///< for SET TRANSACTION SNAPSHOT; empty with SlotSnapshot::Nothing
};

/// What create_slot() would be refused for, as far as the facts tell: asked by who must leave no trace then.
/// Errors (Stop): pg.bad_slot_name, pg.snapshot_race, pg.no_failover_slots, pg.too_many_slots.
base::Result<void> check_slot_can_be_made(const pipeline::ServerFacts& server, const SlotRequest& request);

/// Creates a slot for pgoutput. `sql` is a second connection, to name and to cancel what blocks.
/// Keep `replication` untouched until all readers have imported the snapshot.
/// Errors: pg.bad_slot_name (Stop), pg.wal_level (Stop), pg.snapshot_race (Stop), pg.slot_exists (Stop),
/// pg.too_many_slots (Stop), pg.slot_blocked (Retry; names the pids), pg.no_failover_slots (Stop), and those of
/// Connection::query().
base::Result<CreatedSlot> create_slot(Connection& replication, Connection& sql, const SlotRequest& request);

/// Errors: pg.bad_slot_name (Stop), pg.slot_missing (Stop), pg.slot_active (Retry; names the pid), and those of
/// Connection::query().
base::Result<void> drop_slot(Connection& sql, std::string_view slot);

/// PostgreSQL allows a-z, 0-9 and _, up to 63. Error: pg.bad_slot_name (Stop).
base::Result<void> check_slot_name(std::string_view slot);

}  // namespace sluice::postgres
