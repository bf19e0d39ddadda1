#include "sluice/pipeline/stop_signal.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sluice/base/check.h"

namespace sluice::pipeline {
namespace {

std::atomic<StopSignal*> signal_target{nullptr};
std::atomic<int> signals{0};
std::atomic<int> third_exit_code{0};
std::atomic<const char*> third_last_line{nullptr};

void on_signal(int signal) {
  // One terminal that closes may send several; none of them is impatience.
  if (signal == SIGHUP && signals.load() > 0) return;
  const int kept = errno;
  if (StopSignal* target = signal_target.load()) target->request();
  if (signals.fetch_add(1) + 1 >= 3) {
    const char* line = third_last_line.load();
    [[maybe_unused]] const auto written = write(STDERR_FILENO, line, std::strlen(line));
    _exit(third_exit_code.load());
  }
  errno = kept;
}

}  // namespace

StopSignal::StopSignal() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  SLUICE_CHECK(fd_ >= 0, "a process can make one event descriptor at its start");
}

StopSignal::~StopSignal() {
  StopSignal* self = this;
  signal_target.compare_exchange_strong(self, nullptr);
  close(fd_);
}

void StopSignal::request() noexcept {
  requests_.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t one = 1;
  // Can only fail when the counter is near 2^64: then the descriptor is readable anyway.
  [[maybe_unused]] const auto written = write(fd_, &one, sizeof(one));
}

bool StopSignal::wait_until(base::Deadline deadline) const {
  while (!requested()) {
    const auto left = std::chrono::ceil<base::Milliseconds>(deadline - base::Clock::now()).count();
    if (left <= 0) return false;
    pollfd waiting{fd_, POLLIN, 0};
    poll(&waiting, 1, static_cast<int>(std::min<long>(left, 60'000)));
  }
  return true;
}

void stop_on_signals(StopSignal& stop, int exit_code, const char* last_line) {
  third_exit_code.store(exit_code);
  third_last_line.store(last_line);
  signals.store(0);
  signal_target.store(&stop);
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction inherited {};
  sigaction(SIGHUP, nullptr, &inherited);
  if (inherited.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);  // nohup means it
  signal(SIGPIPE, SIG_IGN);
}

}  // namespace sluice::pipeline
