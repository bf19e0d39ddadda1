#include "sluice/pipeline/start_plan.h"

#include <algorithm>
#include <limits>

#include <fmt/core.h>

namespace sluice::pipeline {
namespace {

using base::Recovery;
using change::Lsn;
using change::lsn_of;
using change::to_string;

constexpr std::string_view kNewEpochRemedy =
    "Nothing was sent or confirmed. To begin again with a new slot and a new snapshot: replicator slot reset "
    "--new-epoch";

template <class... Args>
tl::unexpected<base::Error> stop(std::string_view id, fmt::format_string<Args...> format, Args&&... args) {
  return base::fail(Recovery::Stop, id, fmt::format(format, std::forward<Args>(args)...));
}

/// Where the stored timeline was left, when the server is on another one.
std::optional<Lsn> switch_point(const StartFacts& facts, std::uint32_t stored_timeline) {
  for (const TimelineSwitch& entry : facts.history) {
    if (entry.timeline == stored_timeline) return entry.switch_point;
  }
  return std::nullopt;
}

base::Result<void> check_server(const StartFacts& facts, const Checkpoint& stored) {
  const ServerFacts& server = facts.server;
  if (stored.slot.system_id != server.system_id || stored.slot.database != server.database) {
    return stop("pg.system_changed",
                "the server is another cluster or database (system {} database {}) than the one this state belongs to "
                "(system {} "
                "database {}). Point the configuration back, or give the new one its own state_dir. {}",
                server.system_id, server.database, stored.slot.system_id, stored.slot.database, kNewEpochRemedy);
  }
  const bool is_behind = server.wal_end < lsn_of(stored.position);
  if (server.timeline == stored.slot.timeline) {
    if (!is_behind) return {};
    return stop("pg.server_behind",
                "the server's WAL ends at {}, before our position {}: it was restored, or is a standby that lags. Wait "
                "for it to "
                "catch up. {}",
                to_string(server.wal_end), to_string(lsn_of(stored.position)), kNewEpochRemedy);
  }
  const auto fork = switch_point(facts, stored.slot.timeline);
  if (fork && lsn_of(stored.last_data_end) <= *fork) return {};
  return stop(
      "pg.timeline_forked",
      "the server went from timeline {} to {} at {}, but transactions up to {} were sent: Kafka has changes that the "
      "server does not have. {}",
      stored.slot.timeline, server.timeline, fork ? to_string(*fork) : "an unknown position",
      to_string(lsn_of(stored.last_data_end)), kNewEpochRemedy);
}

base::Result<void> check_not_restored(const StartFacts& facts, const Checkpoint& stored) {
  if (!is_behind_delivered(facts.server.next_xid, stored.highest_xid)) return {};
  return stop(
      "pg.server_restored",
      "the server's next transaction id {} is not above {}, which was delivered already: the server was restored from "
      "an older backup. {}",
      facts.server.next_xid, stored.highest_xid, kNewEpochRemedy);
}

base::Result<void> check_slot_kind(const StartFacts& facts, const SlotFacts& slot) {
  if (!slot.logical || slot.plugin != "pgoutput") {
    return stop("pg.slot_wrong_plugin",
                "slot {} uses {}, not pgoutput. Name another slot in postgres.slot_name, or drop this one", slot.name,
                slot.plugin.empty() ? "physical replication" : slot.plugin);
  }
  if (slot.database != facts.server.database) {
    return stop("pg.slot_wrong_database",
                "slot {} belongs to database {}, not {}. Name another slot in postgres.slot_name", slot.name,
                slot.database, facts.server.database);
  }
  if (slot.temporary) {
    return stop("pg.slot_temporary", "slot {} is temporary: it would be gone with its session. Name another slot",
                slot.name);
  }
  if (slot.two_phase) {
    return stop("pg.slot_two_phase",
                "slot {} was made with two_phase: prepared transactions would be delivered before they are committed "
                "(P-36). Drop "
                "it and let a new one be made",
                slot.name);
  }
  if (slot.wal_status == "lost" || !slot.invalidation_reason.empty() || slot.conflicting ||
      slot.restart_lsn.is_zero()) {
    return stop("pg.slot_lost", "slot {} was invalidated by the server{}: the changes it stood for are gone. {}",
                slot.name, slot.invalidation_reason.empty() ? std::string() : " (" + slot.invalidation_reason + ")",
                kNewEpochRemedy);
  }
  return {};
}

base::Result<void> check_slot_position(const SlotFacts& slot, const Checkpoint& stored) {
  const Lsn position = lsn_of(stored.position);
  if (slot.confirmed_flush_lsn > position) {
    return stop(
        "pg.slot_advanced",
        "slot {} is confirmed up to {}, past our position {}: it was advanced, made again or read by somebody else, or "
        "the state is from an older backup. Changes in between would be missing. {}",
        slot.name, to_string(slot.confirmed_flush_lsn), to_string(position), kNewEpochRemedy);
  }
  if (slot.restart_lsn > position || slot.confirmed_flush_lsn < stored.slot.consistent_point) {
    return stop("pg.slot_recreated", "slot {} is not the one that this state belongs to. {}", slot.name,
                kNewEpochRemedy);
  }
  return {};
}

base::Result<void> check_topic(const TopicIncarnation& stored, const TopicIncarnation& now) {
  if (stored.topic_id != now.topic_id) {
    return stop("kafka.topic_changed", "topic {} was deleted and made again: what it had is gone. {}", now.topic,
                kNewEpochRemedy);
  }
  if (stored.partitions != now.partitions) {
    return stop("kafka.partitions_changed",
                "topic {} has {} partitions, it had {}: keys would move to other partitions and lose their order. {}",
                now.topic, now.partitions, stored.partitions, kNewEpochRemedy);
  }
  for (std::size_t partition = 0; partition < std::min(stored.end_offsets.size(), now.end_offsets.size());
       ++partition) {
    if (now.end_offsets[partition] < stored.end_offsets[partition]) {
      return stop(
          "kafka.topic_truncated",
          "partition {} of topic {} ends at offset {}, it already ended at {}: acknowledged records were lost. {}",
          partition, now.topic, now.end_offsets[partition], stored.end_offsets[partition], kNewEpochRemedy);
    }
  }
  return {};
}

base::Result<void> check_routing(const StartFacts& facts, const Checkpoint& stored) {
  if (facts.fingerprint == stored.fingerprint || stored.settled || facts.accept_routing_change) return {};
  return stop("config.routing_changed",
              "topics, keys, partitions, publications or postgres.on_rewrite were changed while records of the old "
              "configuration were still on their way: some could go to a partition that is already further. Start once "
              "with the old configuration and stop it "
              "cleanly, or accept duplicates with --accept-routing-change");
}

bool has_sent(const StartFacts& facts) { return facts.announced_epoch || facts.written_epoch > 0; }

std::uint32_t next_epoch(const StartFacts& facts) {
  const std::uint32_t stored = facts.stored ? facts.stored->epoch : 0;
  return std::max({stored, facts.announced_epoch.value_or(0), facts.written_epoch}) + 1;
}

/// A slot that is there, and that no life of this pipeline has read (rule P-2.4a).
base::Result<StartPlan> plan_with_foreign_slot(const StartFacts& facts) {
  SLUICE_TRY(check_slot_is_ready(*facts.slot));
  if (facts.snapshot == SnapshotMode::Never) return StartAdopt{next_epoch(facts)};
  return stop("pg.slot_without_snapshot",
              "slot {} was made beforehand, so the rows that were there before it would be missing. Set "
              "postgres.snapshot: never "
              "to stream from the slot on; or let a new slot and a snapshot be made: replicator slot reset --new-epoch",
              facts.slot->name);
}

tl::unexpected<base::Error> position_lost(const StartFacts& facts) {
  const std::string told =
      facts.announced_epoch
          ? fmt::format("the control topic says that pipeline {} has been running", facts.pipeline)
          : fmt::format(
                "the topics have changes of epoch {} that the control topic does not know (of another pipeline? "
                "Then give pipeline {} topics of its own)",
                facts.written_epoch, facts.pipeline);
  const std::string adopt =
      facts.slot ? fmt::format("go on where slot {} is confirmed: replicator slot adopt; or ", facts.slot->name) : "";
  return stop("pg.position_lost",
              "{}, but its state {} gone: it is unknown what was missed. Put the state_dir back; or {}begin again: "
              "replicator slot reset --new-epoch",
              told, facts.slot ? "is" : "and its slot are", adopt);
}

/// Nothing is stored: a first start, or the state was lost.
base::Result<StartPlan> plan_without_state(const StartFacts& facts) {
  if (facts.slot) SLUICE_TRY(check_slot_kind(facts, *facts.slot));
  if (has_sent(facts)) return position_lost(facts);
  if (!facts.slot) return StartFresh{1, /*drop_own_slot=*/false};
  return plan_with_foreign_slot(facts);
}

/// The last start did not get as far as a finished snapshot.
base::Result<StartPlan> plan_unfinished(const StartFacts& facts) {
  if (facts.slot) SLUICE_TRY(check_slot_kind(facts, *facts.slot));
  // After an intent alone nobody can tell our slot from one that somebody else made. Without a snapshot it does not
  // matter: going on from either loses nothing.
  const bool may_be_foreign = facts.slot && facts.stored->snapshot == SnapshotPhase::Intended;
  if (may_be_foreign && (!facts.makes_slots || facts.snapshot == SnapshotMode::Never)) {
    return plan_with_foreign_slot(facts);
  }
  return StartFresh{next_epoch(facts), /*drop_own_slot=*/facts.slot.has_value()};
}

base::Result<StartPlan> plan_resume(const StartFacts& facts) {
  const Checkpoint& stored = *facts.stored;
  SLUICE_TRY(check_not_restored(facts, stored));
  if (!facts.slot) {
    return stop("pg.slot_missing", "slot {} is gone: the changes since {} cannot be read any more. {}",
                stored.slot.name, to_string(lsn_of(stored.position)), kNewEpochRemedy);
  }
  SLUICE_TRY(check_slot_kind(facts, *facts.slot));
  SLUICE_TRY(check_slot_position(*facts.slot, stored));
  SLUICE_ASSIGN(auto unpublished, check_publication(facts.publication, stored));
  SLUICE_TRY(check_topics(facts.topics, stored));
  if (stored.kafka_lost_records) {
    return stop(
        "kafka.topic_truncated",
        "Kafka lost records that it had acknowledged (the last run ended with kafka.log_truncated): they are in "
        "no topic and are not sent again. {}",
        kNewEpochRemedy);
  }
  SLUICE_TRY(check_routing(facts, stored));
  change::Position from = stored.position;
  if (facts.server.timeline != stored.slot.timeline) {
    if (const auto fork = switch_point(facts, stored.slot.timeline)) from = std::min(from, change::position_of(*fork));
  }
  return StartResume{from, stored.epoch, std::move(unpublished)};
}

}  // namespace

/// The newest xid of a server that only went forward is never behind one that was delivered. States of old have the
/// lower half of it only.
bool is_behind_delivered(std::uint64_t next_xid, std::uint64_t highest_xid) {
  if (highest_xid == 0 || next_xid == 0) return false;
  if (highest_xid > std::numeric_limits<std::uint32_t>::max()) return next_xid <= highest_xid;
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(next_xid) - static_cast<std::uint32_t>(highest_xid)) <= 0;
}

base::Result<StartPlan> plan_start(const StartFacts& facts) {
  if (!facts.stored) return plan_without_state(facts);
  SLUICE_TRY(check_server(facts, *facts.stored));
  const SnapshotPhase phase = facts.stored->snapshot;
  if (phase == SnapshotPhase::Intended || phase == SnapshotPhase::Running) return plan_unfinished(facts);
  return plan_resume(facts);
}

base::Result<void> check_tails(const StartFacts& facts, Lsn highest) {
  if (highest > facts.server.wal_end) {
    return stop("pg.server_behind",
                "Kafka has changes up to {}, past the end {} of the server's WAL: the server was restored, or lags. {}",
                to_string(highest), to_string(facts.server.wal_end), kNewEpochRemedy);
  }
  if (!facts.stored || facts.stored->slot.timeline == facts.server.timeline) return {};
  const auto fork = switch_point(facts, facts.stored->slot.timeline);
  if (fork && highest <= *fork) return {};
  return stop("pg.timeline_forked", "Kafka has changes up to {}, past the fork of the server's timeline {}. {}",
              to_string(highest), facts.server.timeline, kNewEpochRemedy);
}

base::Result<std::vector<std::string>> check_publication(const PublicationFacts& publication,
                                                         const Checkpoint& stored) {
  const PublicationIncarnation now = incarnation_of(publication);
  if (now.oid != stored.publication.oid) {
    return stop("pg.publication_changed",
                "publication {} was dropped and made again: changes in between were not published. {}", now.name,
                kNewEpochRemedy);
  }
  std::vector<std::string> lost;
  for (const auto& member : stored.publication.members) {
    const bool is_still_there = std::any_of(now.members.begin(), now.members.end(), [&](const auto& current) {
      return current.table == member.table && current.oid == member.oid;
    });
    if (is_still_there) continue;
    if (member.is_schema) {
      return stop("pg.publication_changed",
                  "schema {} was taken out of publication {} or added to it again: changes of its tables in between "
                  "were not published. {}",
                  member.table, now.name, kNewEpochRemedy);
    }
    lost.push_back(member.table);
  }
  return lost;
}

base::Result<void> check_topics(const std::vector<TopicIncarnation>& topics, const Checkpoint& stored) {
  for (const TopicIncarnation& before : stored.topics) {
    const auto now = std::find_if(topics.begin(), topics.end(),
                                  [&](const TopicIncarnation& topic) { return topic.topic == before.topic; });
    // A topic that is no longer named is a change of routing, and the fingerprint says so.
    if (now != topics.end()) SLUICE_TRY(check_topic(before, *now));
  }
  return {};
}

base::Result<void> check_slot_is_ready(const SlotFacts& slot) {
  if (!slot.confirmed_flush_lsn.is_zero()) return {};
  return base::fail(Recovery::Retry, "pg.slot_not_ready",
                    fmt::format("slot {} is still being made: that waits for the transactions that run. End those that "
                                "were forgotten (pg_stat_activity, xact_start)",
                                slot.name));
}

void adopt(const SlotFacts& slot, Checkpoint& checkpoint) {
  checkpoint.position = change::position_of(slot.confirmed_flush_lsn);
  checkpoint.last_data_end = checkpoint.position;
  // A server that starts again may be back at what it had saved of the slot, which is before what it says now.
  checkpoint.slot.consistent_point = slot.restart_lsn;
}

PublicationIncarnation incarnation_of(const PublicationFacts& publication) {
  PublicationIncarnation incarnation{publication.name, publication.oid, publication.xmin, {}};
  for (const auto& member : publication.members) {
    incarnation.members.push_back({member.name, member.oid, member.xmin, member.is_schema});
  }
  return incarnation;
}

}  // namespace sluice::pipeline
