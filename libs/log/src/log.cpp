#include "sluice/log/log.h"

#include <fmt/core.h>

#include <exception>

#include "dispatch.h"
#include "escape.h"
#include "record.h"
#include "sluice/log/redact.h"

namespace sluice::log {
namespace {

/// A message is a sentence. A longer one is a peer that tells stories.
constexpr std::size_t kMaxMessageBytes = 8'192;

}  // namespace

std::string_view to_string(Level level) {
  switch (level) {
    case Level::Debug: return "debug";
    case Level::Info: return "info";
    case Level::Warning: return "warning";
    case Level::Error: return "error";
  }
  return "error";
}

Record make_record(Level level, std::string_view logger, std::string_view error_id, std::string_view message) {
  return Record{base::WallClock::now(), level, std::string(logger),
                shortened(escaped(redacted(message)), kMaxMessageBytes), std::string(error_id)};
}

std::string utc_text(base::WallClock::time_point time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<milliseconds>(time) - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

void Logger::write(Level level, std::string_view error_id, fmt::string_view format, fmt::format_args arguments) const {
  if (!is_enabled(level)) return;
  dispatch().write(make_record(level, room_, error_id, fmt::vformat(format, arguments)));
}

}  // namespace sluice::log
