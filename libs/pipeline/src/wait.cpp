#include "sluice/pipeline/wait.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <poll.h>

#include "sluice/base/check.h"

namespace sluice::pipeline {

void wait(const StopSignal& stop, WatchStop watch_stop, base::Deadline deadline, std::initializer_list<Wait> waits) {
  std::array<pollfd, 8> watched{};
  nfds_t count = 0;
  SLUICE_CHECK(waits.size() < watched.size(), "a pipeline waits on a handful of ports");
  if (watch_stop == WatchStop::Watched) watched[count++] = {stop.fd(), POLLIN, 0};
  for (const Wait& wait : waits) {
    if (wait.fd >= 0) watched[count++] = {wait.fd, wait.events, 0};
    if (wait.deadline) deadline = std::min(deadline, *wait.deadline);
  }
  const auto left = std::max(deadline - base::Clock::now(), base::Clock::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(left - seconds);
  const timespec timeout{static_cast<time_t>(seconds.count()), static_cast<long>(rest.count())};
  // ppoll because naps on a Unix socket are shorter than poll's millisecond. Interrupted is as good as ready.
  ppoll(watched.data(), count, &timeout, nullptr);
}

}  // namespace sluice::pipeline
