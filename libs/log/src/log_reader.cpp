#include "sluice/log/log_reader.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "record.h"
#include "sqlite.h"

namespace sluice::log {
namespace {

using base::fail;
using base::Recovery;
using base::Result;

constexpr std::string_view kUnreadable = "log.unreadable";
constexpr int kBusyTimeoutMs = 5'000;

// An empty text or a null of a parameter means: all. Levels are compared by their rank.
constexpr const char* kQuery =
    "SELECT id, ts, level, logger, message, error_id, app, pipeline FROM logs"
    " WHERE CASE level WHEN 'debug' THEN 0 WHEN 'info' THEN 1 WHEN 'warning' THEN 2 ELSE 3 END >= ?1"
    " AND ts >= ?2 AND (?3 = '' OR logger = ?3) AND (?4 = '' OR error_id = ?4)"
    " ORDER BY id DESC LIMIT ?5";

LogRow row_of(sqlite3_stmt* statement) {
  return {sqlite3_column_int64(statement, 0), column_text(statement, 1), column_text(statement, 2),
          column_text(statement, 3),          column_text(statement, 4), column_text(statement, 5),
          column_text(statement, 6),          column_text(statement, 7)};
}

tl::unexpected<base::Error> unreadable(const std::string& path, int code) {
  auto failure = sqlite_failure(Recovery::Stop, kUnreadable, path, code);
  failure.value().message += ". Is it the logs.db of this program, and may this user read it?";
  return failure;
}

}  // namespace

Result<std::vector<LogRow>> read_logs(const std::string& path, const LogFilter& filter) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return fail(Recovery::Stop, "log.missing",
                fmt::format("there is no {}: nothing was logged there yet, or state_dir is another one", path));
  }
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
  const Connection connection(raw);
  if (opened != SQLITE_OK) return unreadable(path, opened);
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);

  sqlite3_stmt* query = nullptr;
  const int prepared = sqlite3_prepare_v2(raw, kQuery, -1, &query, nullptr);
  const Statement statement(query);
  if (prepared != SQLITE_OK) return unreadable(path, prepared);
  const std::string since = filter.since ? utc_text(*filter.since) : std::string();
  sqlite3_bind_int(query, 1, static_cast<int>(filter.min_level));
  bind_text(query, 2, since);
  bind_text(query, 3, filter.logger);
  bind_text(query, 4, filter.error_id);
  sqlite3_bind_int64(query, 5, filter.max_rows);

  std::vector<LogRow> rows;
  int code = sqlite3_step(query);
  for (; code == SQLITE_ROW; code = sqlite3_step(query)) rows.push_back(row_of(query));
  if (code != SQLITE_DONE) return unreadable(path, code);
  std::reverse(rows.begin(), rows.end());
  return rows;
}

}  // namespace sluice::log
