// How long we have been behind, without asking anybody: notes when the source was seen to reach a position, and says
// how long ago the oldest one was seen that is not durable yet. Blind to what came before it began to look.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <deque>

#include "sluice/base/clock.h"

namespace sluice::admin {

class LagClock {
 public:
  /// The source has reached `position`.
  void seen(std::uint64_t position, base::Clock::time_point now);
  /// Since when something is not durable, as a duration; 0: everything seen is.
  base::Clock::duration behind(std::uint64_t durable, base::Clock::time_point now);

 private:
  struct Sample {
    std::uint64_t position = 0;
    base::Clock::time_point at;
  };
  // Full, it forgets in between, never the oldest: the answer grows more coarse, not smaller.
  static constexpr std::size_t kMaxSamples = 4'096;
  std::deque<Sample> samples_;
};

}  // namespace sluice::admin
