// The table `logs` in SQLite: rows in, old rows out. Statements take their values as parameters.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "record.h"
#include "sluice/base/error.h"
#include "sluice/log/logging.h"

namespace sluice::log {

class Database {
 public:
  /// Makes the file (mode 0600), the table, the journal (WAL). A file that is no database any more is renamed to
  /// `<path>.damaged` and begun anew. Error: log.database_failed (Retry).
  static base::Result<Database> open(const DatabaseOptions& options, std::string app, std::string pipeline);

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  /// All or none, in one transaction. Error: log.database_failed (Retry).
  base::Result<void> insert(std::span<const Record> records);

  /// Removes what is too old or too much, and gives the space back. Error: log.database_failed (Retry).
  base::Result<void> prune(base::WallClock::time_point now);

 private:
  struct Parts;
  explicit Database(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::log
