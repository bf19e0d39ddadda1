// A whole replication in memory: a server with a log and a slot, a broker with partitions, a disk with one checkpoint,
// and a process that can die between any two steps. Everything that can happen is drawn from one seed.
//
// A Mutant breaks one promise on purpose; the simulation has to catch every one of them.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "sluice/pipeline/replication.h"

namespace sluice::simulation {

enum class Mutant {
  None,
  StoreLies,                  // save() says yes and writes nothing
  AckOnSend,                  // a delivery is reported when the record is queued
  AckOnFailure,               // a lost record is reported as delivered
  ConfirmHeartbeat,           // a keepalive's position is confirmed as it comes
  ConfirmOnRead,              // a transaction is confirmed when it was read
  StoreHandedOver,            // what was handed over is stored as durable
  NoTails,                    // a new producer does not read the tails
  TailTooHigh,                // a tail is taken one record too high
  KeepPositionAfterSinkLoss,  // a new producer goes on where the old one was
  CutCountsAsWhole,           // a cut connection ends the transaction it was in
  SkipAfterReconnect,         // the source goes on one transaction too late
  ForgetTables,               // a checkpoint does not say what is known of the tables
  TablesOfNow,                // a checkpoint says what is known of the tables now, not at its position
};

constexpr int kPartitions = 3;
constexpr std::uint32_t kTables = 5;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  bool one_in(std::uint32_t n) { return below(n) == 0; }
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }

 private:
  std::mt19937_64 random_;
};

/// Each version of a table is another type of its column: from its second version on the table is halted.
struct Row {
  std::int32_t partition = 0;
  std::uint32_t table = 0;
  std::uint32_t version = 0;
};

struct Transaction {
  change::Lsn commit;
  change::Position end;
  std::vector<Row> rows;
};

/// PostgreSQL: the log, and what the slot was told.
struct Server {
  std::vector<Transaction> log;
  change::Position confirmed{1};
};

/// Kafka: what is durable in each partition.
struct Broker {
  std::vector<std::vector<change::EventId>> partitions{kPartitions};
};

/// The disk.
class Disk final : public pipeline::OffsetStore {
 public:
  Disk(Dice& dice, Mutant mutant) : dice_(dice), mutant_(mutant) {}
  base::Result<std::optional<pipeline::Checkpoint>> load() override { return stored; }
  base::Result<void> save(const pipeline::Checkpoint& checkpoint) override;

  std::optional<pipeline::Checkpoint> stored;
  const pipeline::Replication* watched = nullptr;  // for StoreHandedOver, TablesOfNow

 private:
  Dice& dice_;
  Mutant mutant_;
};

/// The producer: queues per partition, delivered in order within one and in any order across.
class Producer final : public pipeline::RecordSink {
 public:
  Producer(Broker& broker, Dice& dice, Mutant mutant) : broker_(broker), dice_(dice), mutant_(mutant) {}
  ~Producer() override { lose_the_rest(); }

  base::Result<pipeline::SendStatus> send(const change::Record& record, pipeline::Ticket ticket) override;
  base::Result<std::span<const pipeline::Delivery>> deliveries() override;
  std::uint64_t in_flight_records() const override { return in_flight_; }
  std::uint64_t in_flight_bytes() const override { return 0; }
  pipeline::Wait waits_for() const override { return {}; }

 private:
  struct Queued {
    change::EventId id;
    pipeline::Ticket ticket;
    std::int32_t partition;
  };
  void write_down(const Queued& queued);
  void lose_the_rest();

  Broker& broker_;
  Dice& dice_;
  Mutant mutant_;
  std::vector<std::deque<Queued>> queues_{kPartitions};
  std::vector<pipeline::Delivery> delivered_;
  std::uint64_t in_flight_ = 0;
};

/// The replication stream from a position on; can break between any two messages.
class Stream final : public pipeline::ChangeSource {
 public:
  Stream(Server& server, change::Position from, std::uint32_t epoch, Dice& dice, Mutant mutant);
  base::Result<std::optional<change::SourceItem>> next() override;
  base::Result<void> confirm(change::Position durable) override;
  pipeline::Wait waits_for() const override { return {}; }

 private:
  Server& server_;
  Dice& dice_;
  Mutant mutant_;
  std::uint32_t epoch_;
  std::size_t transaction_ = 0;
  std::uint32_t row_ = 0;
  bool broken_ = false;
  std::map<std::pair<std::uint32_t, std::uint32_t>, change::TableSchemaPtr> schemas_;  // of this connection
  change::ChangeEvent event_;
};

/// One record per row; the partition stands in the event's xid.
class RowEncoder final : public pipeline::Encoder {
 public:
  base::Result<void> prepare(const change::TableSchemaPtr&, change::RecordBatch&) override { return {}; }
  base::Result<void> encode(const change::ChangeEvent& event, change::RecordBatch& out) override;
  std::string_view header(change::RecordKind, const change::EventId&) override { return {}; }
};

/// Runs one seed to its end. The first broken promise, in words; empty: all were kept.
std::string run(std::uint64_t seed, Mutant mutant);

}  // namespace sluice::simulation
