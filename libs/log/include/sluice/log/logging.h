// Where messages go, from start to end of a program: the console (stderr) and the table `logs` of a SQLite database.
// Before, and without it, messages of level info and above go to the console as text.
//
// The console is written at once. The database has a thread of its own behind a bounded queue, so that a slow or full
// disk never holds up a pipeline: what finds no room is dropped, counted and reported.
//
// Thread rule: made and destroyed by main's thread; one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "sluice/base/clock.h"
#include "sluice/base/error.h"
#include "sluice/log/log.h"

namespace sluice::log {

enum class Format { Text, Json /* one object a line */ };
enum class Color { Auto /* on a terminal */, Never };

struct DatabaseOptions {
  std::string path;                      ///< `<state_dir>/logs.db`; made with mode 0600
  std::uint32_t max_rows = 500'000;      ///< the oldest go first
  std::uint64_t max_bytes = 256U << 20;  ///< of the file
  base::Milliseconds max_age{7LL * 86'400'000};
  std::uint32_t max_queued_records = 8'192;  ///< waiting for the disk; what comes on top is dropped and counted
  std::uint64_t max_queued_bytes = 4U << 20;
  std::uint32_t max_batch_records = 100;  ///< one transaction; a larger one gains little
  base::Milliseconds max_batch_age{200};  ///< a message is in the table after this at the latest
  base::Milliseconds retry_after{1'000};  ///< after a failed write
  base::Milliseconds prune_interval{60'000};
};

struct Options {
  Level level = Level::Info;
  Format format = Format::Text;
  Color color = Color::Auto;
  std::string app;  ///< the columns of the same names
  std::string pipeline;
  std::optional<DatabaseOptions> database;
};

/// What became of the records handed to the database.
struct DatabaseCounts {
  std::uint64_t stored = 0;
  std::uint64_t dropped = 0;
  std::uint64_t failed_writes = 0;
};

class Logging {
 public:
  /// Cannot fail: a database that cannot be written is reported on the console, once, and tried again.
  explicit Logging(Options options);
  /// Waits until everything is in the database, two seconds at most.
  ~Logging();
  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;

  /// The end of a program that stops for this reason: into the database, waited for as above, then the last line on the
  /// console. Nothing is written to the console after it.
  void finish(const base::Error& reason);

  DatabaseCounts database_counts() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// The last line of a program that has no Logging: `ERROR <id>: <message>`, or one JSON object.
void write_last_line(const base::Error& reason, Format format = Format::Text);

}  // namespace sluice::log
