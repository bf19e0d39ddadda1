// The two clocks of the house. Durations and deadlines use Clock (monotonic: a stepped wall clock has no effect);
// WallClock is only for time stamps that people read.
#pragma once

#include <chrono>

namespace sluice::base {

using Clock = std::chrono::steady_clock;
using WallClock = std::chrono::system_clock;
using Deadline = Clock::time_point;

using Milliseconds = std::chrono::milliseconds;
using Microseconds = std::chrono::microseconds;

}  // namespace sluice::base
