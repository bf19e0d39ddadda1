// The two connections to PostgreSQL of one attempt, and everything that the start has to know and do there.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <optional>
#include <string>

#include "sluice/config/settings.h"
#include "sluice/pipeline/checkpoint.h"
#include "sluice/pipeline/source_facts.h"
#include "sluice/postgres/connection.h"

namespace sluice::connector {

struct SourceFacts {
  pipeline::ServerFacts server;
  pipeline::TimelineHistory history;
  std::optional<pipeline::SlotFacts> slot;
  pipeline::PublicationFacts publication;
};

class SourceSession {
 public:
  static base::Result<SourceSession> open(const config::Settings& settings);

  /// Reads the facts of rule P-2. The publication is made when it is missing and the configuration allows it: before
  /// the slot, always (rule P-20). Errors: pg.wal_level, pg.publication_missing, pg.publication_incomplete,
  /// pg.table_missing, pg.no_tables, pg.privilege, pg.row_security, pg.mirror… (all Stop).
  base::Result<SourceFacts> gather(const config::Settings& settings, const std::optional<pipeline::Checkpoint>& stored);

  postgres::Connection& sql() { return sql_; }
  postgres::Connection& replication() { return replication_; }

 private:
  SourceSession(postgres::Connection sql, postgres::Connection replication)
      : sql_(std::move(sql)), replication_(std::move(replication)) {}
  base::Result<pipeline::PublicationFacts> ensure_publication(const config::Settings& settings);

  postgres::Connection sql_;
  postgres::Connection replication_;
};

}  // namespace sluice::connector
