// The half of BulkWriter that reads outcomes: what each item's answer means for its record (rule E-3).
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "bulk_writer.h"
#include "sluice/base/check.h"

namespace sluice::pipeline {

namespace {

/// Then a sweep that failed says nothing of the search engine as a whole.
bool was_answered(const base::Error& error) { return error.id != "es.unreachable" && error.id != "es.timeout"; }

}  // namespace

base::Result<bool> BulkWriter::collect(base::Clock::time_point now) {
  SLUICE_ASSIGN(const std::span<BatchOutcome> outcomes, ports_.sink.outcomes());
  if (outcomes.empty()) return false;
  answered_us_ = std::chrono::duration_cast<base::Microseconds>(ports_.wall_now().time_since_epoch()).count();
  for (BatchOutcome& outcome : outcomes) {
    const auto node = in_flight_.extract(outcome.ticket);
    SLUICE_CHECK(!node.empty(), "an outcome belongs to a bulk that is in flight, and comes once");
    const Bulk& bulk = node.mapped();
    spare_ = std::move(outcome.documents);
    spare_.clear();
    if (outcome.error) {
      if (outcome.error->recovery != base::Recovery::Retry) return tl::make_unexpected(std::move(*outcome.error));
      ++counters_.bulks_failed;
      if (bulk.sweep && was_answered(*outcome.error)) {
        SLUICE_TRY(settle_unknown(bulk, now));
        back_off(now);
        tell_refusal(outcome.error->id, now);
        continue;
      }
      if (!outage_.lasts()) ports_.observer.warned(outcome.error->id, outcome.error->message);
      outage_.failed(now);
      SLUICE_TRY(settle_unknown(bulk, now));
      continue;
    }
    outage_.succeeded();
    const std::vector<ItemResult> swept(bulk.sweep ? 1 : 0);
    SLUICE_CHECK(bulk.sweep || outcome.items.size() == bulk.items.size(),
                 "a bulk's outcome has one result per document");
    SLUICE_TRY(settle(bulk, bulk.sweep ? std::span(swept) : std::span<const ItemResult>(outcome.items), now));
    back_off(now);
    if (bulk.sweep) continue;
    tell_refusals(outcome.items, now);
    ports_.observer.bulk_written({bulk.items.size(), bulk.bytes, now - bulk.begun, bulk.oldest_timestamp_ms});
  }
  return true;
}

/// The bulk as a whole was answered, so there is no outage; but documents that wait must not wait in silence.
void BulkWriter::tell_refusals(std::span<const ItemResult> items, base::Clock::time_point now) {
  const auto refused = std::find_if(items.begin(), items.end(),
                                    [](const ItemResult& item) { return item.outcome == ItemOutcome::Retry; });
  if (refused != items.end()) tell_refusal(refused->error_type, now);
}

void BulkWriter::tell_refusal(std::string_view refused_as, base::Clock::time_point now) {
  refused_as_ = refused_as;
  if (refusals_told_ && now - *refusals_told_ < std::chrono::minutes(1)) return;
  refusals_told_ = now;
  const Refusal what = refusal();
  ports_.observer.warned(what.id, what.message);
}

Refusal BulkWriter::refusal() const {
  const bool is_blocked = refused_as_ == "cluster_block_exception";
  const std::string_view advice =
      is_blocked
          ? "An index or the whole cluster is read-only, mostly because a disk has reached the flood stage: free "
            "disk space, or take the block away (index.blocks.*, cluster.blocks.*)"
          : "Look at the cluster's health and disks";
  return {is_blocked ? "es.blocked" : "es.overloaded",
          fmt::format("Elasticsearch refuses documents for now ({}). {}. They are sent again until it takes them",
                      refused_as_, advice)};
}

base::Result<void> BulkWriter::settle_unknown(const Bulk& bulk, base::Clock::time_point now) {
  const std::vector<ItemResult> refused(bulk.items.size(), ItemResult{ItemOutcome::Retry, {}, {}});
  return settle(bulk, refused, now);
}

base::Result<void> BulkWriter::settle(const Bulk& bulk, std::span<const ItemResult> results,
                                      base::Clock::time_point now) {
  touched_.clear();
  refused_saturated_.clear();
  for (std::size_t i = 0; i < bulk.items.size(); ++i) {
    if (bulk.items[i].saturated != 0) saturated_.leave(bulk.items[i].saturated);
    SLUICE_TRY(close_item(bulk.items[i], results[i], now));
  }
  return {};
}

base::Result<void> BulkWriter::close_item(const Item& item, const ItemResult& result, base::Clock::time_point now) {
  ItemOutcome outcome = result.outcome;
  // Behind a refused document of the same key and version, what was written is going to be overwritten by the older one
  // when that is sent again: so it is sent again too, behind it.
  if (item.saturated != 0 && outcome != ItemOutcome::Rejected && refused_saturated_.contains(item.saturated)) {
    outcome = ItemOutcome::Retry;
  }
  if (item.saturated != 0 && outcome == ItemOutcome::Retry) refused_saturated_.insert(item.saturated);

  PartitionWork* work = works_.find(item.record.work);
  if (work == nullptr)
    return {};  // the partition went away meanwhile; versions make what was written harmless (rule K-13)
  HeldRecord& held = work->held(item.record.key);
  count(outcome, item.first);
  bool& refused = touched_.try_emplace(item.record.work, false).first->second;
  if (outcome == ItemOutcome::Retry) {
    held.again = true;
    refused = true;
  } else {
    held.done |= 1u << item.ordinal;
  }
  if (outcome == ItemOutcome::Rejected) {
    held.rejected = true;
    letters_.refuse(item.record, result.error_type, result.error_reason);
  }
  if (--held.open != 0) return {};
  return close_record(*work, item.record.key, now);
}

base::Result<void> BulkWriter::close_record(PartitionWork& work, RecordKey key, base::Clock::time_point now) {
  const HeldRecord& held = work.held(key);
  if (held.again) {
    work.give_back(key);
  } else if (held.rejected) {
    return letters_.post({work.id(), key}, now);
  } else {
    ++counters_.records_finished;
    if (held.commit_time_us != 0) counters_.commit_to_bulk.observe(answered_us_ - held.commit_time_us);
    work.finish(key, ports_.maker);
  }
  return {};
}

void BulkWriter::count(ItemOutcome outcome, bool first) {
  switch (outcome) {
    case ItemOutcome::Written:
      ++counters_.documents_written;
      if (first) ++counters_.first_written;
      break;
    case ItemOutcome::Superseded:
      ++counters_.documents_superseded;
      if (first) ++counters_.first_superseded;
      break;
    case ItemOutcome::Retry: ++counters_.documents_retried; break;
    case ItemOutcome::Rejected: ++counters_.documents_rejected; break;
  }
}

void BulkWriter::back_off(base::Clock::time_point now) {
  for (const auto& [id, refused] : touched_) {
    PartitionWork* work = works_.find(id);
    if (work == nullptr) continue;
    if (refused) {
      work->refused(now);
    } else {
      work->accepted();
    }
  }
}

}  // namespace sluice::pipeline
