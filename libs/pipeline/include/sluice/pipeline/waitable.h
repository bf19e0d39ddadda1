// What a port waits for, so that the pipeline's thread can wait once, on all of them.
//
// Thread rule: asked by the thread that owns the port.
#pragma once

#include <optional>

#include "sluice/base/clock.h"

namespace sluice::pipeline {

/// One descriptor as poll(2) wants it, and a time at which to come back anyway. fd < 0: only the time counts.
struct Wait {
  int fd = -1;
  short events = 0;
  std::optional<base::Deadline> deadline;
};

class Waitable {
 public:
  virtual ~Waitable() = default;
  /// What would let this port go on. Asked before every wait; must be cheap.
  virtual Wait waits_for() const = 0;
};

}  // namespace sluice::pipeline
