// Looks after our slot while nothing reads it: parked, or during a snapshot. WAL piles up then, and a server from 18 on
// may invalidate a slot that is idle for too long (rules P-15, P-16).
//
// Thread rule: the pipeline's thread.
#pragma once

#include <optional>

#include "sluice/config/settings.h"
#include "sluice/pgoutput/catalog.h"
#include "sluice/postgres/connection.h"
#include "status_publisher.h"

namespace sluice::connector {

class UnreadSlot {
 public:
  UnreadSlot(const config::Settings& settings, ReplicatorStatusPublisher& status, pgoutput::Catalog& catalog)
      : settings_(settings), status_(status), catalog_(catalog) {}

  /// From now on nobody reads it.
  void begin(base::Deadline now);

  /// Call it as often as you like; PostgreSQL has a second to answer. The slot may be read from `position` on. Who does
  /// not answer is asked again; whether the slot is there still is judged when it is read again.
  void tick(base::Deadline now, change::Lsn position);

 private:
  base::Result<void> look(base::Deadline now, change::Lsn position);
  base::Result<void> touch(change::Lsn position);
  void warn_once(const base::Error& error, bool& is_told);

  const config::Settings& settings_;
  ReplicatorStatusPublisher& status_;
  pgoutput::Catalog& catalog_;
  base::Deadline next_{};
  base::Deadline last_read_{};
  std::optional<postgres::Connection> sql_;
  bool told_of_danger_ = false;
  bool told_of_failure_ = false;
};

}  // namespace sluice::connector
