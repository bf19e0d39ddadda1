// The two decisions that only an operator can take about a slot (rule P-2.4a, P-50).
#include <algorithm>

#include <fmt/core.h>

#include "../adapter_options.h"
#include "../replicator/broker_session.h"
#include "../replicator/source_session.h"
#include "../routing.h"
#include "sluice/connector/operator_commands.h"
#include "sluice/offsets/lmdb_offset_store.h"
#include "sluice/pipeline/start_plan.h"
#include "sluice/postgres/slot.h"

namespace sluice::connector {
namespace {

using base::Recovery;

/// Everything that both commands look at, with the state locked against a running replicator.
struct Surroundings {
  explicit Surroundings(config::Settings read) : settings(std::move(read)), catalog(connect_options(settings)) {}

  config::Settings settings;
  postgres::SqlCatalog catalog;
  std::unique_ptr<offsets::LmdbOffsetStore> store;
  std::optional<SourceSession> session;
  std::optional<pipeline::Checkpoint> stored;
  SourceFacts source;
  BrokerFacts broker;
};

pipeline::Checkpoint checkpoint_here(const Surroundings& here, std::uint32_t epoch) {
  pipeline::Checkpoint checkpoint;
  checkpoint.pipeline = here.settings.pipeline_name();
  checkpoint.epoch = epoch;
  checkpoint.fingerprint = fingerprint_of(here.settings, here.broker.topics.front().partitions,
                                          writes_tombstones(here.settings, here.broker.is_compacted));
  checkpoint.slot.name = here.settings.postgres.slot_name;
  checkpoint.slot.system_id = here.source.server.system_id;
  checkpoint.slot.timeline = here.source.server.timeline;
  checkpoint.slot.database = here.source.server.database;
  checkpoint.publication = pipeline::incarnation_of(here.source.publication);
  checkpoint.topics = here.broker.topics;
  return checkpoint;
}

/// 0: nothing was ever sent.
std::uint32_t epoch_in_kafka(const Surroundings& here) {
  return std::max(here.broker.announced_epoch.value_or(0), here.broker.written_epoch);
}

base::Result<std::unique_ptr<Surroundings>> look_around(const ProgramOptions& program) {
  SLUICE_ASSIGN(auto settings, load_settings(program));
  auto here = std::make_unique<Surroundings>(std::move(settings));
  SLUICE_ASSIGN(here->store, offsets::LmdbOffsetStore::open(here->settings.state_dir, here->settings.pipeline_name()));
  SLUICE_ASSIGN(auto session, SourceSession::open(here->settings, here->catalog));
  here->session.emplace(std::move(session));
  SLUICE_ASSIGN(here->stored, here->store->load());
  SLUICE_ASSIGN(here->source, here->session->gather(here->settings, std::nullopt));
  SLUICE_ASSIGN(here->broker, BrokerSession(here->settings).gather());
  return here;
}

}  // namespace

base::Result<std::string> adopt_slot(const ProgramOptions& program) {
  SLUICE_ASSIGN(const auto found, look_around(program));
  Surroundings& here = *found;
  if (here.stored) {
    return base::fail(
        Recovery::Stop, "replicator.state_is_there",
        "there is a stored position, so nothing has to be adopted. Start the replicator; it says what is wrong");
  }
  if (!here.source.slot) {
    return base::fail(Recovery::Stop, "pg.slot_missing",
                      fmt::format("slot {} does not exist. Begin again: replicator slot reset --new-epoch",
                                  here.settings.postgres.slot_name));
  }
  const std::uint32_t epoch = epoch_in_kafka(here);
  if (epoch == 0) {
    return base::fail(Recovery::Stop, "replicator.nothing_to_adopt",
                      "Kafka knows no epoch of this pipeline: nothing was ever sent. Set postgres.snapshot: never to "
                      "stream from a slot that was made beforehand");
  }
  if (here.settings.postgres.snapshot == config::SnapshotMode::Initial && !here.broker.snapshot_is_complete) {
    return base::fail(
        Recovery::Stop, "replicator.snapshot_unfinished",
        "the control topic does not say that the snapshot was complete: rows could be missing. Begin again: replicator "
        "slot reset --new-epoch");
  }
  SLUICE_TRY(pipeline::check_slot_is_ready(*here.source.slot));
  pipeline::Checkpoint checkpoint = checkpoint_here(here, epoch);
  pipeline::adopt(*here.source.slot, checkpoint);
  checkpoint.snapshot = pipeline::SnapshotPhase::Done;
  SLUICE_TRY(here.store->save(checkpoint));
  return fmt::format(
      "adopted slot {} at {} in epoch {}. Start the replicator: what Kafka has already is not sent again. Which tables "
      "were halted is not known any more; they go on.\n",
      here.settings.postgres.slot_name, change::to_string(here.source.slot->confirmed_flush_lsn), checkpoint.epoch);
}

base::Result<std::string> reset_slot(const ProgramOptions& program) {
  SLUICE_ASSIGN(const auto found, look_around(program));
  Surroundings& here = *found;
  const std::uint32_t known = std::max(here.stored ? here.stored->epoch : 0u, epoch_in_kafka(here));
  // The intent first: whatever happens to the slot now, the next start makes a new one.
  SLUICE_TRY(here.store->save([&] {
    pipeline::Checkpoint checkpoint = checkpoint_here(here, known);
    checkpoint.snapshot = pipeline::SnapshotPhase::Intended;
    return checkpoint;
  }()));
  if (here.source.slot) SLUICE_TRY(postgres::drop_slot(here.session->sql(), here.settings.postgres.slot_name));
  return fmt::format("the next start makes slot {} anew and begins epoch {} with a snapshot.\n",
                     here.settings.postgres.slot_name, known + 1);
}

}  // namespace sluice::connector
