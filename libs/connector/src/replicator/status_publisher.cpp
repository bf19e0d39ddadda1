#include "status_publisher.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "../adapter_options.h"
#include "sluice/connector/version.h"
#include "sluice/postgres/server.h"

namespace sluice::connector {
namespace {

constexpr base::Milliseconds kInterval{250};
constexpr base::Milliseconds kSlotInterval{10'000};
// The pipeline's thread waits for this answer.
constexpr base::Milliseconds kSlotPatience{1'000};
// While it runs, a question to a catalog is the longest that the thread is busy; at the start, Kafka's tails are read.
constexpr base::Milliseconds kRunningSilence{120'000};
constexpr base::Milliseconds kStartingSilence{600'000};

}  // namespace

base::Result<std::unique_ptr<ReplicatorStatusPublisher>> ReplicatorStatusPublisher::open(
    const config::Settings& settings) {
  std::unique_ptr<ReplicatorStatusPublisher> publisher(new ReplicatorStatusPublisher(settings));
  publisher->starting();
  if (config::is_on(settings.admin.enabled)) {
    SLUICE_ASSIGN(publisher->server_,
                  admin::AdminServer::start(admin_options(settings, "replicator"), publisher->board_));
  }
  return publisher;
}

ReplicatorStatusPublisher::ReplicatorStatusPublisher(const config::Settings& settings) : settings_(settings) {
  status_.pipeline = settings.pipeline_name();
  status_.version = kVersion;
}

void ReplicatorStatusPublisher::starting() {
  status_.state = admin::ReplicatorState::Starting;
  show(kStartingSilence);
}

void ReplicatorStatusPublisher::retrying(const base::Error& error, base::Milliseconds wait) {
  note(error);
  status_.state = admin::ReplicatorState::Starting;
  status_.obstacles = {{std::string(error.id), status_.errors.last()->message}};
  show(wait + kStartingSilence);
}

void ReplicatorStatusPublisher::count_gap(std::uint64_t late_appends, std::uint64_t foreign_records) {
  status_.late_appends += late_appends;
  status_.foreign_records += foreign_records;
}

void ReplicatorStatusPublisher::slot(const std::optional<pipeline::SlotFacts>& slot) {
  status_.slot = slot;
  status_.slot_asked = base::WallClock::now();
  is_sql_finished_ = false;
  // A slot that was not there is about to be made.
  next_slot_ = base::Clock::now() + (slot ? kSlotInterval : base::Milliseconds(0));
}

void ReplicatorStatusPublisher::publish(base::Deadline now, pipeline::Replication& replication,
                                        const kafka::Producer& producer, const Reading& reading) {
  next_ = now + kInterval;
  status_.state = reading.rows     ? admin::ReplicatorState::Snapshot
                  : reading.stream ? admin::ReplicatorState::Streaming
                                   : reading.state;
  const pipeline::AckTracker& tracker = replication.tracker();
  status_.epoch = replication.checkpoint().epoch;
  status_.durable = change::lsn_of(tracker.durable());
  status_.confirmed = change::lsn_of(replication.checkpoint().position);
  status_.counters = replication.counters();
  status_.halted.clear();
  for (const auto& [table, state] : replication.tables()) {
    if (state.halt) status_.halted.emplace(table, *state.halt);
  }
  status_.in_flight_records = producer.in_flight_records();
  status_.in_flight_bytes = producer.in_flight_bytes();
  status_.in_flight_transactions = tracker.size();
  status_.batches = producer.batch_sizes();
  status_.obstacles.clear();
  if (producer.reachability().unreachable_since) {
    status_.obstacles.push_back({"kafka.unreachable", "no broker of Kafka answers; what is read waits"});
  }
  if (const auto& error = replication.store_error()) {
    status_.obstacles.push_back({std::string(error->id), error->message});
  }
  measure(now, reading);
  // A slot that nobody reads is UnreadSlot's. A start asks by itself, and a stop must not wait.
  if (reading.stream && now >= next_slot_) ask_for_slot(now, reading.sql);
  show(kRunningSilence);
}

void ReplicatorStatusPublisher::measure(base::Deadline now, const Reading& reading) {
  status_.snapshot.clear();
  if (reading.rows) {
    for (const postgres::TableProgress& table : reading.rows->progress()) {
      status_.snapshot.push_back(
          {table.table->schema + "." + table.table->name, table.rows, table.estimated_rows, table.finished});
    }
  }
  if (reading.stream) {
    status_.server_wal_end = std::max(status_.server_wal_end, reading.stream->counters().server_wal_end);
    lag_.seen(status_.server_wal_end.value(), now);
    const pgoutput::SpoolCounters spool = reading.stream->counters().spool;
    status_.spooled_transactions = spool.transactions;
    status_.spooled_bytes = spool.bytes;
    status_.spilled_bytes = spool.spilled_bytes;
    status_.reselect.reset();
    if (reading.reselect != nullptr) {
      const postgres::ReselectCounters& of = reading.reselect->counters();
      status_.reselect =
          admin::ReplicatorStatus::Reselect{of.queries, of.reselected_events, of.carried_events, of.given_up_events};
    }
  }
  using Seconds = std::chrono::duration<double>;
  status_.lag_seconds = Seconds(lag_.behind(status_.durable.value(), now)).count();
  // After an outage the clock has only just begun to look; what has become durable meanwhile knows better.
  const std::uint64_t settled = status_.counters.commit_to_kafka.count();
  if (status_.lag_seconds > 0 && settled != transactions_seen_) {
    const base::Microseconds newest(status_.counters.newest_commit_to_kafka_us);
    status_.lag_seconds = std::max(status_.lag_seconds, Seconds(newest).count());
  }
  transactions_seen_ = settled;
}

void ReplicatorStatusPublisher::ask_for_slot(base::Deadline now, postgres::Connection* sql) {
  next_slot_ = now + kSlotInterval;
  auto answer = fetch_slot(sql);
  if (!answer) {
    // A connection on which a question failed is finished; the next time another one is opened.
    note(answer.error());
    is_sql_finished_ = true;
    own_sql_.reset();
    return;
  }
  status_.slot = std::move(*answer);
  status_.slot_asked = base::WallClock::now();
}

base::Result<std::optional<pipeline::SlotFacts>> ReplicatorStatusPublisher::fetch_slot(postgres::Connection* sql) {
  const bool is_lent = sql != nullptr && !is_sql_finished_;
  if (is_lent) own_sql_.reset();
  if (!is_lent && !own_sql_) {
    SLUICE_ASSIGN(own_sql_, postgres::Connection::open(connect_options_within(kSlotPatience, settings_),
                                                       postgres::ConnectionKind::Sql));
  }
  return postgres::fetch_slot_within(kSlotPatience, is_lent ? *sql : *own_sql_, settings_.postgres.slot_name);
}

void ReplicatorStatusPublisher::show(base::Milliseconds max_silence) {
  status_.at = base::WallClock::now();
  board_.publish(std::make_shared<const admin::ReplicatorStatus>(status_), max_silence);
}

}  // namespace sluice::connector
