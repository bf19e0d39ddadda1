#include "sluice/pipeline/indexing.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine.h"
#include "sluice/base/check.h"

namespace sluice::pipeline {
namespace {

int timeout_ms(const std::vector<Wait>& waits, base::Clock::time_point now) {
  auto earliest = base::Deadline::max();
  for (const Wait& wait : waits) {
    if (wait.deadline) earliest = std::min(earliest, *wait.deadline);
  }
  if (earliest <= now) return 0;
  return static_cast<int>(std::chrono::ceil<base::Milliseconds>(earliest - now).count());
}

/// Waits once, on all of them. A signal that interrupts it is as good as a descriptor that is ready.
void wait_on(const std::vector<Wait>& waits, const StopSignal& stop, base::Clock::time_point now) {
  std::vector<pollfd> fds;
  if (!stop.requested()) fds.push_back({stop.fd(), POLLIN, 0});
  for (const Wait& wait : waits) {
    if (wait.fd >= 0) fds.push_back({wait.fd, wait.events, 0});
  }
  const int ready = ::poll(fds.data(), static_cast<nfds_t>(fds.size()), timeout_ms(waits, now));
  SLUICE_CHECK(ready >= 0 || errno == EINTR, "poll() is given valid descriptors");
}

}  // namespace

Indexing::Indexing(IndexingOptions options, IndexingPorts ports)
    : engine_(std::make_unique<Engine>(std::move(options), std::move(ports))) {}

Indexing::~Indexing() = default;

base::Result<StepOutcome> Indexing::step() { return engine_->step(); }
void Indexing::request_stop() { engine_->request_stop(); }
Settlement Indexing::settlement() const { return engine_->settlement(); }
std::vector<Wait> Indexing::waits() const { return engine_->waits(); }
IndexingStatus Indexing::status() const { return engine_->status(); }

base::Result<Settlement> Indexing::run(const StopSignal& stop, const std::function<void()>& each_second) {
  auto next_tick = engine_->now();
  while (!stop.forced()) {
    if (stop.requested()) request_stop();
    SLUICE_ASSIGN(const StepOutcome outcome, step());
    if (outcome == StepOutcome::Stopped) return settlement();
    const auto now = engine_->now();
    if (now >= next_tick) {
      each_second();
      next_tick = now + std::chrono::seconds(1);
    }
    if (outcome == StepOutcome::Idle) wait_on(waits(), stop, now);
  }
  return Settlement::Unfinished;
}

}  // namespace sluice::pipeline
