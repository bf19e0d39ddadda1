// Where every record of the process passes: to the console, then to the database when there is one.
//
// Thread rule: any thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "console.h"
#include "database_sink.h"
#include "record.h"

namespace sluice::log {

class Dispatch {
 public:
  void write(Record record);
  void write_to_console(const Record& record);
  void write_last(const base::Error& reason);

  void set(Level level, Console console, DatabaseSink* database);
  void forget_database();

  bool is_enabled(Level level) const { return level >= level_.load(std::memory_order_relaxed); }

 private:
  std::mutex mutex_;
  Console console_{Format::Text, Color::Auto};
  DatabaseSink* database_ = nullptr;
  bool finished_ = false;
  std::atomic<Level> level_{Level::Info};
};

Dispatch& dispatch();

}  // namespace sluice::log
