// Whether a peer that failed as a whole may be tried again: after a back-off, with one attempt at a time until one
// succeeds.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <optional>

#include "sluice/base/backoff.h"
#include "sluice/base/clock.h"

namespace sluice::pipeline {

/// A busy cluster refuses now and then; who is held up for longer than this has to be helped.
constexpr base::Milliseconds kLongRefusal{10'000};

class Outage {
 public:
  explicit Outage(base::Backoff backoff) : backoff_(backoff) {}

  void failed(base::Clock::time_point now) { retry_at_ = now + backoff_.next(); }
  void succeeded() {
    retry_at_.reset();
    backoff_.reset();
  }
  bool lasts() const { return retry_at_.has_value(); }
  bool allows_attempt(base::Clock::time_point now) const { return !retry_at_ || now >= *retry_at_; }
  std::optional<base::Deadline> retry_at() const { return retry_at_; }

 private:
  base::Backoff backoff_;
  std::optional<base::Deadline> retry_at_;
};

}  // namespace sluice::pipeline
