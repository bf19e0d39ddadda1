// Where a partition begins, and how far it is finished, told to the search engine first and to Kafka second (rule
// K-15).
//
// Thread rule: the pipeline's thread.
#pragma once

#include <map>
#include <span>
#include <string>

#include "sluice/pipeline/indexing.h"
#include "works.h"

namespace sluice::pipeline {

class OffsetKeeper {
 public:
  OffsetKeeper(const IndexingOptions& options, IndexingPorts& ports, IndexingCounters& counters)
      : options_(options), ports_(ports), counters_(counters) {}

  struct Beginning {
    GroupCheckpoint checkpoint;    ///< has the offset to begin at
    std::optional<Offset> stored;  ///< nothing: this beginning is not in the search engine yet
  };

  /// Decides where to begin. Errors: kafka.retention_overrun,
  /// es.bad_checkpoint (Stop); Retry when the search engine is away.
  base::Result<Beginning> begin(const Assigned::Start& start);

  enum class Kept { Nothing, Everything, NotCommitted };

  /// Stores the checkpoints of those that moved or never were stored, tells the source, commits. Error Retry: not all
  /// could be stored, and what was not stored was not told to Kafka. NotCommitted: stored, but Kafka did not take the
  /// commit now.
  base::Result<Kept> keep(std::span<PartitionWork* const> works);

 private:
  bool covers_outputs(const GroupCheckpoint& stored) const;
  /// What the outputs had in front of `from` they still have. One that was not written meanwhile has nothing there.
  std::map<std::string, Offset> kept_since(const GroupCheckpoint& stored, Offset from) const;
  tl::unexpected<base::Error> overrun(const Assigned::Start& start, Offset goes_on_at) const;

  const IndexingOptions& options_;
  IndexingPorts& ports_;
  IndexingCounters& counters_;
  bool commit_due_ = false;
  bool commit_fails_ = false;  ///< the last one was refused, and that was told
};

}  // namespace sluice::pipeline
