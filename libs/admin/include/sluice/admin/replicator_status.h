// What the replicator says of itself.
//
// Thread rule: as Status.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sluice/admin/status.h"
#include "sluice/change/lsn.h"
#include "sluice/pipeline/checkpoint.h"
#include "sluice/pipeline/replication_status.h"
#include "sluice/pipeline/source_facts.h"

namespace sluice::admin {

enum class ReplicatorState {
  Starting,   ///< connecting, checking, reading Kafka's tails; also between two attempts
  Snapshot,   ///< reading the tables as they were when the slot was made
  Streaming,  ///< following the WAL
  Parked,     ///< Kafka takes nothing: the connection to PostgreSQL is closed meanwhile
  Stopping,   ///< asked to stop, settling
};
std::string_view to_string(ReplicatorState state);

struct ReplicatorStatus final : Status {
  struct Table {
    std::string name;
    std::uint64_t rows = 0;
    double estimated_rows = -1;  ///< -1: never analysed
    bool finished = false;
  };

  /// Of unchanged TOAST values that the stream leaves out (rule P-31), in events.
  struct Reselect {
    std::uint64_t queries = 0;
    std::uint64_t reselected = 0;
    std::uint64_t carried = 0;   ///< known from the same transaction
    std::uint64_t given_up = 0;  ///< at least one value stayed away
  };

  std::string pipeline;
  std::string version;
  base::WallClock::time_point at;
  ReplicatorState state = ReplicatorState::Starting;
  std::uint32_t epoch = 0;

  change::Lsn durable;         ///< everything before it is in Kafka
  change::Lsn confirmed;       ///< stored, and told to PostgreSQL
  change::Lsn server_wal_end;  ///< as the last message of the stream said; 0/0: not known
  double lag_seconds = 0;      ///< for how long the oldest change that is not in Kafka has been there, as far as seen
  std::uint64_t lag_bytes() const { return change::bytes_between(durable, server_wal_end); }

  pipeline::ReplicationCounters counters;  ///< since the producer was last made
  // Of what lay between our own deliveries (rule K-9), since the program began.
  std::uint64_t late_appends = 0;
  std::uint64_t foreign_records = 0;
  std::uint64_t text_replacements = 0;  ///< pieces of text that were no UTF-8, since the program began
  std::uint64_t in_flight_records = 0;
  std::uint64_t in_flight_bytes = 0;
  std::uint64_t in_flight_transactions = 0;
  pipeline::BatchSizes batches;  ///< of Kafka's, records and bytes, since the producer was last made
  // With postgres.streaming: kept until they commit.
  std::uint64_t spooled_transactions = 0;
  std::uint64_t spooled_bytes = 0;
  std::uint64_t spilled_bytes = 0;   ///< of spooled_bytes, in files
  std::optional<Reselect> reselect;  ///< since the stream was last opened; nothing: they are only marked
  std::map<std::string, pipeline::TableHalt> halted;  ///< by table
  std::vector<Table> snapshot;                        ///< of the one that is being read, in its order; empty: none is
  std::optional<pipeline::SlotFacts> slot;            ///< as last asked for
  std::optional<base::WallClock::time_point> slot_asked;
  /// PostgreSQL is asked every ten seconds: three questions without an answer, and what it said is too old to be shown
  /// as a metric.
  static constexpr std::chrono::seconds kMaxSlotAge{30};
  bool is_slot_fresh() const { return slot_asked && base::WallClock::now() - *slot_asked <= kMaxSlotAge; }

  ErrorTally errors;
  std::vector<Reason> obstacles;  ///< what is in the way now, beside what the state says

  std::vector<Reason> reasons() const override;
  std::string json() const override;
  void write_metrics(MetricsText& out) const override;
  std::string pipeline_name() const override { return pipeline; }
};

}  // namespace sluice::admin
