#include "sluice/admin/status_board.h"

#include <utility>

namespace sluice::admin {

void StatusBoard::publish(std::shared_ptr<const Status> status, base::Milliseconds max_silence) {
  const auto now = base::Clock::now();
  Sight next{std::move(status), now, now + max_silence};
  {
    const std::lock_guard lock(mutex_);
    std::swap(sight_, next);
  }
  // The old one is freed here, outside of the lock.
}

StatusBoard::Sight StatusBoard::look() const {
  const std::lock_guard lock(mutex_);
  return sight_;
}

}  // namespace sluice::admin
