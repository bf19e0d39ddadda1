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

enum class Woken { ByWork, ByStop };

/// Waits once, on all of them.
Woken wait_on(const std::vector<Wait>& waits, int stop_fd, base::Clock::time_point now) {
  std::vector<pollfd> fds;
  if (stop_fd >= 0) fds.push_back({stop_fd, POLLIN, 0});
  for (const Wait& wait : waits) {
    if (wait.fd >= 0) fds.push_back({wait.fd, wait.events, 0});
  }
  const int ready = ::poll(fds.data(), static_cast<nfds_t>(fds.size()), timeout_ms(waits, now));
  SLUICE_CHECK(ready >= 0 || errno == EINTR, "poll() is given valid descriptors");
  return ready > 0 && stop_fd >= 0 && fds.front().revents != 0 ? Woken::ByStop : Woken::ByWork;
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

base::Result<Settlement> Indexing::run(int stop_fd, const std::function<void()>& each_second) {
  auto next_tick = engine_->now();
  while (true) {
    SLUICE_ASSIGN(const StepOutcome outcome, step());
    if (outcome == StepOutcome::Stopped) return settlement();
    const auto now = engine_->now();
    if (now >= next_tick) {
      each_second();
      next_tick = now + std::chrono::seconds(1);
    }
    // Busy looks at the descriptors too, without waiting: a stop must not wait until there is nothing to do.
    std::vector<Wait> waits;
    if (outcome == StepOutcome::Idle) {
      waits = this->waits();
    } else {
      waits.push_back({-1, 0, now});
    }
    if (wait_on(waits, stop_fd, now) == Woken::ByStop) {
      request_stop();
      stop_fd = -1;
    }
  }
}

}  // namespace sluice::pipeline
