// Records that can never be indexed, on their way to the dead letters (rule E-12): a record is finished when its letter
// is acknowledged, and too many of them in a minute stop the program, since a wrong mapping must not drain a topic.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "outage.h"
#include "sluice/pipeline/dead_letters.h"
#include "sluice/pipeline/indexing.h"
#include "works.h"

namespace sluice::pipeline {

class Letters {
 public:
  Letters(const IndexingOptions& options, IndexingPorts& ports, IndexingCounters& counters, Works& works);

  /// Remembers why an item of this record was refused; the first reason stands.
  void refuse(const RecordRef& record, std::string error_type, std::string error_reason);

  /// All items of the record have their outcome: its letter is due. Error: es.too_many_rejected (Stop).
  base::Result<void> post(const RecordRef& record, base::Clock::time_point now);

  /// Writes what is due. True: something moved.
  base::Result<bool> deliver(base::Clock::time_point now);

  /// Forgets records of partitions that are no longer ours.
  void forget_gone();

  /// Why none could be written for ten seconds and more.
  std::optional<Refusal> long_obstacle(base::Clock::time_point now) const;

  std::optional<base::Deadline> retry_at() const { return due_.empty() ? std::nullopt : outage_.retry_at(); }

 private:
  struct Reason {
    std::string type, reason;
  };
  base::Result<void> put(PartitionWork& work, const RecordRef& ref);

  const IndexingOptions& options_;
  IndexingPorts& ports_;
  IndexingCounters& counters_;
  Works& works_;
  Outage outage_;
  std::optional<Refusal> obstacle_;  ///< since `failing_since_`
  base::Clock::time_point failing_since_{};
  std::map<RecordRef, Reason> reasons_;
  std::deque<RecordRef> due_;
  std::deque<base::Clock::time_point> last_minute_;
};

}  // namespace sluice::pipeline
