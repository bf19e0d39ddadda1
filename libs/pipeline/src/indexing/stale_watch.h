// The alarm of rule E-10: a mirror that takes nothing of what is new. When positions of the source have gone back (a
// restored server under an old epoch), every version is lower than what is there, and each document is superseded in
// silence.
//
// It judges a minute at least, and at least a hundred documents: a member that is already replaced, or a replicator
// that says its last second again (delivery: at_least_once), can be first with some of them; with more than half of a
// minute's only when little else came, and then the next hundred end the alarm.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "sluice/pipeline/indexing.h"

namespace sluice::pipeline {

class StaleWatch {
 public:
  StaleWatch(const IndexingCounters& counters, base::Clock::time_point now) : counters_(counters), begun_(now) {}

  void look(base::Clock::time_point now) {
    if (now - begun_ < kWindow) return;
    const std::uint64_t written = counters_.first_written - written_before_;
    const std::uint64_t superseded = counters_.first_superseded - superseded_before_;
    if (written + superseded < kLeast) return;
    verdict_ = superseded > written ? std::optional(StaleDeliveries{superseded, superseded + written}) : std::nullopt;
    begun_ = now;
    written_before_ = counters_.first_written;
    superseded_before_ = counters_.first_superseded;
  }

  /// Of the last window; nothing: it was as it should be.
  const std::optional<StaleDeliveries>& verdict() const { return verdict_; }

 private:
  static constexpr std::chrono::minutes kWindow{1};
  static constexpr std::uint64_t kLeast = 100;

  const IndexingCounters& counters_;
  base::Clock::time_point begun_;
  std::uint64_t written_before_ = 0;
  std::uint64_t superseded_before_ = 0;
  std::optional<StaleDeliveries> verdict_;
};

}  // namespace sluice::pipeline
