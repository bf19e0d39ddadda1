#include "socket_wait.h"

#include <poll.h>

#include <cerrno>
#include <ctime>

namespace sluice::postgres {

bool wait_for_socket(int fd, short events, base::Deadline deadline) {
  pollfd entry{fd, events, 0};
  for (;;) {
    const auto left = deadline - base::Clock::now();
    if (left.count() <= 0) return poll(&entry, 1, 0) > 0;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec timeout{seconds.count(), std::chrono::nanoseconds(left - seconds).count()};
    const int ready = ppoll(&entry, 1, &timeout, nullptr);
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) return true;
  }
}

}  // namespace sluice::postgres
