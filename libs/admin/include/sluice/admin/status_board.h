// Where the pipeline's thread leaves its status and the HTTP thread finds it. One pointer changes hands under one
// mutex, so the pipeline never waits for a slow reader. It is the heartbeat too: a pipeline that publishes nothing any
// more is stuck.
//
// Thread rule: any thread.
#pragma once

#include <memory>
#include <mutex>

#include "sluice/admin/status.h"
#include "sluice/base/clock.h"

namespace sluice::admin {

class StatusBoard {
 public:
  /// `max_silence`: the next publish() comes within this time, or the pipeline counts as stuck.
  void publish(std::shared_ptr<const Status> status, base::Milliseconds max_silence);

  struct Sight {
    std::shared_ptr<const Status> status;  ///< null: nothing was published yet
    base::Deadline published{};
    base::Deadline silent_from = base::Deadline::max();  ///< from then on it counts as stuck
  };
  Sight look() const;

 private:
  mutable std::mutex mutex_;
  Sight sight_;
};

}  // namespace sluice::admin
