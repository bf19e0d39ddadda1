#include "offset_keeper.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace sluice::pipeline {
namespace {

std::string name_of(const Partition& partition) { return fmt::format("{} [{}]", partition.topic, partition.number); }

bool same_topic(const GroupCheckpoint& stored, const Assigned::Start& start) {
  return stored.topic_id.empty() || start.topic_id.empty() || stored.topic_id == start.topic_id;
}

bool has_output(const GroupCheckpoint& stored, const std::string& output) {
  return std::find(stored.outputs.begin(), stored.outputs.end(), output) != stored.outputs.end();
}

}  // namespace

bool OffsetKeeper::covers_outputs(const GroupCheckpoint& stored) const {
  return std::all_of(options_.outputs.begin(), options_.outputs.end(),
                     [&](const std::string& output) { return has_output(stored, output); });
}

std::map<std::string, Offset> OffsetKeeper::kept_since(const GroupCheckpoint& stored, Offset from) const {
  std::map<std::string, Offset> since;
  for (const std::string& output : options_.outputs) {
    if (!has_output(stored, output)) continue;
    if (const Offset began = stored.holds_since(output); began < from) since.emplace(output, began);
  }
  return since;
}

tl::unexpected<base::Error> OffsetKeeper::overrun(const Assigned::Start& start, Offset goes_on_at) const {
  return base::fail(
      base::Recovery::Stop, "kafka.retention_overrun",
      fmt::format("The group {} goes on at offset {} of {}, but the log begins at {}: records were deleted before they "
                  "were indexed. {}",
                  options_.group, goes_on_at, name_of(start.partition), start.begin, kOverrunRemedy));
}

base::Result<OffsetKeeper::Beginning> OffsetKeeper::begin(const Assigned::Start& start) {
  Beginning at_begin{{start.partition, start.topic_id, start.begin, start.begin, {}, options_.outputs}, {}};
  const auto rewind = [&](std::string_view id, std::string_view why) {
    if (!start.committed) return at_begin;
    ++counters_.rewinds;
    ports_.observer.warned(
        id, fmt::format("{} {}: it is read again from the begin of its log", why, name_of(start.partition)));
    return at_begin;
  };
  SLUICE_ASSIGN(const std::optional<std::string> text,
                ports_.admin.load(checkpoint_id(options_.group, start.partition)));
  if (!text)
    return rewind("es.checkpoint_behind", "Kafka has a committed offset, but the search engine no checkpoint of");
  SLUICE_ASSIGN(GroupCheckpoint stored, parse_group_checkpoint(*text));
  if (!same_topic(stored, start))
    return rewind("es.checkpoint_behind", "An earlier topic of this name had the checkpoint of");
  if (stored.offset < start.begin) return overrun(start, stored.offset);
  at_begin.checkpoint.since = kept_since(stored, start.begin);
  if (!start.committed) return at_begin;
  if (*start.committed < start.begin) return overrun(start, *start.committed);
  if (!covers_outputs(stored)) return rewind("es.outputs_changed", "More is written now than before from");
  if (stored.offset < *start.committed) {
    ++counters_.rewinds;
    ports_.observer.warned("es.checkpoint_behind",
                           fmt::format("The checkpoint of {} is at {}, the committed offset at {}: the search engine "
                                       "was restored or lost writes. It is read again from {}",
                                       name_of(start.partition), stored.offset, *start.committed, stored.offset));
  }
  stored.offset = std::min(stored.offset, *start.committed);
  stored.from = std::min(stored.from, stored.offset);
  stored.since = kept_since(stored, stored.from);
  stored.topic_id = start.topic_id;
  stored.outputs = options_.outputs;
  return Beginning{stored, stored.offset};
}

base::Result<OffsetKeeper::Kept> OffsetKeeper::keep(std::span<PartitionWork* const> works) {
  for (PartitionWork* work : works) {
    if (work->finished() == work->stored()) continue;
    const GroupCheckpoint checkpoint = work->checkpoint(ports_.maker);
    if (auto stored = ports_.admin.store(checkpoint_id(options_.group, work->partition()), to_json(checkpoint));
        !stored) {
      ++counters_.checkpoints_failed;
      return tl::make_unexpected(std::move(stored.error()));
    }
    ++counters_.checkpoints;
    work->set_stored(checkpoint.offset);
    SLUICE_TRY(ports_.source.finish(work->partition(), checkpoint.offset));
    commit_due_ = true;
  }
  if (!commit_due_) return Kept::Nothing;
  if (auto committed = ports_.source.commit(); !committed) {
    if (committed.error().recovery != base::Recovery::Retry) return tl::make_unexpected(std::move(committed.error()));
    ++counters_.commits_failed;
    if (!std::exchange(commit_fails_, true)) {
      ports_.observer.warned(committed.error().id, committed.error().message);
    }
    return Kept::NotCommitted;
  }
  commit_fails_ = false;
  commit_due_ = false;
  ++counters_.commits;
  return Kept::Everything;
}

}  // namespace sluice::pipeline
