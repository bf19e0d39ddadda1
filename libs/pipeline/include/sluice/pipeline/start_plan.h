// Rule P-2: whether a pipeline may go on, and from where. A pure decision over facts that others fetched, so that every
// way in which the database, Kafka or our own state can have changed behind our back is a unit test.
//
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/change/event_id.h"
#include "sluice/pipeline/checkpoint.h"
#include "sluice/pipeline/source_facts.h"

namespace sluice::pipeline {

enum class SnapshotMode { Initial, Never };

/// Everything the decision looks at.
struct StartFacts {
  std::string pipeline;
  SnapshotMode snapshot = SnapshotMode::Initial;
  bool makes_slots = true;  ///< else a slot that is there was made by somebody else
  std::string fingerprint;
  bool accept_routing_change = false;  ///< the operator's flag: duplicates are accepted

  std::optional<Checkpoint> stored;
  /// Of the control topic: the newest epoch of this pipeline.
  std::optional<std::uint32_t> announced_epoch;
  /// Of the topics themselves, looked for when none is announced. 0 as well: nothing was ever sent.
  std::uint32_t written_epoch = 0;

  ServerFacts server;
  TimelineHistory history;  ///< of server.timeline; needed when it differs from the stored one
  std::optional<SlotFacts> slot;
  PublicationFacts publication;
  std::vector<TopicIncarnation> topics;  ///< as they are now
};

/// Make a new slot, read a snapshot through it, then stream, under a new epoch.
struct StartFresh {
  std::uint32_t epoch = 1;
  bool drop_own_slot = false;  ///< our slot of an unfinished beginning is still there: drop it first
};
/// Go on with the slot from this position.
struct StartResume {
  change::Position position;
  std::uint32_t epoch = 1;
  std::vector<std::string> unpublished;  ///< tables to halt: see check_publication()
};
/// Take a slot that somebody made beforehand, under a new epoch and without a snapshot (rule P-2.4a).
struct StartAdopt {
  std::uint32_t epoch = 1;
};
using StartPlan = std::variant<StartFresh, StartResume, StartAdopt>;

/// Errors (all Stop but pg.slot_not_ready): pg.system_changed, pg.timeline_forked, pg.server_behind,
/// pg.server_restored, pg.slot_missing, pg.slot_wrong_plugin, pg.slot_wrong_database, pg.slot_temporary,
/// pg.slot_two_phase, pg.slot_lost, pg.slot_recreated, pg.slot_advanced, pg.slot_not_ready, pg.position_lost,
/// pg.slot_without_snapshot, pg.publication_changed, kafka.topic_changed, kafka.partitions_changed,
/// kafka.topic_truncated, config.routing_changed.
base::Result<StartPlan> plan_start(const StartFacts& facts);

/// Whether a server whose next transaction is `next_xid` has lost one that was delivered (rule P-2.2); 0: not known.
bool is_behind_delivered(std::uint64_t next_xid, std::uint64_t highest_xid);

/// Rule P-2.6a, after the tails were read: `highest` is the newest commit that Kafka has of this epoch. On another
/// timeline it must lie before the fork, and always before the server's end of WAL. Error: pg.server_behind,
/// pg.timeline_forked (Stop).
base::Result<void> check_tails(const StartFacts& facts, change::Lsn highest);

/// What a running pipeline compares again now and then, since it goes wrong in silence; parts of plan_start().
/// Of the publication: tables that it has lost since, or that were added to it again, so that changes of theirs were
/// not published (rule P-2.6). Error: pg.publication_changed (Stop): it was made again, or has lost a whole schema.
base::Result<std::vector<std::string>> check_publication(const PublicationFacts& publication, const Checkpoint& stored);
/// A topic that is not among `topics` is not judged. Errors: kafka.topic_changed, kafka.partitions_changed,
/// kafka.topic_truncated (Stop; only where end offsets are given).
base::Result<void> check_topics(const std::vector<TopicIncarnation>& topics, const Checkpoint& stored);

/// Error: pg.slot_not_ready (Retry): the server still looks for where it may begin.
base::Result<void> check_slot_is_ready(const SlotFacts& slot);

/// Makes a checkpoint that has read nothing yet go on where a slot is that it did not make itself.
void adopt(const SlotFacts& slot, Checkpoint& checkpoint);

/// The checkpoint's picture of a publication, for comparison at the next start.
PublicationIncarnation incarnation_of(const PublicationFacts& publication);

}  // namespace sluice::pipeline
