#include "sluice/postgres/nap_gate.h"

namespace sluice::postgres {

ReadAdvice NapGate::advise(std::uint64_t waiting_bytes, base::Clock::time_point now) {
  const ReadAdvice awake = waiting_bytes > 0 ? ReadAdvice::Read : ReadAdvice::Wait;
  if (napping_) {
    if (now < nap_end_) return ReadAdvice::Nap;
    napping_ = false;
    return awake;
  }
  if (limits_.nap.count() == 0) return awake;
  if (waiting_bytes >= limits_.read_at_once_bytes) return ReadAdvice::Read;
  measure(now);
  if (!fast_) return awake;
  napping_ = true;
  nap_end_ = now + limits_.nap;
  return ReadAdvice::Nap;
}

void NapGate::measure(base::Clock::time_point now) {
  const auto window = std::chrono::duration_cast<base::Microseconds>(now - window_begin_);
  if (window < limits_.min_window) return;
  fast_ = window_bytes_ * 1'000'000 >= limits_.min_bytes_per_s * static_cast<std::uint64_t>(window.count());
  window_begin_ = now;
  window_bytes_ = 0;
}

}  // namespace sluice::postgres
