// One life of the replicator: attempts, each of which starts or goes on, until a stop.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker_session.h"
#include "encoder_port.h"
#include "gap_watch.h"
#include "incarnation_watch.h"
#include "replicator_reports.h"
#include "sluice/config/settings.h"
#include "sluice/connector/replicator.h"
#include "sluice/offsets/lmdb_offset_store.h"
#include "sluice/pipeline/replication.h"
#include "sluice/pipeline/start_plan.h"
#include "sluice/pipeline/stop_signal.h"
#include "sluice/pipeline/supervise.h"
#include "source_session.h"
#include "status_publisher.h"
#include "unread_slot.h"

namespace sluice::connector {

/// What lives on over a reconnect to PostgreSQL and over parking: the producer with what is in flight, and the
/// replication that knows it. It ends with an error of the producer (rule K-3).
struct LivingPipeline {
  std::unique_ptr<kafka::Producer> producer;
  std::unique_ptr<kafka::DeliveryWatch> deliveries;  ///< the producer, as the replication sees it
  EncoderPort encoder;
  std::unique_ptr<pipeline::Replication> replication;
};

class ReplicatorRun {
 public:
  ReplicatorRun(const config::Settings& settings, const ReplicatorFlags& flags, pipeline::StopSignal& stop);

  base::Result<void> run();

 private:
  pipeline::Attempt attempt();
  void end_with_the_producer();
  void tend_until(base::Deadline until);
  std::optional<change::Lsn> position_of_our_slot();
  base::Result<void> tend(base::Deadline now);  ///< while no source is attached
  base::Result<void> start_and_stream();

  // Starting: facts → plan → a living pipeline.
  base::Result<pipeline::StartFacts> gather(SourceSession& source);
  base::Result<void> begin(SourceSession& source, const pipeline::StartFacts& facts, const pipeline::StartPlan& plan);
  base::Result<void> begin_fresh(SourceSession& source, const pipeline::StartFacts& facts,
                                 const pipeline::StartFresh& plan);
  base::Result<void> begin_adopted(const pipeline::StartFacts& facts, const pipeline::StartAdopt& plan);
  base::Result<void> announce_epoch(const pipeline::StartFacts& facts, std::uint32_t epoch);
  base::Result<void> resume(const pipeline::StartFacts& facts, const pipeline::StartResume& plan);
  base::Result<void> make_pipeline(std::unique_ptr<kafka::Producer> producer, pipeline::Checkpoint checkpoint,
                                   Tails tails);
  pipeline::Checkpoint new_checkpoint(const pipeline::StartFacts& facts, std::uint32_t epoch) const;

  // Running.
  enum class DriveEnd { Stopped, Parked, Finished };
  base::Result<void> snapshot(SourceSession& source, const postgres::CreatedSlot& slot,
                              const pipeline::StartFacts& facts);
  base::Result<void> announce_schemas(const postgres::SnapshotSource& rows);
  base::Result<DriveEnd> stream(SourceSession& source);
  base::Result<DriveEnd> drive(pipeline::ChangeSource& source, const Reading& reading);
  base::Result<void> wait_while_parked();
  /// What may be seen only from beside the stream.
  base::Result<void> look_around(base::Deadline now, const Reading& reading);
  /// As the start found it.
  void follow_publication(const pipeline::StartFacts& facts, const pipeline::StartPlan& plan);
  base::Result<void> settle();
  base::Result<void> settle_on(base::Deadline now);
  void finish_deliveries();
  void remember_loss();
  void cut_off();

  const config::Settings& settings_;
  ReplicatorFlags flags_;
  pipeline::StopSignal& stop_;
  std::unique_ptr<offsets::LmdbOffsetStore> store_;
  BrokerSession broker_;
  postgres::SqlCatalog catalog_;
  std::optional<LivingPipeline> living_;
  std::unique_ptr<ReplicatorStatusPublisher> status_;
  Announced announced_;  // schemas that the control topic had at the last look
  std::optional<ReplicatorReports> reports_;
  std::optional<GapWatch> gaps_;
  std::optional<IncarnationWatch> incarnations_;
  std::optional<UnreadSlot> unread_slot_;
  bool tombstones_ = false;
  std::optional<base::Deadline> reading_since_;  // of this attempt, when it came so far
  base::Result<void> tended_;                    // between the last attempt and the next
  bool is_settled_ = false;                      // the last checkpoint is that of a clean stop
  bool is_cut_off_ = false;  // a pipeline ended with something in flight, and none has taken its place
};

}  // namespace sluice::connector
