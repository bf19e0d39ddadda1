#include "bulk_writer.h"

#include <algorithm>
#include <utility>

#include "sluice/base/check.h"

namespace sluice::pipeline {
namespace {

/// prepare() may find one missing thing behind another (an index, then a mapping): this many times for one record.
constexpr int kMaxPreparations = 16;
constexpr std::size_t kMaxItems = 32;

}  // namespace

BulkWriter::BulkWriter(const IndexingOptions& options, IndexingPorts& ports, IndexingCounters& counters, Works& works,
                       Letters& letters, Outage& outage)
    : options_(options), ports_(ports), counters_(counters), works_(works), letters_(letters), outage_(outage) {
  open_.ticket = next_ticket_++;
}

std::optional<base::Deadline> BulkWriter::deadline() const {
  return documents_.empty() ? std::nullopt : std::optional(open_.begun + options_.max_bulk_age);
}

bool BulkWriter::is_full() const {
  return documents_.byte_size() >= options_.max_bulk_bytes || documents_.size() >= options_.max_bulk_actions;
}

bool BulkWriter::is_due(base::Clock::time_point now) const {
  return !documents_.empty() && (is_full() || hurry_ || now - open_.begun >= options_.max_bulk_age);
}

bool BulkWriter::may_submit(base::Clock::time_point now) const {
  if (!ports_.sink.has_room()) return false;
  return outage_.lasts() ? outage_.allows_attempt(now) && in_flight_.empty() : true;
}

base::Result<bool> BulkWriter::feed(base::Clock::time_point now) {
  bool moved = false;
  // Another partition is the first each time, so that none starves behind one that always fills the bulk.
  std::vector<PartitionWork*> turn;
  for (auto& [id, work] : works_.all()) turn.push_back(&work);
  const auto next =
      std::find_if(turn.begin(), turn.end(), [&](const PartitionWork* work) { return work->id() > first_fed_; });
  std::rotate(turn.begin(), next, turn.end());
  first_fed_ = turn.empty() ? 0 : turn.front()->id();

  for (PartitionWork* work : turn) {
    while (true) {
      if (is_full()) {
        if (!may_submit(now)) break;
        SLUICE_TRY(submit(now));
      }
      SLUICE_ASSIGN(const Fed fed, feed_one(*work, now));
      if (fed == Fed::Blocked) break;
      moved = true;
    }
  }
  if (is_due(now) && may_submit(now)) {
    SLUICE_TRY(submit(now));
    moved = true;
  }
  if (documents_.empty()) hurry_ = false;
  SLUICE_ASSIGN(const bool swept, submit_sweeps(now));
  return moved || swept;
}

base::Result<BulkWriter::Fed> BulkWriter::feed_one(PartitionWork& work, base::Clock::time_point now) {
  const std::optional<RecordKey> key = work.next(now);
  if (!key) return Fed::Blocked;
  const bool in_part = work.held(*key).done != 0;
  if (in_part) again_documents_.clear();
  DocumentBatch& documents = in_part ? again_documents_ : documents_;
  const DocumentBatch::Mark before = documents.mark();

  auto made = make(work, *key, documents);
  if (!made) {
    documents.cut(before);
    if (made.error().recovery == base::Recovery::Reject) return reject(work, *key, std::move(made.error()), now);
    if (made.error().recovery == base::Recovery::Stop) return tl::make_unexpected(std::move(made.error()));
    if (!outage_.lasts()) ports_.observer.warned(made.error().id, made.error().message);
    // To prepare may have taken its whole time-out: the next partition in turn must not do the same at once.
    outage_.failed(ports_.now());
    return Fed::Blocked;
  }
  if (*made == MakeStatus::NotReady) return Fed::Blocked;
  if (is_blocked(work, *key, documents, before.documents)) {
    documents.cut(before);
    return Fed::Blocked;
  }
  SLUICE_TRY(adopt(work, *key, documents, before.documents, now));
  return Fed::Taken;
}

base::Result<MakeStatus> BulkWriter::make(PartitionWork& work, RecordKey key, DocumentBatch& documents) {
  for (int attempt = 0; attempt < kMaxPreparations; ++attempt) {
    made_sweeps_.clear();
    SLUICE_ASSIGN(const MakeStatus status,
                  ports_.maker.make(work.partition(), work.record(key), documents, made_sweeps_));
    if (status == MakeStatus::Made) return status;
    if (!outage_.allows_attempt(ports_.now())) return MakeStatus::NotReady;
    SLUICE_TRY(ports_.maker.prepare());
    outage_.succeeded();
  }
  SLUICE_CHECK(false, "a record can be made after all that it misses has been prepared");
}

bool BulkWriter::is_blocked(const PartitionWork& work, RecordKey key, const DocumentBatch& documents,
                            std::size_t first) const {
  if (!made_sweeps_.empty() && !work.is_oldest(key)) return true;
  for (std::size_t i = first; i < documents.size(); ++i) {
    const std::uint64_t saturated = saturated_key(documents[i]);
    if (saturated != 0 && saturated_.is_elsewhere(saturated, open_.ticket)) return true;
  }
  return false;
}

base::Result<void> BulkWriter::adopt(PartitionWork& work, RecordKey key, const DocumentBatch& documents,
                                     std::size_t first, base::Clock::time_point now) {
  const std::size_t made = documents.size() - first;
  SLUICE_CHECK(made + made_sweeps_.size() <= kMaxItems, "a record has at most 32 documents and sweeps");
  work.take(key);
  HeldRecord& held = work.held(key);
  if (held.attempts == 1) ports_.maker.taken();
  if (open_.items.empty()) {
    open_.begun = now;
    open_.oldest_timestamp_ms = work.record(key).timestamp_ms;
  }
  open_.oldest_timestamp_ms = std::min(open_.oldest_timestamp_ms, work.record(key).timestamp_ms);
  const bool is_new = held.attempts == 1 && work.is_new(key);
  for (std::uint32_t ordinal = 0; ordinal < made; ++ordinal) {
    if ((held.done >> ordinal & 1) != 0) continue;
    const Document document = documents[first + ordinal];
    const std::uint64_t saturated = saturated_key(document);
    if (saturated != 0) saturated_.enter(saturated, open_.ticket);
    if (&documents != &documents_) documents_.append(document);
    open_.items.push_back({{work.id(), key}, ordinal, saturated, is_new && document.version_type != VersionType::None});
    held.commit_time_us = document.commit_time_us;
    ++held.open;
  }
  add_sweeps(work, key, made);
  return held.open == 0 ? close_record(work, key, now) : base::Result<void>{};
}

void BulkWriter::add_sweeps(PartitionWork& work, RecordKey key, std::size_t first_ordinal) {
  HeldRecord& held = work.held(key);
  for (std::size_t i = 0; i < made_sweeps_.size(); ++i) {
    const auto ordinal = static_cast<std::uint32_t>(first_ordinal + i);
    if ((held.done >> ordinal & 1) != 0) continue;
    sweeps_.push_back({std::move(made_sweeps_[i]), {{work.id(), key}, ordinal, 0, false}});
    work.set_barrier(key);
    ++held.open;
  }
}

base::Result<BulkWriter::Fed> BulkWriter::reject(PartitionWork& work, RecordKey key, base::Error error,
                                                 base::Clock::time_point now) {
  work.take(key);
  work.held(key).rejected = true;
  letters_.refuse({work.id(), key}, std::string(error.id), std::move(error.message));
  SLUICE_TRY(letters_.post({work.id(), key}, now));
  return Fed::Taken;
}

base::Result<void> BulkWriter::submit(base::Clock::time_point now) {
  Bulk bulk = std::exchange(open_, Bulk{});
  open_.ticket = next_ticket_++;
  bulk.bytes = documents_.byte_size();
  bulk.begun = now;
  // Beside another bulk a document may be superseded by a later one of our own.
  if (!in_flight_.empty()) {
    for (Item& item : bulk.items) item.first = false;
  }
  counters_.documents_sent += bulk.items.size();
  ++counters_.bulks;
  const std::uint64_t ticket = bulk.ticket;
  if (auto submitted = ports_.sink.submit(std::exchange(documents_, std::exchange(spare_, {})), ticket); !submitted) {
    return not_taken(bulk, std::move(submitted.error()), now);
  }
  in_flight_.emplace(ticket, std::move(bulk));
  return {};
}

base::Result<bool> BulkWriter::submit_sweeps(base::Clock::time_point now) {
  bool moved = false;
  while (!sweeps_.empty() && may_submit(now)) {
    PendingSweep next = std::move(sweeps_.front());
    sweeps_.pop_front();
    moved = true;
    if (works_.find(next.item.record.work) == nullptr) continue;
    Bulk bulk{.ticket = next_ticket_++, .items = {next.item}, .sweep = true, .begun = now};
    ++counters_.sweeps;
    const std::uint64_t ticket = bulk.ticket;
    if (auto submitted = ports_.sink.sweep(std::move(next.sweep), ticket); !submitted) {
      SLUICE_TRY(not_taken(bulk, std::move(submitted.error()), now));
      continue;
    }
    in_flight_.emplace(ticket, std::move(bulk));
  }
  return moved;
}

base::Result<void> BulkWriter::not_taken(const Bulk& bulk, base::Error error, base::Clock::time_point now) {
  if (error.recovery != base::Recovery::Retry) return tl::make_unexpected(std::move(error));
  if (!outage_.lasts()) ports_.observer.warned(error.id, error.message);
  outage_.failed(now);
  return settle_unknown(bulk, now);
}

}  // namespace sluice::pipeline
