// Commands that only look.
#include <algorithm>

#include <fmt/core.h>

#include "../adapter_options.h"
#include "sluice/config/describe.h"
#include "sluice/connector/operator_commands.h"
#include "sluice/log/log_reader.h"
#include "sluice/offsets/lmdb_offset_store.h"
#include "sluice/postgres/server.h"

namespace sluice::connector {
namespace {

using base::Recovery;

base::Result<log::Level> parse_level(const std::string& text) {
  for (const auto level : {log::Level::Debug, log::Level::Info, log::Level::Warning, log::Level::Error}) {
    if (log::to_string(level) == text) return level;
  }
  return base::fail(Recovery::Stop, "config.bad_argument",
                    fmt::format("--level {} is not one of debug, info, warning, error", text));
}

base::Result<base::Milliseconds> parse_age(const std::string& text) {
  std::size_t digits = 0;
  while (digits < text.size() && digits < 9 && text[digits] >= '0' && text[digits] <= '9') ++digits;
  const std::string unit = text.substr(digits);
  const std::int64_t unit_ms = unit == "s"   ? 1'000
                               : unit == "m" ? 60'000
                               : unit == "h" ? 3'600'000
                               : unit == "d" ? 86'400'000
                                             : 0;
  if (digits == 0 || unit_ms == 0) {
    return base::fail(Recovery::Stop, "config.bad_argument",
                      fmt::format("--since {} is no age such as 30m, 1h or 2d", text));
  }
  return base::Milliseconds(std::stoll(text.substr(0, digits)) * unit_ms);
}

}  // namespace

base::Result<std::string> show_config(const ProgramOptions& program, const ConfigQuery& query) {
  if (query.schema) return config::json_schema();
  SLUICE_ASSIGN(const auto settings, load_settings(program));
  return config::effective_config(settings);
}

base::Result<std::string> read_logs(const ProgramOptions& program, const LogQuery& query) {
  log::LogFilter filter;
  SLUICE_ASSIGN(filter.min_level, parse_level(query.level));
  SLUICE_ASSIGN(const auto age, parse_age(query.since));
  filter.since = base::WallClock::now() - age;
  filter.max_rows = query.limit;
  SLUICE_ASSIGN(const auto settings, load_settings(program));
  SLUICE_ASSIGN(const auto rows, log::read_logs(log_database_path(settings), filter));
  std::string text;
  for (const auto& row : rows) {
    text += fmt::format("{} {:<7} {}/{}: {}", row.ts, row.level, row.app, row.logger, row.message);
    if (!row.error_id.empty()) text += fmt::format(" [{}]", row.error_id);
    text += '\n';
  }
  return text;
}

}  // namespace sluice::connector
