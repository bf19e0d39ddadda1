#include "database_sink.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice::log {

using base::Clock;
using base::Result;

DatabaseSink::DatabaseSink(DatabaseOptions options, std::string app, std::string pipeline, Report report)
    : options_(std::move(options)),
      app_(std::move(app)),
      pipeline_(std::move(pipeline)),
      report_(std::move(report)),
      thread_([this] { run(); }) {}

DatabaseSink::~DatabaseSink() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  thread_.join();
}

void DatabaseSink::put(Record record) {
  const std::lock_guard lock(mutex_);
  if (queue_.size() >= options_.max_queued_records || queued_bytes_ + record.bytes() > options_.max_queued_bytes) {
    ++counts_.dropped;
    ++unreported_drops_;
    return;
  }
  queued_bytes_ += record.bytes();
  queue_.push_back(std::move(record));
  if (queue_.size() == 1 || queue_.size() == options_.max_batch_records) work_.notify_one();
}

void DatabaseSink::flush(base::Milliseconds max_wait) {
  std::unique_lock lock(mutex_);
  hurry_ = true;
  work_.notify_all();
  const std::uint64_t failed = counts_.failed_writes;
  done_.wait_for(lock, max_wait, [&] { return (queue_.empty() && !writing_) || counts_.failed_writes != failed; });
  hurry_ = false;
}

DatabaseCounts DatabaseSink::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void DatabaseSink::run() {
  for (;;) {
    Batch batch = take_batch();
    if (batch.empty()) return;
    const bool stored = store(batch);
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (stored) counts_.stored += batch.size();
    if (!stored) give_up(batch.size());
    done_.notify_all();
    if (!stored) return;
  }
}

void DatabaseSink::give_up(std::size_t taken) {
  counts_.dropped += taken + queue_.size();
  queue_.clear();
  queued_bytes_ = 0;
}

/// Waits for the first record, then until the batch is full or old enough. Empty: it is time to go.
DatabaseSink::Batch DatabaseSink::take_batch() {
  std::unique_lock lock(mutex_);
  work_.wait(lock, [this] { return !queue_.empty() || stopping_; });
  work_.wait_for(lock, options_.max_batch_age,
                 [this] { return queue_.size() >= options_.max_batch_records || stopping_ || hurry_; });
  const auto count = static_cast<std::ptrdiff_t>(std::min<std::size_t>(queue_.size(), options_.max_batch_records));
  Batch batch(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.begin() + count));
  queue_.erase(queue_.begin(), queue_.begin() + count);
  for (const Record& record : batch) queued_bytes_ -= record.bytes();
  writing_ = !batch.empty();
  return batch;
}

/// Until it is written, or, once the program ends, until one attempt has failed.
bool DatabaseSink::store(Batch& batch) {
  for (;;) {
    const auto written = write(batch);
    if (written) {
      on_success();
      return true;
    }
    on_failure(written.error());
    std::unique_lock lock(mutex_);
    ++counts_.failed_writes;
    done_.notify_all();
    work_.wait_for(lock, options_.retry_after, [this] { return stopping_ || hurry_; });
    hurry_ = false;
    if (stopping_) return false;
  }
}

Result<void> DatabaseSink::write(const Batch& batch) {
  if (!database_) {
    SLUICE_ASSIGN(database_, Database::open(options_, app_, pipeline_));
  }
  return database_->insert(batch);
}

void DatabaseSink::on_success() {
  if (std::exchange(failing_, false)) {
    report_(make_record(Level::Info, "log", {}, fmt::format("{} is written again", options_.path)));
  }
  std::uint64_t dropped = 0;
  {
    const std::lock_guard lock(mutex_);
    dropped = std::exchange(unreported_drops_, 0);
  }
  if (dropped > 0) {
    const Record record =
        make_record(Level::Warning, "log", "log.records_dropped",
                    fmt::format("{} messages found no room in the queue to {} and are on the console only", dropped,
                                options_.path));
    report_(record);
    (void)database_->insert({&record, 1});
  }
  prune_when_due();
}

void DatabaseSink::on_failure(const base::Error& error) {
  database_.reset();
  if (std::exchange(failing_, true)) return;
  report_(make_record(Level::Warning, "log", error.id,
                      error.message + ": messages go to the console only until it can be written again"));
}

void DatabaseSink::prune_when_due() {
  if (Clock::now() < next_prune_) return;
  next_prune_ = Clock::now() + options_.prune_interval;
  const auto pruned = database_->prune(base::WallClock::now());
  if (!pruned) on_failure(pruned.error());
}

}  // namespace sluice::log
