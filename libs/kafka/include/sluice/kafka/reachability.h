// Whether the brokers answer, as far as the client has noticed: for the status page and for giving up (exit code 4).
//
// Thread rule: a value.
#pragma once

#include <optional>
#include <string>

#include "sluice/base/clock.h"

namespace sluice::kafka {

struct Reachability {
  /// When the last broker was lost; nothing: at least one is there, or nobody has needed one yet.
  std::optional<base::Clock::time_point> unreachable_since;
  std::string last_error;  ///< librdkafka's words for the newest transport error; kept when the brokers are back
};

}  // namespace sluice::kafka
