// One message on its way to the sinks: redacted, escaped, of bounded length.
#pragma once

#include <string>
#include <string_view>

#include "sluice/base/clock.h"
#include "sluice/log/log.h"

namespace sluice::log {

struct Record {
  base::WallClock::time_point time;
  Level level = Level::Info;
  std::string logger;
  std::string message;
  std::string error_id;  ///< empty: none

  std::size_t bytes() const { return sizeof(Record) + logger.size() + message.size() + error_id.size(); }
};

Record make_record(Level level, std::string_view logger, std::string_view error_id, std::string_view message);

/// 2026-11-21T08:00:00.123Z
std::string utc_text(base::WallClock::time_point time);

}  // namespace sluice::log
