// Carries records to the database on a thread of its own, behind a bounded queue. put() never waits for the disk.
//
// Thread rule: put(), flush(), counts() from any thread; made and destroyed by one.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "database.h"
#include "record.h"

namespace sluice::log {

class DatabaseSink {
 public:
  /// `report` says on the console what became of the database; called by the sink's thread.
  using Report = std::function<void(const Record&)>;

  DatabaseSink(DatabaseOptions options, std::string app, std::string pipeline, Report report);
  ~DatabaseSink();

  void put(Record record);
  /// Waits until everything put so far is stored, or an attempt to write has failed; at most so long.
  void flush(base::Milliseconds max_wait);
  DatabaseCounts counts() const;

 private:
  using Batch = std::vector<Record>;

  void run();
  Batch take_batch();
  /// REQUIRES: mutex_ is held.
  void give_up(std::size_t taken);
  bool store(Batch& batch);
  base::Result<void> write(const Batch& batch);
  void on_success();
  void on_failure(const base::Error& error);
  void prune_when_due();

  const DatabaseOptions options_;
  const std::string app_, pipeline_;
  const Report report_;

  mutable std::mutex mutex_;
  std::condition_variable work_, done_;
  std::deque<Record> queue_;
  std::uint64_t queued_bytes_ = 0;
  std::uint64_t unreported_drops_ = 0;
  bool writing_ = false;  ///< a batch was taken and is not yet stored
  bool hurry_ = false;    ///< do not wait for a batch to fill
  bool stopping_ = false;
  DatabaseCounts counts_;

  // Of the thread alone.
  std::optional<Database> database_;
  bool failing_ = false;
  base::Deadline next_prune_{};

  std::thread thread_;
};

}  // namespace sluice::log
