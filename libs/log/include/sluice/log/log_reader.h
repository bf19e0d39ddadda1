// Reads the table `logs` back, for `replicator logs --level error --since 1h`. Works beside a running program.
//
// Thread rule: any thread; each call opens the database for itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/base/error.h"
#include "sluice/log/log.h"

namespace sluice::log {

struct LogFilter {
  Level min_level = Level::Debug;
  std::optional<base::WallClock::time_point> since;
  std::string logger;              ///< empty: all
  std::string error_id;            ///< empty: all
  std::uint32_t max_rows = 1'000;  ///< the newest ones
};

struct LogRow {
  std::int64_t id = 0;
  std::string ts;     ///< UTC, 2026-11-21T08:00:00.123Z
  std::string level;  ///< debug, info, warning, error
  std::string logger;
  std::string message;
  std::string error_id;  ///< empty: none
  std::string app;
  std::string pipeline;
};

/// Oldest first. Errors (Stop): log.missing, log.unreadable.
base::Result<std::vector<LogRow>> read_logs(const std::string& path, const LogFilter& filter);

}  // namespace sluice::log
