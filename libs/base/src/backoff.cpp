#include "sluice/base/backoff.h"

#include <algorithm>
#include <cmath>

namespace sluice::base {

Backoff::Backoff(BackoffLimits limits, std::uint64_t seed) : limits_(limits), random_(seed) {}

Milliseconds Backoff::next() {
  const double ceiling_ms = static_cast<double>(limits_.max.count());
  const double wanted_ms = static_cast<double>(limits_.initial.count()) * std::pow(limits_.multiplier, attempts_);
  const double bounded_ms = std::min(wanted_ms, ceiling_ms);
  ++attempts_;
  std::uniform_real_distribution<double> jitter(0.5, 1.0);
  return Milliseconds(static_cast<Milliseconds::rep>(bounded_ms * jitter(random_)));
}

}  // namespace sluice::base
