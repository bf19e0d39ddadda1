// Whether the brokers answer, as far as the client has noticed: for the status page and for giving up (exit code 4).
//
// Thread rule: a value.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/clock.h"

namespace sluice::kafka {

struct Reachability {
  /// When the last broker was lost; nothing: at least one is there, or nobody has needed one yet.
  std::optional<base::Clock::time_point> unreachable_since;
  std::string last_error;  ///< librdkafka's words for the newest transport error; kept when the brokers are back
};

/// What librdkafka's statistics (STATISTICS.md there) say of the brokers it may talk to.
struct BrokersSeen {
  bool any = false;  ///< learned or configured; else it would never find one again by itself
  bool one_is_up = false;
};
BrokersSeen brokers_in(std::string_view statistics);

}  // namespace sluice::kafka
