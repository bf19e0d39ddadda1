// The parts of Indexing, wired, and the events of the consumer group: assignments, revocations, the stop.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <optional>
#include <vector>

#include "bulk_writer.h"
#include "letters.h"
#include "offset_keeper.h"
#include "outage.h"
#include "sluice/pipeline/indexing.h"
#include "stale_watch.h"
#include "works.h"

namespace sluice::pipeline {

class Indexing::Engine {
 public:
  Engine(IndexingOptions options, IndexingPorts ports);

  base::Result<StepOutcome> step();
  void request_stop();
  Settlement settlement() const;
  std::vector<Wait> waits() const;
  IndexingStatus status() const;
  base::Clock::time_point now() const { return ports_.now(); }

 private:
  struct Revocation {
    std::vector<Partition> partitions;
    base::Deadline deadline;
  };

  base::Result<bool> read();
  base::Result<void> handle(SourceEvent event);
  base::Result<bool> begin_assigned();
  void revoke(const std::vector<Partition>& partitions);
  void lose(const std::vector<Partition>& partitions);
  base::Result<bool> finish_revocations();
  base::Result<bool> finish_revocation(const Revocation& revocation);
  base::Result<bool> checkpoint();
  base::Result<void> look_beside_the_stream();
  base::Result<OffsetKeeper::Kept> keep(const std::vector<PartitionWork*>& works);
  base::Result<bool> finish_stop();
  base::Result<void> adjust_pauses();
  bool wants_pause(const PartitionWork& work) const;
  /// The search engine is away, and reading more would not help.
  bool is_waiting_out() const;
  bool is_full() const { return works_.held_bytes() >= options_.max_buffered_bytes; }
  bool is_throttled() const;
  /// Of an error: Retry becomes an outage and nothing; everything else stays an error.
  base::Result<void> absorb(base::Error error);

  IndexingOptions options_;
  IndexingPorts ports_;
  IndexingCounters counters_;
  Works works_;
  Outage outage_;        ///< of the search engine
  Outage maker_outage_;  ///< of what the maker looks after beside the stream
  Letters letters_;
  BulkWriter writer_;
  OffsetKeeper keeper_;
  StaleWatch stale_;

  base::Clock::time_point now_;  ///< of this step
  base::Clock::time_point last_read_;
  base::Clock::time_point last_checkpoint_;
  std::vector<Assigned::Start> assigned_;  ///< not begun yet
  std::vector<Revocation> revocations_;
  bool full_ = false;  ///< reading is paused until half of the buffer is free
  std::optional<base::Deadline> stop_deadline_;
  std::optional<Settlement> settlement_;
};

}  // namespace sluice::pipeline
