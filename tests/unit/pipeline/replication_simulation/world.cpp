#include "unit/pipeline/replication_simulation/world.h"

#include <algorithm>

#include <fmt/format.h>

namespace sluice::simulation {
namespace {

using base::Recovery;
using change::Position;

constexpr std::uint32_t kEpoch = 1;

change::TableSchemaPtr schema_of(const Row& row) {
  change::TableSchema table;
  table.oid = 1 + row.table;
  table.name = std::string(1, static_cast<char>('a' + row.table));
  table.columns.push_back({.name = "v", .type_oid = 100 + row.version});
  return change::finish_schema(std::move(table));
}

tl::unexpected<base::Error> broken(std::string_view id) {
  return base::fail(Recovery::Retry, id, "as the seed has it");
}

}  // namespace

base::Result<void> Disk::save(const pipeline::Checkpoint& checkpoint) {
  if (dice_.one_in(20)) return broken("offsets.disk_full");
  if (mutant_ == Mutant::StoreLies && dice_.one_in(3)) return {};
  stored = checkpoint;
  if (mutant_ == Mutant::ForgetTables) stored->tables.clear();
  if (mutant_ == Mutant::TablesOfNow && watched != nullptr) stored->tables = watched->tables();
  if (mutant_ == Mutant::StoreHandedOver) stored->position = watched->resume_position();
  return {};
}

base::Result<pipeline::SendStatus> Producer::send(const change::Record& record, pipeline::Ticket ticket) {
  if (dice_.one_in(15)) return pipeline::SendStatus::Full;
  if (dice_.one_in(400)) {
    lose_the_rest();
    return broken("kafka.producer_fatal");
  }
  queues_[static_cast<std::size_t>(record.partition)].push_back({record.id, ticket, record.partition});
  ++in_flight_;
  return pipeline::SendStatus::Accepted;
}

base::Result<std::span<const pipeline::Delivery>> Producer::deliveries() {
  delivered_.clear();
  if (mutant_ != Mutant::AckOnFailure && dice_.one_in(300)) {
    lose_the_rest();
    return broken("kafka.producer_fatal");
  }
  for (auto& queue : queues_) {
    for (std::uint32_t count = dice_.below(4); count > 0 && !queue.empty(); --count) {
      const Queued queued = queue.front();
      queue.pop_front();
      --in_flight_;
      const bool is_lost = mutant_ == Mutant::AckOnFailure && dice_.one_in(30);
      if (mutant_ == Mutant::AckOnSend) {
        // Reported now, written only if the process lives long enough.
        if (!dice_.one_in(10)) write_down(queued);
      } else if (!is_lost) {
        write_down(queued);
      }
      const auto end = static_cast<std::int64_t>(broker_.partitions[static_cast<std::size_t>(queued.partition)].size());
      delivered_.push_back({queued.ticket, 0, queued.partition, end - 1});
    }
  }
  return std::span<const pipeline::Delivery>(delivered_);
}

void Producer::write_down(const Queued& queued) {
  broker_.partitions[static_cast<std::size_t>(queued.partition)].push_back(queued.id);
}

/// What was in flight when a producer died: a prefix of each queue is durable, nobody will ever say so.
void Producer::lose_the_rest() {
  for (auto& queue : queues_) {
    const std::size_t kept = queue.empty() ? 0 : dice_.below(static_cast<std::uint32_t>(queue.size()) + 1);
    for (std::size_t i = 0; i < kept; ++i) write_down(queue[i]);
    queue.clear();
  }
  in_flight_ = 0;
}

Stream::Stream(Server& server, Position from, std::uint32_t epoch, Dice& dice, Mutant mutant)
    : server_(server), dice_(dice), mutant_(mutant), epoch_(epoch) {
  // The server begins at the later of the two, without a word.
  const Position start = std::max(from, server.confirmed);
  while (transaction_ < server.log.size() && server.log[transaction_].commit < change::lsn_of(start)) ++transaction_;
  if (mutant == Mutant::SkipAfterReconnect && transaction_ > 0) ++transaction_;
}

base::Result<std::optional<change::SourceItem>> Stream::next() {
  if (broken_ || dice_.one_in(80)) {
    const bool is_inside = row_ > 0;
    if (mutant_ == Mutant::CutCountsAsWhole && is_inside && !broken_) {
      broken_ = true;
      const Transaction& cut = server_.log[transaction_];
      return change::SourceItem{change::TransactionEnd{cut.end, cut.commit, 1, 0}};
    }
    broken_ = true;
    return broken("pg.connection_lost");
  }
  if (row_ == 0 && dice_.one_in(4)) {
    // A keepalive says how far the server has decoded: everything before the next commit.
    const Position wal_end = transaction_ < server_.log.size() ? change::position_of(server_.log[transaction_].commit)
                                                               : Position{server_.log.back().end.value + 64};
    if (mutant_ == Mutant::ConfirmHeartbeat) server_.confirmed = std::max(server_.confirmed, wal_end);
    return change::SourceItem{change::Heartbeat{wal_end}};
  }
  if (transaction_ == server_.log.size()) return std::optional<change::SourceItem>{};
  const Transaction& transaction = server_.log[transaction_];
  if (row_ == transaction.rows.size()) {
    if (mutant_ == Mutant::ConfirmOnRead) server_.confirmed = std::max(server_.confirmed, transaction.end);
    ++transaction_;
    row_ = 0;
    return change::SourceItem{change::TransactionEnd{transaction.end, transaction.commit, 1, 0}};
  }
  const Row& row = transaction.rows[row_];
  event_.id = {epoch_, transaction.commit, row_ + 1, 0};
  event_.xid = static_cast<std::uint32_t>(row.partition);
  auto& schema = schemas_[{row.table, row.version}];
  if (schema == nullptr) schema = schema_of(row);
  event_.table = schema;
  ++row_;
  return change::SourceItem{static_cast<const change::ChangeEvent*>(&event_)};
}

base::Result<void> Stream::confirm(Position durable) {
  server_.confirmed = std::max(server_.confirmed, durable);
  return {};
}

base::Result<void> RowEncoder::encode(const change::ChangeEvent& event, change::RecordBatch& out) {
  change::Record& record = out.add({}, {});
  record.partition = static_cast<std::int32_t>(event.xid);
  record.id = event.id;
  return {};
}

namespace {

/// The process: what lives between two crashes, and the promises checked after every step.
class Simulation {
 public:
  Simulation(std::uint64_t seed, Mutant mutant) : dice_(seed), mutant_(mutant), disk_(dice_, mutant) {
    const std::uint32_t transactions = 5 + dice_.below(25);
    std::uint64_t lsn = 1'000;
    std::uint32_t versions[kTables] = {};
    for (std::uint32_t i = 0; i < transactions; ++i) {
      Transaction transaction{change::Lsn(lsn), Position{lsn + 40}, {}};
      for (std::uint32_t rows = dice_.below(6); rows > 0; --rows) {
        const std::uint32_t table = dice_.below(kTables);
        if (dice_.one_in(15)) ++versions[table];
        transaction.rows.push_back({static_cast<std::int32_t>(dice_.below(kPartitions)), table, versions[table]});
      }
      server_.log.push_back(transaction);
      lsn += 48 + 8 * dice_.below(10);
    }
    disk_.stored = pipeline::Checkpoint{.epoch = kEpoch, .position = Position{1}, .last_data_end = Position{1}};
  }

  std::string run() {
    for (int step = 0; step < 20'000; ++step) {
      if (!replication_) start();
      if (dice_.one_in(60)) {
        crash();
      } else {
        advance();
      }
      if (auto broken_promise = check_order_of_confirmation(); !broken_promise.empty()) return broken_promise;
      if (is_done()) return check_topic();
    }
    return "the replication never came to its end";
  }

 private:
  /// A new process or a new producer: from the disk, and from the tails of the partitions.
  void start() {
    pipeline::Checkpoint checkpoint = *disk_.stored;
    if (mutant_ == Mutant::KeepPositionAfterSinkLoss && last_handed_over_) checkpoint.position = *last_handed_over_;
    std::vector<change::EventId> tails(kPartitions);
    for (std::size_t partition = 0; partition < kPartitions; ++partition) {
      const auto& log = broker_.partitions[partition];
      if (!log.empty() && mutant_ != Mutant::NoTails) tails[partition] = log.back();
      if (mutant_ == Mutant::TailTooHigh && !log.empty()) ++tails[partition].seq;
    }
    producer_ = std::make_unique<Producer>(broker_, dice_, mutant_);
    pipeline::ReplicationLimits limits;
    limits.max_in_flight_records = 12;
    limits.max_items_per_step = 1 + dice_.below(6);
    limits.checkpoint_interval = base::Milliseconds(3);
    limits.idle_checkpoint_interval = base::Milliseconds(7);
    limits.park_after = base::Milliseconds(50);
    replication_ = std::make_unique<pipeline::Replication>(
        encoder_, *producer_, disk_, checkpoint, pipeline::TailFilter({tails}),
        std::vector<std::vector<std::int64_t>>{std::vector<std::int64_t>(kPartitions, -1)}, limits);
    disk_.watched = replication_.get();
    stream_.reset();
  }

  void advance() {
    now_ += base::Milliseconds(1);
    if (!stream_) {
      stream_ = std::make_unique<Stream>(server_, replication_->resume_position(), kEpoch, dice_, mutant_);
      replication_->attach(*stream_, now_);
    }
    const auto result = replication_->step(now_);
    if (result && *result != pipeline::StepResult::Park) return;
    if (!result && replication_->sink_failed()) {
      last_handed_over_ = replication_->resume_position();
      crash();
      return;
    }
    replication_->detach();
    stream_.reset();
  }

  void crash() {
    disk_.watched = nullptr;
    replication_.reset();
    producer_.reset();
    stream_.reset();
  }

  std::string check_order_of_confirmation() const {
    const Position stored = disk_.stored->position;
    if (server_.confirmed > stored) {
      return fmt::format("confirmed {} before {} was on disk", server_.confirmed.value, stored.value);
    }
    const auto expected = expected_up_to(stored);
    for (std::size_t partition = 0; partition < kPartitions; ++partition) {
      if (broker_.partitions[partition].size() < expected[partition].size())
        return "a position was stored before Kafka had its rows";
    }
    return {};
  }

  bool is_done() const {
    return replication_ && replication_->tracker().settled() && disk_.stored->position >= server_.log.back().end;
  }

  /// Of the transactions that end there or before, but for those of a table behind its first change.
  std::vector<std::vector<change::EventId>> expected_up_to(Position last) const {
    std::vector<std::vector<change::EventId>> expected(kPartitions);
    std::map<std::uint32_t, std::uint32_t> first_versions;
    for (const Transaction& transaction : server_.log) {
      if (transaction.end > last) break;
      for (std::uint32_t seq = 1; const Row& row : transaction.rows) {
        const std::uint32_t first = first_versions.try_emplace(row.table, row.version).first->second;
        if (row.version == first) {
          expected[static_cast<std::size_t>(row.partition)].push_back({kEpoch, transaction.commit, seq, 0});
        }
        ++seq;
      }
    }
    return expected;
  }

  std::string check_topic() const {
    const auto expected = expected_up_to(server_.log.back().end);
    for (std::size_t partition = 0; partition < kPartitions; ++partition) {
      if (broker_.partitions[partition] != expected[partition]) {
        return fmt::format("partition {} has {} records, {} were committed, or their order differs", partition,
                           broker_.partitions[partition].size(), expected[partition].size());
      }
    }
    return {};
  }

  Dice dice_;
  Mutant mutant_;
  Server server_;
  Broker broker_;
  Disk disk_;
  RowEncoder encoder_;
  std::unique_ptr<Producer> producer_;
  std::unique_ptr<pipeline::Replication> replication_;
  std::unique_ptr<Stream> stream_;
  std::optional<Position> last_handed_over_;
  base::Deadline now_{};
};

}  // namespace

std::string run(std::uint64_t seed, Mutant mutant) { return Simulation(seed, mutant).run(); }

}  // namespace sluice::simulation
