// What is so on the PostgreSQL side: plain facts, read once and judged elsewhere (rule P-2, features A7). Whoever
// fetches them decides nothing; whoever decides needs no connection.
//
// Thread rule: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sluice/change/lsn.h"
#include "sluice/change/table_schema.h"

namespace sluice::pipeline {

/// IDENTIFY_SYSTEM and the settings of the whole server.
struct ServerFacts {
  std::uint64_t system_id = 0;
  std::uint32_t timeline = 0;
  change::Lsn wal_end;  ///< xlogpos: everything before it is flushed
  std::string database;
  std::uint32_t version_num = 0;  ///< server_version_num: 150020
  std::string version;            ///< server_version: "15.20 (Debian …)"
  std::string wal_level;
  std::string encoding;      ///< server_encoding of the database: "UTF8", "SQL_ASCII"
  bool in_recovery = false;  ///< a standby
  /// 64 bits; every transaction that has ended is below it: pg_snapshot_xmax(pg_current_snapshot()). One that is being
  /// committed, and waits for a standby, may be above it although it was delivered: see postgres::fetch_next_xid().
  std::uint64_t next_xid = 0;
  std::uint64_t snapshot_xmin = 0;  ///< every transaction below it has ended
  std::uint32_t max_slots = 0;
  std::uint32_t free_slots = 0;
  std::uint32_t max_senders = 0;
  std::uint32_t free_senders = 0;
  std::int64_t max_slot_wal_keep_size_mb = -1;  ///< -1: a slot keeps WAL without limit
  std::string synchronized_standby_slots;       ///< 17+; empty before
  std::string role;
  bool role_may_replicate = false;  ///< REPLICATION or superuser
  bool role_bypasses_rls = false;   ///< BYPASSRLS or superuser
  bool role_may_create = false;     ///< CREATE on the database: needed to create a publication
};

/// One line of TIMELINE_HISTORY: `timeline` ended at `switch_point`, where its successor begins.
struct TimelineSwitch {
  std::uint32_t timeline = 0;
  change::Lsn switch_point;
  friend bool operator==(const TimelineSwitch&, const TimelineSwitch&) = default;
};
using TimelineHistory = std::vector<TimelineSwitch>;  ///< oldest first; of timeline 1: empty

/// A row of pg_replication_slots.
struct SlotFacts {
  std::string name;
  std::string plugin;
  std::string database;
  bool logical = true;  ///< slot_type
  bool temporary = false;
  bool two_phase = false;
  bool active = false;
  std::uint32_t active_pid = 0;  ///< 0: nobody reads it
  std::string wal_status;        ///< reserved, extended, unreserved, lost; empty: not said
  change::Lsn restart_lsn;       ///< 0/0: null (the slot is lost, or not made to the end)
  change::Lsn confirmed_flush_lsn;
  std::uint32_t catalog_xmin = 0;
  std::optional<std::int64_t>
      safe_wal_size_bytes;           ///< what may still be written before the slot is in danger; nothing: no limit
  std::uint64_t retained_bytes = 0;  ///< WAL kept because of this slot
  bool conflicting = false;          ///< 16+
  std::string invalidation_reason;   ///< 17+; empty: valid
  bool failover = false;             ///< 17+
  bool synced = false;               ///< 17+: a copy kept by a standby
};

/// A table as the publication gives it: with publish_via_partition_root the root stands for its partitions.
struct TableFacts {
  std::uint32_t oid = 0;
  std::string schema;
  std::string name;
  char kind = 'r';                        ///< pg_class.relkind: 'r' table, 'p' partitioned, 'f' foreign, 'v' view, …
  char persistence = 'p';                 ///< pg_class.relpersistence: 'p', 'u' unlogged, 't' temporary
  bool partition = false;                 ///< is itself a partition of another table
  std::uint32_t partitions = 0;           ///< leaves below it
  std::uint32_t foreign_partitions = 0;   ///< leaves that are foreign tables: never decoded
  std::uint32_t unlogged_partitions = 0;  ///< likewise
  change::ReplicaIdentity identity = change::ReplicaIdentity::Default;
  std::vector<std::string> columns;           ///< published ones, in the order of the table
  std::vector<std::string> identity_columns;  ///< those that the replica identity flags; with FULL: all published ones
  std::vector<std::string> primary_key;
  bool primary_key_deferrable = false;
  std::vector<std::string> toastable_columns;  ///< published columns that may come as "unchanged" (rule P-31)
  std::vector<std::string> generated_columns;  ///< of the table; not published before 18
  bool column_list = false;                    ///< the publication names the columns
  std::string row_filter;                      ///< SQL of the publication's WHERE; empty: none
  std::vector<std::string>
      unpublished_identity;  ///< columns of the identity that the publication must have and has not
  std::vector<std::string> filter_beside_identity;  ///< columns of the row filter that the identity lacks
  bool row_security = false;                        ///< RLS applies to this role (rule P-28)
  bool may_select = false;                          ///< on all published columns, and USAGE on the schema
  double estimated_rows = -1;                       ///< pg_class.reltuples, of the leaves together; -1: never analysed
};

/// A row of pg_publication with its members (rule P-2.6).
struct PublicationFacts {
  struct Member {
    std::string name;              ///< schema.table, or the schema for pg_publication_namespace
    std::uint32_t oid = 0;         ///< of the row in pg_publication_rel or pg_publication_namespace
    std::uint32_t xmin = 0;        ///< of that row
    std::uint32_t object_oid = 0;  ///< of the table or the schema
    bool is_schema = false;
    friend bool operator==(const Member&, const Member&) = default;
  };
  std::string name;
  std::uint32_t oid = 0;
  std::uint32_t xmin = 0;
  bool all_tables = false;
  bool inserts = true;
  bool updates = true;
  bool deletes = true;
  bool truncates = true;
  bool via_partition_root = false;
  std::vector<Member> members;     ///< ordered by name
  std::vector<TableFacts> tables;  ///< what it publishes now, ordered by schema and name
};

}  // namespace sluice::pipeline
