#include "database.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "sqlite.h"

namespace sluice::log {
namespace {

using base::fail;
using base::Recovery;
using base::Result;

constexpr std::string_view kFailed = "log.database_failed";
/// For the other program that writes to the same file; only the log's own thread waits.
constexpr int kBusyTimeoutMs = 2'000;
constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

constexpr const char* kSetUp =
    "PRAGMA auto_vacuum=INCREMENTAL;"
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL;"
    "PRAGMA journal_size_limit=4194304;"
    "CREATE TABLE IF NOT EXISTS logs (id INTEGER PRIMARY KEY, ts TEXT NOT NULL, level TEXT NOT NULL,"
    " logger TEXT NOT NULL, message TEXT NOT NULL, error_id TEXT, app TEXT NOT NULL, pipeline TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS logs_ts ON logs (ts);";

Result<void> make_private_file(const std::string& path) {
  std::error_code ignored;  // a directory that is missing afterwards shows in the next step
  const std::filesystem::path directory = std::filesystem::absolute(path, ignored).parent_path();
  std::filesystem::create_directories(directory.parent_path(), ignored);
  ::mkdir(directory.c_str(), kDirectoryMode);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
  if (fd < 0) return fail(Recovery::Retry, kFailed, path + ": " + std::system_category().message(errno));
  ::fchmod(fd, kFileMode);
  ::close(fd);
  return {};
}

/// What cannot be read as a database stays for people to look at, but must not end the logging.
void put_aside(const std::string& path) {
  std::error_code ignored;
  std::filesystem::rename(path, path + ".damaged", ignored);
  std::filesystem::remove(path + "-wal", ignored);
  std::filesystem::remove(path + "-shm", ignored);
}

bool is_damaged(int code) { return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB; }

}  // namespace

struct Database::Parts {
  DatabaseOptions options;
  std::string app, pipeline;
  Connection connection;
  Statement insert;

  Result<void> failed(int code) {
    if (is_damaged(code)) {
      insert.reset();
      connection.reset();
      put_aside(options.path);
    }
    return sqlite_failure(Recovery::Retry, kFailed, options.path, code);
  }

  Result<void> execute(const char* sql) {
    const int code = sqlite3_exec(connection.get(), sql, nullptr, nullptr, nullptr);
    return code == SQLITE_OK ? Result<void>() : failed(code);
  }

  Result<void> open() {
    SLUICE_TRY(make_private_file(options.path));
    sqlite3* raw = nullptr;
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    const int opened = sqlite3_open_v2(options.path.c_str(), &raw, kFlags, nullptr);
    connection.reset(raw);
    if (opened != SQLITE_OK) return failed(opened);
    sqlite3_busy_timeout(raw, kBusyTimeoutMs);
    SLUICE_TRY(execute(kSetUp));
    sqlite3_stmt* statement = nullptr;
    const int prepared = sqlite3_prepare_v2(
        raw, "INSERT INTO logs (ts, level, logger, message, error_id, app, pipeline) VALUES (?,?,?,?,?,?,?)", -1,
        &statement, nullptr);
    insert.reset(statement);
    return prepared == SQLITE_OK ? Result<void>() : failed(prepared);
  }

  int insert_one(const Record& record) {
    sqlite3_stmt* statement = insert.get();
    const std::string ts = utc_text(record.time);
    bind_text(statement, 1, ts);
    bind_text(statement, 2, to_string(record.level));
    bind_text(statement, 3, record.logger);
    bind_text(statement, 4, record.message);
    if (record.error_id.empty()) {
      sqlite3_bind_null(statement, 5);
    } else {
      bind_text(statement, 5, record.error_id);
    }
    bind_text(statement, 6, app);
    bind_text(statement, 7, pipeline);
    const int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
  }

  Result<std::int64_t> number(const char* sql) {
    sqlite3_stmt* raw = nullptr;
    const int prepared = sqlite3_prepare_v2(connection.get(), sql, -1, &raw, nullptr);
    const Statement statement(raw);
    const int code = prepared == SQLITE_OK ? sqlite3_step(raw) : prepared;
    if (code == SQLITE_ROW) return sqlite3_column_int64(raw, 0);
    return sqlite_failure(Recovery::Retry, kFailed, options.path, code);
  }

  /// `sql` with one parameter.
  Result<void> remove(const char* sql, std::int64_t parameter, std::string_view text) {
    sqlite3_stmt* raw = nullptr;
    const int prepared = sqlite3_prepare_v2(connection.get(), sql, -1, &raw, nullptr);
    const Statement statement(raw);
    if (prepared != SQLITE_OK) return failed(prepared);
    if (text.empty()) {
      sqlite3_bind_int64(raw, 1, parameter);
    } else {
      bind_text(raw, 1, text);
    }
    const int code = sqlite3_step(raw);
    return code == SQLITE_DONE ? Result<void>() : failed(code);
  }

  Result<std::int64_t> used_bytes() {
    SLUICE_ASSIGN(const std::int64_t pages, number("PRAGMA page_count"));
    SLUICE_ASSIGN(const std::int64_t free_pages, number("PRAGMA freelist_count"));
    SLUICE_ASSIGN(const std::int64_t page_bytes, number("PRAGMA page_size"));
    return (pages - free_pages) * page_bytes;
  }
};

Database::Database(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const DatabaseOptions& options, std::string app, std::string pipeline) {
  auto parts = std::make_unique<Parts>();
  parts->options = options;
  parts->app = std::move(app);
  parts->pipeline = std::move(pipeline);
  SLUICE_TRY(parts->open());
  return Database(std::move(parts));
}

Result<void> Database::insert(std::span<const Record> records) {
  SLUICE_TRY(parts_->execute("BEGIN IMMEDIATE"));
  int code = SQLITE_OK;
  for (const Record& record : records) {
    if (code == SQLITE_OK) code = parts_->insert_one(record);
  }
  if (code == SQLITE_OK) code = sqlite3_exec(parts_->connection.get(), "COMMIT", nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  sqlite3_exec(parts_->connection.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  return parts_->failed(code);
}

Result<void> Database::prune(base::WallClock::time_point now) {
  const DatabaseOptions& options = parts_->options;
  SLUICE_TRY(parts_->remove("DELETE FROM logs WHERE ts < ?", 0, utc_text(now - options.max_age)));
  SLUICE_TRY(parts_->remove("DELETE FROM logs WHERE id <= (SELECT max(id) FROM logs) - ?", options.max_rows, {}));
  for (;;) {
    SLUICE_ASSIGN(const std::int64_t bytes, parts_->used_bytes());
    if (bytes <= static_cast<std::int64_t>(options.max_bytes)) break;
    SLUICE_ASSIGN(const std::int64_t rows, parts_->number("SELECT max(id) - min(id) + 1 FROM logs"));
    if (rows <= 1) break;
    constexpr std::int64_t kTenths = 10;
    SLUICE_TRY(parts_->remove("DELETE FROM logs WHERE id < (SELECT min(id) FROM logs) + ?", rows / kTenths + 1, {}));
  }
  return parts_->execute("PRAGMA incremental_vacuum");
}

}  // namespace sluice::log
