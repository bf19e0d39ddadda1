#include "sluice/pipeline/supervise.h"

#include <optional>

#include "sluice/base/clock.h"

namespace sluice::pipeline {

base::Result<void> supervise(const SuperviseLimits& limits, const StopSignal& stop,
                             const std::function<void(const base::Error&, base::Milliseconds wait)>& on_retry,
                             const std::function<Attempt()>& attempt,
                             const std::function<void(base::Deadline)>& while_waiting) {
  base::Backoff backoff(limits.backoff);
  std::optional<base::Deadline> failing_since;
  while (!stop.requested()) {
    Attempt made = attempt();
    if (made.result) return {};
    if (made.result.error().recovery != base::Recovery::Retry) return made.result;
    const base::Deadline now = base::Clock::now();
    if (made.progress == AttemptProgress::Worked) {
      backoff.reset();
      failing_since.reset();
    }
    if (!failing_since) failing_since = now;
    if (stop.requested()) return {};
    if (limits.max_outage.count() > 0 && now - *failing_since >= limits.max_outage) return made.result;
    const base::Milliseconds wait = backoff.next();
    on_retry(made.result.error(), wait);
    if (while_waiting) while_waiting(now + wait);
    stop.wait_until(now + wait);
  }
  return {};
}

}  // namespace sluice::pipeline
