// How a pipeline is asked to stop: once = settle and leave, twice = leave now. It can be polled like any port.
//
// Thread rule: request() from any thread and from a signal handler; everything else by the pipeline's thread.
#pragma once

#include <atomic>

#include "sluice/base/clock.h"

namespace sluice::pipeline {

class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  /// Async-signal-safe.
  void request() noexcept;

  bool requested() const { return requests_.load(std::memory_order_relaxed) > 0; }
  bool forced() const { return requests_.load(std::memory_order_relaxed) > 1; }

  /// Readable from the first request on.
  int fd() const { return fd_; }

  /// Waits for a request until the deadline; true when there was one.
  bool wait_until(base::Deadline deadline) const;

 private:
  std::atomic<int> requests_{0};
  int fd_ = -1;
};

/// SIGINT, SIGTERM and SIGHUP (the terminal has gone) call request() from now on; SIGHUP once at most, and not at all
/// where it was ignored (nohup). The third ends the process at once
/// with `exit_code` and `last_line` on stderr, whatever the pipeline's thread waits for: a call into a client library
/// may take its full timeout, and what was not confirmed is sent again anyway. REQUIRES: `stop` and `last_line` outlive
/// the process's last signal.
void stop_on_signals(StopSignal& stop, int exit_code, const char* last_line);

}  // namespace sluice::pipeline
