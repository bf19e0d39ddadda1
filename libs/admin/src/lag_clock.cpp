#include "sluice/admin/lag_clock.h"

namespace sluice::admin {

void LagClock::seen(std::uint64_t position, base::Clock::time_point now) {
  if (!samples_.empty() && position <= samples_.back().position) return;
  if (samples_.size() < kMaxSamples) {
    samples_.push_back({position, now});
  } else {
    // What was seen since the last sample becomes part of it: as old as it is.
    samples_.back().position = position;
  }
}

base::Clock::duration LagClock::behind(std::uint64_t durable, base::Clock::time_point now) {
  while (!samples_.empty() && samples_.front().position <= durable) samples_.pop_front();
  return samples_.empty() ? base::Clock::duration::zero() : now - samples_.front().at;
}

}  // namespace sluice::admin
