// When to read a replication socket whose peer is on this host.
//
// The walsender pays for every segment that its kernel hands to an awake reader. A reader that keeps its window small
// and sleeps while little waits lets the kernel merge the walsender's sends: twice the rows per second. The nap is
// gated by the rate, so that a quiet stream is read at once and pays nothing in latency.
//
// Thread rule: pure; the caller brings the clock.
#pragma once

#include <cstdint>

#include "sluice/base/clock.h"

namespace sluice::postgres {

struct NapLimits {
  std::uint64_t read_at_once_bytes = 0;  ///< this much waiting is worth a read
  base::Microseconds nap{0};
  std::uint64_t min_bytes_per_s = 4'000'000;  ///< below: no nap
  base::Milliseconds min_window{5};           ///< a rate taken over less is noise
};

/// TCP with SO_RCVBUF 64 KB: the nap must be longer than window ÷ slow rate, about 7 ms.
inline constexpr NapLimits kTcpNaps{8'192, base::Microseconds(20'000)};
/// A unix socket holds some 280 messages, however small: of narrow rows it is full with 36 KB, and then the walsender
/// waits for us.
inline constexpr NapLimits kUnixNaps{16'384, base::Microseconds(200)};
/// Another host: leave the kernel's autotuning alone.
inline constexpr NapLimits kNoNaps{0, base::Microseconds(0)};

enum class ReadAdvice {
  Read,
  Nap,   ///< until nap_end(); do not read before
  Wait,  ///< nothing is there: wait for the socket
};

class NapGate {
 public:
  NapGate(NapLimits limits, base::Clock::time_point now) : limits_(limits), window_begin_(now) {}

  /// To be asked when everything received was used up and `waiting_bytes` wait in the kernel.
  ReadAdvice advise(std::uint64_t waiting_bytes, base::Clock::time_point now);

  void received(std::uint64_t bytes) { window_bytes_ += bytes; }

  /// A nap was advised and nobody has asked since.
  bool asleep() const { return napping_; }
  base::Deadline nap_end() const { return nap_end_; }
  const NapLimits& limits() const { return limits_; }

 private:
  void measure(base::Clock::time_point now);

  NapLimits limits_;
  base::Clock::time_point window_begin_;
  std::uint64_t window_bytes_ = 0;
  bool fast_ = false;
  bool napping_ = false;
  base::Deadline nap_end_{};
};

}  // namespace sluice::postgres
