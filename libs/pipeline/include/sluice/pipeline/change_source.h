// Port: where changes come from (the replication stream, a snapshot, a queue filled by triggers).
//
// Thread rule: made, used and destroyed by the pipeline's thread.
#pragma once

#include <optional>

#include "sluice/base/error.h"
#include "sluice/change/change_event.h"
#include "sluice/pipeline/waitable.h"

namespace sluice::pipeline {

class ChangeSource : public Waitable {
 public:
  /// The next item, or nothing when the source would have to wait: then waits_for() says on what. Never blocks.
  /// A ChangeEvent is valid until the next call. After an error the source is finished: destroy it.
  virtual base::Result<std::optional<change::SourceItem>> next() = 0;

  /// Everything before `durable` is safe: the source may forget it. Also the time for periodic feedback to the peer, so
  /// call it at least once a second even when nothing changed and nothing is being read.
  /// REQUIRES: `durable` never decreases.
  virtual base::Result<void> confirm(change::Position durable) = 0;
};

}  // namespace sluice::pipeline
