// The two connections to PostgreSQL of one attempt, and everything that the start has to know and do there.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <optional>
#include <string>

#include "sluice/codec/control_record.h"
#include "sluice/config/settings.h"
#include "sluice/pipeline/checkpoint.h"
#include "sluice/pipeline/source_facts.h"
#include "sluice/postgres/catalog.h"
#include "sluice/postgres/connection.h"
#include "sluice/postgres/replication_stream.h"
#include "sluice/postgres/reselect.h"
#include "sluice/postgres/slot.h"
#include "sluice/postgres/snapshot_source.h"

namespace sluice::connector {

struct SourceFacts {
  pipeline::ServerFacts server;
  pipeline::TimelineHistory history;
  std::optional<pipeline::SlotFacts> slot;
  pipeline::PublicationFacts publication;
};

/// The stream as the pipeline reads it: with what was left out fetched, if the configuration says so.
struct OpenStream {
  std::unique_ptr<postgres::ReplicationStream> stream;
  std::unique_ptr<postgres::ReselectSource> reselect;  ///< null: unchanged TOAST stays marked

  pipeline::ChangeSource& source();
};

class SourceSession {
 public:
  static base::Result<SourceSession> open(const config::Settings& settings, pgoutput::Catalog& catalog);

  /// Reads the facts of rule P-2. The publication is made when it is missing and the configuration allows it: before
  /// the slot, always (rule P-20). Errors: pg.wal_level, pg.publication_missing, pg.publication_incomplete,
  /// pg.table_missing, pg.privilege, pg.row_security and others of source_checks (all Stop).
  base::Result<SourceFacts> gather(const config::Settings& settings, const std::optional<pipeline::Checkpoint>& stored);

  base::Result<void> drop_slot(const config::Settings& settings);
  /// Errors (Stop): pg.slot_missing when none may be made, and those of postgres::check_slot_can_be_made().
  base::Result<void> check_slot_can_be_made(const config::Settings& settings, pipeline::ServerFacts server,
                                            bool drops_one_first);
  /// With an exported snapshot, if the configuration wants one: it lives until open_snapshot() or the next command.
  base::Result<postgres::CreatedSlot> create_slot(const config::Settings& settings);
  base::Result<std::unique_ptr<postgres::SnapshotSource>> open_snapshot(const config::Settings& settings,
                                                                        const postgres::CreatedSlot& slot,
                                                                        std::uint32_t epoch);
  /// Takes the replication connection: the last thing that a session does.
  base::Result<OpenStream> open_stream(const config::Settings& settings, change::Lsn from, std::uint32_t epoch);

  postgres::Connection& sql() { return sql_; }

 private:
  SourceSession(postgres::Connection sql, postgres::Connection replication, pgoutput::Catalog& catalog)
      : sql_(std::move(sql)), replication_(std::move(replication)), catalog_(catalog) {}
  base::Result<pipeline::PublicationFacts> ensure_publication(const config::Settings& settings);

  postgres::Connection sql_;
  postgres::Connection replication_;
  pgoutput::Catalog& catalog_;
};

/// What a finished snapshot consisted of; the ranges are the caller's to add.
codec::SnapshotRecord describe_snapshot(const postgres::SnapshotSource& snapshot, const std::string& pipeline,
                                        std::uint32_t epoch, change::Lsn begin);

}  // namespace sluice::connector
