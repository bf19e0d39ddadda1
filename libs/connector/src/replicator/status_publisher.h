// Tells the world how the replicator stands: a few times a second, from the pipeline's thread.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <memory>
#include <optional>

#include "sluice/admin/admin_server.h"
#include "sluice/admin/lag_clock.h"
#include "sluice/admin/replicator_status.h"
#include "sluice/admin/status_board.h"
#include "sluice/config/settings.h"
#include "sluice/kafka/producer.h"
#include "sluice/pipeline/replication.h"
#include "sluice/postgres/connection.h"
#include "sluice/postgres/replication_stream.h"
#include "sluice/postgres/reselect.h"
#include "sluice/postgres/snapshot_source.h"

namespace sluice::connector {

/// What is being read at the moment; either `rows` or `stream`, or nothing in a given state.
struct Reading {
  const postgres::SnapshotSource* rows = nullptr;
  postgres::ReplicationStream* stream = nullptr;
  postgres::ReselectSource* reselect = nullptr;  ///< between the stream and us; null: there is none
  postgres::Connection* sql = nullptr;           ///< asked for the slot now and then, while it works
  admin::ReplicatorState state = admin::ReplicatorState::Starting;
};

class ReplicatorStatusPublisher {
 public:
  /// Listens, if the configuration wants it. `settings` must outlive it. Errors: those of AdminServer::start().
  static base::Result<std::unique_ptr<ReplicatorStatusPublisher>> open(const config::Settings& settings);

  void starting();
  void retrying(const base::Error& error, base::Milliseconds wait);
  void note(const base::Error& error) { status_.errors.note(error); }
  void count_replacements(std::uint64_t pieces) { status_.text_replacements += pieces; }
  void count_gap(std::uint64_t late_appends, std::uint64_t foreign_records);
  void slot(const std::optional<pipeline::SlotFacts>& slot);
  /// Call it as often as you like: it publishes every 250 ms.
  void tick(base::Deadline now, pipeline::Replication& replication, const kafka::Producer& producer,
            const Reading& reading) {
    if (now >= next_) publish(now, replication, producer, reading);
  }

 private:
  explicit ReplicatorStatusPublisher(const config::Settings& settings);
  void publish(base::Deadline now, pipeline::Replication& replication, const kafka::Producer& producer,
               const Reading& reading);
  void show(base::Milliseconds max_silence);
  void measure(base::Deadline now, const Reading& reading);
  void ask_for_slot(base::Deadline now, postgres::Connection* sql);
  base::Result<std::optional<pipeline::SlotFacts>> fetch_slot(postgres::Connection* sql);

  const config::Settings& settings_;
  admin::ReplicatorStatus status_;
  admin::LagClock lag_;
  base::Deadline next_{};
  base::Deadline next_slot_{};
  std::uint64_t transactions_seen_ = 0;
  bool is_sql_finished_ = false;                 // a question failed on the connection that is lent to us
  std::optional<postgres::Connection> own_sql_;  // then, and where none is lent
  admin::StatusBoard board_;
  std::unique_ptr<admin::AdminServer> server_;
};

}  // namespace sluice::connector
