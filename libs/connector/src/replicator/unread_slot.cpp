#include "unread_slot.h"

#include <algorithm>
#include <utility>

#include "../adapter_options.h"
#include "sluice/log/log.h"
#include "sluice/pipeline/slot_danger.h"
#include "sluice/postgres/replication_stream.h"
#include "sluice/postgres/server.h"

namespace sluice::connector {
namespace {

constexpr base::Milliseconds kInterval{10'000};
// The pipeline's thread waits for these.
constexpr base::Milliseconds kPatience{1'000};
constexpr int kTouchesPerTimeout = 3;

}  // namespace

void UnreadSlot::begin(base::Deadline now) {
  next_ = now;
  last_read_ = now;
}

void UnreadSlot::tick(base::Deadline now, change::Lsn position) {
  if (now < next_) return;
  next_ = now + kInterval;
  if (auto looked = look(now, position); !looked) {
    // A connection on which a question failed is finished; the next time another one is opened.
    sql_.reset();
    warn_once(looked.error(), told_of_failure_);
    return;
  }
  told_of_failure_ = false;
}

base::Result<void> UnreadSlot::look(base::Deadline now, change::Lsn position) {
  if (!sql_) {
    SLUICE_ASSIGN(
        sql_, postgres::Connection::open(connect_options_within(kPatience, settings_), postgres::ConnectionKind::Sql));
  }
  SLUICE_ASSIGN(const auto slot, postgres::fetch_slot_within(kPatience, *sql_, settings_.postgres.slot_name));
  status_.slot(slot);
  if (!slot) return {};
  if (auto danger = pipeline::slot_in_danger(*slot)) {
    warn_once(*danger, told_of_danger_);
  } else {
    told_of_danger_ = false;
  }
  SLUICE_ASSIGN(const base::Milliseconds timeout, postgres::fetch_idle_slot_timeout(kPatience, *sql_));
  if (timeout.count() == 0) return {};
  const base::Milliseconds interval = timeout / kTouchesPerTimeout;
  if (slot->active) {
    last_read_ = now;  // our walsender has not ended yet
  } else if (now >= last_read_ + interval) {
    SLUICE_TRY(touch(position));
    last_read_ = now;
  }
  next_ = std::min(next_, last_read_ + interval);
  return {};
}

/// Begins to read and hangs up: nothing is confirmed by it, and the server counts the idle time anew.
base::Result<void> UnreadSlot::touch(change::Lsn position) {
  SLUICE_ASSIGN(auto replication, postgres::Connection::open(connect_options_within(kPatience, settings_),
                                                             postgres::ConnectionKind::Replication));
  postgres::StreamOptions options;
  options.slot = settings_.postgres.slot_name;
  options.publication = settings_.postgres.publication_name;
  options.start = position;
  options.local_peer = postgres::LocalPeer::Never;
  SLUICE_TRY(postgres::ReplicationStream::start(std::move(replication), options, catalog_));
  return {};
}

void UnreadSlot::warn_once(const base::Error& error, bool& is_told) {
  status_.note(error);
  if (!std::exchange(is_told, true)) log::get("replicator").warning(error);
}

}  // namespace sluice::connector
