#include "engine.h"

#include <algorithm>
#include <utility>

#include "sluice/base/check.h"

namespace sluice::pipeline {
namespace {

/// A step ends after so many events, so that outcomes are not kept waiting.
constexpr int kMaxEventsPerStep = 64;

/// How long a full buffer just does not ask for more. Only after that are the partitions paused, because a pause makes
/// librdkafka throw away and fetch again what it holds.
constexpr base::Milliseconds kMaxReadGap{1'000};

/// A membership is kept by asking; so is the state of a peer that says nothing.
constexpr base::Milliseconds kMaxWait{500};

bool contains(const std::vector<Partition>& partitions, const Partition& partition) {
  return std::find(partitions.begin(), partitions.end(), partition) != partitions.end();
}

}  // namespace

Indexing::Engine::Engine(IndexingOptions options, IndexingPorts ports)
    : options_(std::move(options)),
      ports_(std::move(ports)),
      outage_(base::Backoff(options_.backoff, options_.backoff_seed)),
      maker_outage_(base::Backoff(options_.backoff, options_.backoff_seed)),
      letters_(options_, ports_, counters_, works_),
      writer_(options_, ports_, counters_, works_, letters_, outage_),
      keeper_(options_, ports_, counters_),
      stale_(counters_, ports_.now()),
      now_(ports_.now()),
      last_read_(now_),
      last_checkpoint_(now_) {}

base::Result<StepOutcome> Indexing::Engine::step() {
  SLUICE_CHECK(!settlement_, "a stopped pipeline is not stepped");
  now_ = ports_.now();
  bool moved = false;
  SLUICE_ASSIGN(const bool collected, writer_.collect(now_));
  SLUICE_ASSIGN(const bool delivered, letters_.deliver(now_));
  SLUICE_ASSIGN(const bool read_any, read());
  SLUICE_ASSIGN(const bool begun, begin_assigned());
  SLUICE_ASSIGN(const bool fed, writer_.feed(now_));
  SLUICE_ASSIGN(const bool kept, checkpoint());
  SLUICE_ASSIGN(const bool released, finish_revocations());
  SLUICE_TRY(adjust_pauses());
  stale_.look(now_);
  moved = collected || delivered || read_any || begun || fed || kept || released;
  SLUICE_ASSIGN(const bool stopped, finish_stop());
  if (stopped) return StepOutcome::Stopped;
  return moved ? StepOutcome::Busy : StepOutcome::Idle;
}

base::Result<void> Indexing::Engine::absorb(base::Error error) {
  if (error.recovery != base::Recovery::Retry) return tl::make_unexpected(std::move(error));
  if (!outage_.lasts()) ports_.observer.warned(error.id, error.message);
  outage_.failed(ports_.now());
  return {};
}

bool Indexing::Engine::is_throttled() const { return is_full() && now_ - last_read_ < kMaxReadGap; }

base::Result<bool> Indexing::Engine::read() {
  if (is_throttled()) return false;
  if (is_full()) full_ = true;
  SLUICE_TRY(adjust_pauses());
  last_read_ = now_;
  for (int events = 0; events < kMaxEventsPerStep; ++events) {
    SLUICE_ASSIGN(std::optional<SourceEvent> event, ports_.source.next());
    if (!event) return events != 0;
    SLUICE_TRY(handle(std::move(*event)));
    if (is_full()) break;
  }
  return true;
}

base::Result<void> Indexing::Engine::handle(SourceEvent event) {
  if (auto* batch = std::get_if<ConsumedBatchPtr>(&event)) {
    PartitionWork* work = works_.find((*batch)->partition());
    // Read before the partition went away, or after the stop: whoever has it next reads it again.
    if (work == nullptr || stop_deadline_) return {};
    counters_.records_read += (*batch)->records().size();
    work->hold(std::move(*batch));
  } else if (auto* assigned = std::get_if<Assigned>(&event)) {
    std::move(assigned->partitions.begin(), assigned->partitions.end(), std::back_inserter(assigned_));
  } else if (const auto* revoked = std::get_if<Revoked>(&event)) {
    revoke(revoked->partitions);
  } else {
    lose(std::get<Lost>(event).partitions);
  }
  return {};
}

base::Result<bool> Indexing::Engine::begin_assigned() {
  if (stop_deadline_) return false;
  bool moved = false;
  while (!assigned_.empty() && outage_.allows_attempt(now_)) {
    auto start = keeper_.begin(assigned_.back());
    if (!start) {
      SLUICE_TRY(absorb(std::move(start.error())));
      break;
    }
    outage_.succeeded();
    const Offset end = assigned_.back().end;
    assigned_.pop_back();
    SLUICE_TRY(ports_.source.begin(start->checkpoint.partition, start->checkpoint.offset));
    works_.add(start->checkpoint, start->stored, end, base::Backoff(options_.backoff, options_.backoff_seed));
    moved = true;
  }
  return moved;
}

void Indexing::Engine::revoke(const std::vector<Partition>& partitions) {
  std::erase_if(assigned_, [&](const Assigned::Start& start) { return contains(partitions, start.partition); });
  for (const Partition& partition : partitions) {
    if (PartitionWork* work = works_.find(partition)) work->set_intake(PartitionWork::Intake::Closed);
  }
  writer_.hurry();
  revocations_.push_back({partitions, now_ + options_.revoke_grace});
}

void Indexing::Engine::lose(const std::vector<Partition>& partitions) {
  std::erase_if(assigned_, [&](const Assigned::Start& start) { return contains(partitions, start.partition); });
  for (const Partition& partition : partitions) works_.remove(partition);
  letters_.forget_gone();
  for (Revocation& revocation : revocations_) {
    std::erase_if(revocation.partitions, [&](const Partition& partition) { return contains(partitions, partition); });
  }
  std::erase_if(revocations_, [](const Revocation& revocation) { return revocation.partitions.empty(); });
}

base::Result<bool> Indexing::Engine::finish_revocations() {
  bool moved = false;
  while (!revocations_.empty()) {
    SLUICE_ASSIGN(const bool finished, finish_revocation(revocations_.front()));
    if (!finished) break;
    for (const Partition& partition : revocations_.front().partitions) works_.remove(partition);
    letters_.forget_gone();
    SLUICE_TRY(ports_.source.release(revocations_.front().partitions));
    revocations_.erase(revocations_.begin());
    moved = true;
  }
  return moved;
}

base::Result<bool> Indexing::Engine::finish_revocation(const Revocation& revocation) {
  const bool grace_ended = now_ >= revocation.deadline;
  std::vector<PartitionWork*> works;
  for (const Partition& partition : revocation.partitions) {
    PartitionWork* work = works_.find(partition);
    if (work == nullptr) continue;
    if (work->in_flight() != 0 && !grace_ended) return false;
    works.push_back(work);
  }
  if (!outage_.allows_attempt(now_)) return grace_ended;
  auto kept = keep(works);
  if (kept) return true;  // a commit that Kafka did not take: the next owner reads a little again
  SLUICE_TRY(absorb(std::move(kept.error())));
  return grace_ended;
}

base::Result<OffsetKeeper::Kept> Indexing::Engine::keep(const std::vector<PartitionWork*>& works) {
  const std::uint64_t before = counters_.checkpoints;
  auto kept = keeper_.keep(works);
  if (kept && counters_.checkpoints != before) outage_.succeeded();
  return kept;
}

base::Result<bool> Indexing::Engine::checkpoint() {
  if (now_ - last_checkpoint_ < options_.checkpoint_interval || !outage_.allows_attempt(now_)) return false;
  last_checkpoint_ = now_;
  std::vector<PartitionWork*> works;
  for (auto& [id, work] : works_.all()) works.push_back(&work);
  auto kept = keep(works);
  if (!kept) {
    SLUICE_TRY(absorb(std::move(kept.error())));
    return false;
  }
  SLUICE_TRY(look_beside_the_stream());
  return *kept == OffsetKeeper::Kept::Everything;
}

/// What the maker looks after beside the stream may have to wait for another peer than the bulks do: an outage of it is
/// none of theirs.
base::Result<void> Indexing::Engine::look_beside_the_stream() {
  if (!maker_outage_.allows_attempt(now_)) return {};
  auto looked = ports_.maker.after_checkpoint();
  if (looked) {
    maker_outage_.succeeded();
    return {};
  }
  if (looked.error().recovery != base::Recovery::Retry) return looked;
  if (!maker_outage_.lasts()) ports_.observer.warned(looked.error().id, looked.error().message);
  maker_outage_.failed(ports_.now());
  return {};
}

bool Indexing::Engine::is_waiting_out() const {
  if (!outage_.lasts()) return false;
  // With nothing left to try it on, only a new record can show that the outage is over.
  return !outage_.allows_attempt(now_) || !writer_.is_empty() || works_.held_bytes() != 0;
}

bool Indexing::Engine::wants_pause(const PartitionWork& work) const {
  return full_ || stop_deadline_ || is_waiting_out() || work.has_refused() || work.is_closed();
}

base::Result<void> Indexing::Engine::adjust_pauses() {
  if (full_ && works_.held_bytes() < options_.max_buffered_bytes / 2) full_ = false;
  for (auto& [id, work] : works_.all()) {
    const bool wanted = wants_pause(work);
    if (work.paused == wanted) continue;
    if (wanted) {
      SLUICE_TRY(ports_.source.pause(work.partition()));
    } else {
      SLUICE_TRY(ports_.source.resume(work.partition()));
    }
    work.paused = wanted;
  }
  return {};
}

void Indexing::Engine::request_stop() {
  if (stop_deadline_) return;
  stop_deadline_ = ports_.now() + options_.stop_grace;
  assigned_.clear();
  for (auto& [id, work] : works_.all()) {
    if (!work.is_closed()) work.set_intake(PartitionWork::Intake::RefusedOnly);
  }
  writer_.hurry();
}

base::Result<bool> Indexing::Engine::finish_stop() {
  if (!stop_deadline_) return false;
  const bool grace_ended = now_ >= *stop_deadline_;
  const bool settled = writer_.is_empty() && revocations_.empty() &&
                       std::all_of(works_.all().begin(), works_.all().end(),
                                   [](const auto& entry) { return entry.second.unsettled() == 0; });
  if (!settled && !grace_ended) return false;
  if (!outage_.allows_attempt(now_) && !grace_ended) return false;
  std::vector<PartitionWork*> works;
  for (auto& [id, work] : works_.all()) works.push_back(&work);
  auto kept = keep(works);
  if (!kept) {
    SLUICE_TRY(absorb(std::move(kept.error())));
  } else if (settled && *kept != OffsetKeeper::Kept::NotCommitted) {
    settlement_ = Settlement::Settled;
    return true;
  }
  if (!grace_ended) return false;
  settlement_ = Settlement::Unfinished;
  return true;
}

Settlement Indexing::Engine::settlement() const {
  SLUICE_CHECK(settlement_.has_value(), "settlement() follows StepOutcome::Stopped");
  return *settlement_;
}

std::vector<Wait> Indexing::Engine::waits() const {
  std::vector<Wait> waits;
  if (!is_throttled()) waits.push_back(ports_.source.waits_for());
  waits.push_back(ports_.sink.waits_for());
  // A time that had come when step() ran and found nothing to do is not what is being waited for.
  const auto at = [&](std::optional<base::Deadline> deadline) {
    if (deadline && *deadline > now_) waits.push_back({-1, 0, deadline});
  };
  at(now_ + kMaxWait);
  if (is_throttled()) at(last_read_ + kMaxReadGap);
  at(writer_.deadline());
  at(letters_.retry_at());
  at(outage_.retry_at());
  at(last_checkpoint_ + options_.checkpoint_interval);
  for (const auto& [id, work] : works_.all()) at(work.retry_at());
  for (const Revocation& revocation : revocations_) at(revocation.deadline);
  at(stop_deadline_);
  return waits;
}

IndexingStatus Indexing::Engine::status() const {
  IndexingStatus status{.counters = counters_,
                        .partitions = {},
                        .held_bytes = works_.held_bytes(),
                        .bulks_in_flight = writer_.in_flight(),
                        .away = outage_.lasts(),
                        .stale = stale_.verdict(),
                        .refusal = {},
                        .letters = letters_.long_obstacle(now_)};
  for (const auto& [id, work] : works_.all()) {
    const auto refused_since = work.refused_since();
    if (refused_since && now_ - *refused_since >= kLongRefusal && !status.away) status.refusal = writer_.refusal();
    status.partitions.push_back({.partition = work.partition(),
                                 .finished = work.finished(),
                                 .stored = work.stored().value_or(-1),
                                 .read = work.read(),
                                 .held_bytes = work.held_bytes(),
                                 .paused = work.paused});
  }
  return status;
}

}  // namespace sluice::pipeline
