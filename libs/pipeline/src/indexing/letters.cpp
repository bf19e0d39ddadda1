#include "letters.h"

#include <fmt/core.h>

#include <utility>

namespace sluice::pipeline {

Letters::Letters(const IndexingOptions& options, IndexingPorts& ports, IndexingCounters& counters, Works& works)
    : options_(options),
      ports_(ports),
      counters_(counters),
      works_(works),
      outage_(base::Backoff(options.backoff, options.backoff_seed)) {}

void Letters::refuse(const RecordRef& record, std::string error_type, std::string error_reason) {
  reasons_.try_emplace(record, Reason{std::move(error_type), std::move(error_reason)});
}

base::Result<void> Letters::post(const RecordRef& record, base::Clock::time_point now) {
  while (!last_minute_.empty() && now - last_minute_.front() >= std::chrono::minutes(1)) last_minute_.pop_front();
  last_minute_.push_back(now);
  if (last_minute_.size() > options_.max_rejected_per_minute) {
    return base::fail(
        base::Recovery::Stop, "es.too_many_rejected",
        fmt::format("More than {} records were refused within a minute, the last one with {}. Look at the "
                    "dead letters, correct the mapping or the data, and start again; or raise "
                    "dead_letters.max_per_minute when so many are expected",
                    options_.max_rejected_per_minute, reasons_[record].type));
  }
  due_.push_back(record);
  return {};
}

base::Result<void> Letters::put(PartitionWork& work, const RecordRef& ref) {
  const ConsumedRecord& record = work.record(ref.key);
  const Reason& reason = reasons_[ref];
  return ports_.dead_letters.put({.partition = work.partition(),
                                  .record = record,
                                  .id = ports_.maker.event_id(record),
                                  .error_type = reason.type,
                                  .error_reason = reason.reason,
                                  .attempts = work.held(ref.key).attempts});
}

base::Result<bool> Letters::deliver(base::Clock::time_point now) {
  bool moved = false;
  while (!due_.empty() && outage_.allows_attempt(now)) {
    const RecordRef ref = due_.front();
    PartitionWork* work = works_.find(ref.work);
    if (work != nullptr) {
      if (auto put_result = put(*work, ref); !put_result) {
        if (put_result.error().recovery != base::Recovery::Retry) return tl::make_unexpected(put_result.error());
        if (!outage_.lasts()) ports_.observer.warned(put_result.error().id, put_result.error().message);
        // The attempt may have taken its whole time-out: the pause begins when it is over.
        outage_.failed(ports_.now());
        if (!obstacle_) failing_since_ = now;
        obstacle_ = Refusal{put_result.error().id, std::move(put_result.error().message)};
        return moved;
      }
      outage_.succeeded();
      obstacle_.reset();
      ++counters_.records_dead_lettered;
      ++counters_.records_finished;
      work->finish(ref.key, ports_.maker);
    }
    reasons_.erase(ref);
    due_.pop_front();
    moved = true;
  }
  return moved;
}

std::optional<Refusal> Letters::long_obstacle(base::Clock::time_point now) const {
  return !due_.empty() && obstacle_ && now - failing_since_ >= kLongRefusal ? obstacle_ : std::nullopt;
}

void Letters::forget_gone() {
  std::erase_if(due_, [&](const RecordRef& ref) { return works_.find(ref.work) == nullptr; });
  std::erase_if(reasons_, [&](const auto& entry) { return works_.find(entry.first.work) == nullptr; });
  if (due_.empty()) obstacle_.reset();
}

}  // namespace sluice::pipeline
