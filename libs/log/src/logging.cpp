#include "sluice/log/logging.h"

#include <utility>

#include "dispatch.h"
#include "sluice/base/check.h"

namespace sluice::log {
namespace {

constexpr base::Milliseconds kMaxFlush{2'000};

}  // namespace

Dispatch& dispatch() {
  static Dispatch& instance = *new Dispatch;  // never destroyed: other threads may log while the process ends
  return instance;
}

bool is_enabled(Level level) { return dispatch().is_enabled(level); }

void Dispatch::write(Record record) {
  const std::lock_guard lock(mutex_);
  if (!finished_) console_.write(record);
  if (database_ != nullptr) database_->put(std::move(record));
}

void Dispatch::write_to_console(const Record& record) {
  const std::lock_guard lock(mutex_);
  if (!finished_ && is_enabled(record.level)) console_.write(record);
}

void Dispatch::write_last(const base::Error& reason) {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  finished_ = true;
  console_.write_last(reason);
}

void Dispatch::set(Level level, Console console, DatabaseSink* database) {
  const std::lock_guard lock(mutex_);
  level_ = level;
  console_ = std::move(console);
  database_ = database;
  finished_ = false;
}

void Dispatch::forget_database() {
  const std::lock_guard lock(mutex_);
  database_ = nullptr;
}

struct Logging::Parts {
  std::optional<DatabaseSink> database;
};

Logging::Logging(Options options) : parts_(std::make_unique<Parts>()) {
  if (options.database) {
    parts_->database.emplace(std::move(*options.database), std::move(options.app), std::move(options.pipeline),
                             [](const Record& record) { dispatch().write_to_console(record); });
  }
  dispatch().set(options.level, Console(options.format, options.color),
                 parts_->database ? &*parts_->database : nullptr);
}

Logging::~Logging() {
  dispatch().forget_database();
  if (parts_->database) parts_->database->flush(kMaxFlush);
}

void Logging::finish(const base::Error& reason) {
  if (parts_->database) {
    parts_->database->put(make_record(Level::Error, "main", reason.id, reason.message));
    parts_->database->flush(kMaxFlush);
  }
  dispatch().write_last(reason);
}

DatabaseCounts Logging::database_counts() const {
  return parts_->database ? parts_->database->counts() : DatabaseCounts{};
}

void write_last_line(const base::Error& reason, Format format) { Console(format, Color::Never).write_last(reason); }

}  // namespace sluice::log
