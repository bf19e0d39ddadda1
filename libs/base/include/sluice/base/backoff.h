// Exponential back-off with full jitter: how long to wait before the next attempt.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <random>

#include "sluice/base/clock.h"

namespace sluice::base {

struct BackoffLimits {
  Milliseconds initial{200};
  Milliseconds max{30'000};
  double multiplier = 2.0;
};

class Backoff {
 public:
  /// `seed` makes the jitter repeatable in tests.
  explicit Backoff(BackoffLimits limits, std::uint64_t seed = std::random_device{}());

  /// The wait before the next attempt: between half and all of initial × multiplier^attempts, never above max.
  Milliseconds next();

  /// After a success: the next wait is the initial one again.
  void reset() { attempts_ = 0; }

  std::uint32_t attempts() const { return attempts_; }

 private:
  BackoffLimits limits_;
  std::uint32_t attempts_ = 0;
  std::mt19937_64 random_;
};

}  // namespace sluice::base
