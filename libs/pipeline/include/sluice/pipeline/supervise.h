// The retry loop of both programs: attempts are made until one succeeds, a stop is requested, an error is not to be
// retried, or the outage lasts too long.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <functional>

#include "sluice/base/backoff.h"
#include "sluice/base/error.h"
#include "sluice/pipeline/stop_signal.h"

namespace sluice::pipeline {

struct SuperviseLimits {
  base::BackoffLimits backoff;
  /// Failing for longer than this without one attempt that worked ends the loop with the last error; 0: never.
  base::Milliseconds max_outage{0};
};

/// Whether an attempt did useful work before it failed: then the back-off and the outage begin anew.
enum class AttemptProgress { Worked, Failed };

struct Attempt {
  base::Result<void> result;
  AttemptProgress progress = AttemptProgress::Failed;
};

/// `on_retry` hears every error that is about to be retried, and the wait before; `while_waiting` may use that time, to
/// its deadline at most. Returns success when an attempt
/// succeeded or a stop was requested; else the error: its recovery tells an outage (Retry) from a decision to take
/// (Stop).
base::Result<void> supervise(const SuperviseLimits& limits, const StopSignal& stop,
                             const std::function<void(const base::Error&, base::Milliseconds wait)>& on_retry,
                             const std::function<Attempt()>& attempt,
                             const std::function<void(base::Deadline)>& while_waiting = {});

}  // namespace sluice::pipeline
