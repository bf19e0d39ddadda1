// The ports of one member of the group, over the World; and, where a Mutant asks for it, over a world that is misread.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sluice/pipeline/indexing.h"
#include "unit/pipeline/indexing_simulation/mutant.h"
#include "unit/pipeline/indexing_simulation/world.h"

namespace sluice::pipeline::simulation {

inline tl::unexpected<base::Error> retry(std::string_view id) {
  return base::fail(base::Recovery::Retry, id, "simulated");
}

/// How bad the world is at present.
struct Weather {
  bool engine_away = false;
  bool letters_away = false;
  bool calm = false;  ///< nothing fails any more
};

class SimBatch final : public ConsumedBatch {
 public:
  SimBatch(Partition partition, std::vector<ConsumedRecord> records)
      : partition_(std::move(partition)), records_(std::move(records)) {
    for (const ConsumedRecord& record : records_) bytes += record.value.size();
  }
  const Partition& partition() const override { return partition_; }
  std::span<const ConsumedRecord> records() const override { return records_; }

 private:
  Partition partition_;
  std::vector<ConsumedRecord> records_;
};

class SimSource final : public RecordSource {
 public:
  SimSource(World& world, const Weather& weather, Mutant mutant, int member)
      : world_(world), weather_(weather), mutant_(mutant), member_(member) {}

  void tell(SourceEvent event) { events_.push_back({std::move(event), 0}); }
  void assign(Assigned::Start start, int generation) { events_.push_back({Assigned{{std::move(start)}}, generation}); }

  base::Result<std::optional<SourceEvent>> next() override {
    if (!events_.empty()) {
      auto [event, generation] = std::move(events_.front());
      events_.pop_front();
      if (const auto* assigned = std::get_if<Assigned>(&event)) {
        generations_[assigned->partitions.front().partition.number] = generation;
      }
      if (const auto* lost = std::get_if<Lost>(&event)) forget(*lost);
      return std::move(event);
    }
    for (auto& [partition, reading] : reading_) {
      if (reading.paused || (!weather_.calm && world_.random.one_in(3))) continue;
      if (auto batch = fetch(partition, reading)) return SourceEvent(std::move(batch));
    }
    return std::nullopt;
  }

  base::Result<void> begin(const Partition& partition, Offset offset) override {
    reading_[partition.number] = {.position = offset, .finished = {}, .paused = false};
    return {};
  }

  base::Result<void> finish(const Partition& partition, Offset offset) override {
    reading_.at(partition.number).finished = offset;
    return {};
  }

  base::Result<void> commit() override {
    const bool fails = !weather_.calm && world_.random.one_in(10);
    if (fails && world_.random.one_in(2)) return retry("kafka.unreachable");
    for (auto& [partition, reading] : reading_) {
      if (reading.finished) commit(partition, *reading.finished);
    }
    for (auto& [id, json] : deferred_checkpoints) world_.engine.store(id, json);
    deferred_checkpoints.clear();
    if (fails) return retry("kafka.unreachable");
    return {};
  }

  base::Result<void> release(const std::vector<Partition>& partitions) override {
    for (const Partition& partition : partitions) {
      reading_.erase(partition.number);
      if (is_mine(partition.number)) world_.logs[static_cast<std::size_t>(partition.number)].owner = -1;
    }
    return {};
  }

  base::Result<void> pause(const Partition& partition) override { return set_paused(partition, true); }
  base::Result<void> resume(const Partition& partition) override { return set_paused(partition, false); }
  Wait waits_for() const override { return {}; }

  std::map<std::string, std::string> deferred_checkpoints;  ///< of the mutant CommitsBeforeCheckpoint

 private:
  struct Reading {
    Offset position = 0;
    std::optional<Offset> finished;  ///< nothing was said since begin()
    bool paused = false;
  };

  bool is_mine(int partition) const {
    const PartitionLog& log = world_.logs[static_cast<std::size_t>(partition)];
    return log.owner == member_ && log.generation == generations_.at(partition);
  }

  std::unique_ptr<SimBatch> fetch(int partition, Reading& reading) {
    const PartitionLog& log = world_.logs[static_cast<std::size_t>(partition)];
    auto at = std::lower_bound(log.records.begin(), log.records.end(), reading.position,
                               [](const SimRecord& record, Offset offset) { return record.offset < offset; });
    std::vector<ConsumedRecord> records;
    for (int left = 1 + world_.random.below(5); left > 0 && at != log.records.end(); --left, ++at) {
      records.push_back({.offset = at->offset,
                         .timestamp_ms = 0,
                         .key = at->key,
                         .value = at->text,
                         .tombstone = false,
                         .header = {}});
    }
    if (records.empty()) return nullptr;
    reading.position = records.back().offset + 1;
    if (mutant_ == Mutant::CommitsWhatItRead) commit(partition, reading.position);
    return std::make_unique<SimBatch>(Partition{std::string(kTopic), partition}, std::move(records));
  }

  void commit(int partition, Offset offset) {
    PartitionLog& log = world_.logs[static_cast<std::size_t>(partition)];
    if (!is_mine(partition)) return;  // the broker fences a member that lost the partition
    world_.check_commit(partition, offset);
    log.committed = offset;
  }

  void forget(const Lost& lost) {
    for (const Partition& partition : lost.partitions) {
      const auto found = reading_.find(partition.number);
      if (found == reading_.end()) continue;
      if (mutant_ == Mutant::CommitsLostPartitions) {
        world_.check_commit(partition.number, found->second.position);
        world_.logs[static_cast<std::size_t>(partition.number)].committed = found->second.position;
      }
      reading_.erase(found);
    }
  }

  base::Result<void> set_paused(const Partition& partition, bool paused) {
    if (const auto found = reading_.find(partition.number); found != reading_.end()) found->second.paused = paused;
    return {};
  }

  World& world_;
  const Weather& weather_;
  Mutant mutant_;
  int member_;
  std::deque<std::pair<SourceEvent, int>> events_;
  std::map<int, int> generations_;  ///< partition → of the assignment that was told
  std::map<int, Reading> reading_;
};

/// What was sent and has no answer yet.
struct Flight {
  std::uint64_t ticket = 0;
  DocumentBatch documents;
  std::optional<Sweep> sweep;
  bool applied = false;
  std::vector<ItemResult> results;

  bool has_ties() const {
    if (sweep) return sweep->at_or_below;
    for (std::size_t i = 0; i < documents.size(); ++i) {
      if (documents[i].version_type == VersionType::ExternalGte) return true;
    }
    return false;
  }
};

class SimSink final : public DocumentSink {
 public:
  SimSink(World& world, const Weather& weather, Mutant mutant) : world_(world), weather_(weather), mutant_(mutant) {}

  base::Result<void> submit(DocumentBatch batch, std::uint64_t ticket) override {
    flights.push_back({.ticket = ticket, .documents = std::move(batch), .sweep = {}, .applied = false, .results = {}});
    return {};
  }
  base::Result<void> sweep(Sweep sweep, std::uint64_t ticket) override {
    flights.push_back({.ticket = ticket, .documents = {}, .sweep = std::move(sweep), .applied = false, .results = {}});
    return {};
  }
  bool has_room() const override { return flights.size() < 3; }
  base::Result<std::span<BatchOutcome>> outcomes() override {
    given_ = std::exchange(landed_, {});
    return std::span(given_);
  }
  Wait waits_for() const override { return {}; }

  /// The engine takes it, some of its items refused for now.
  void apply(Flight& flight) {
    if (std::exchange(flight.applied, true)) return;
    if (flight.sweep) return world_.engine.sweep(*flight.sweep);
    const std::size_t size = flight.documents.size();
    flight.results.resize(size);
    for (std::size_t n = 0; n < size; ++n) {
      const std::size_t i = mutant_ == Mutant::ReordersTies ? size - 1 - n : n;
      Document document = flight.documents[i];
      if (mutant_ == Mutant::SkipsLastOfBulk && size > 1 && i == size - 1) continue;
      if (mutant_ == Mutant::IgnoresVersions) document.version_type = VersionType::None;
      const bool refused = !weather_.calm && world_.random.one_in(8);
      const ItemOutcome outcome = refused ? ItemOutcome::Retry : world_.engine.write(document);
      flight.results[i] = {misread(outcome), outcome == ItemOutcome::Rejected ? "bad" : "", ""};
    }
  }

  /// The answer arrives, or the connection breaks instead: then nobody knows what was applied.
  void land(std::size_t which) {
    Flight flight = std::move(flights[which]);
    flights.erase(flights.begin() + static_cast<std::ptrdiff_t>(which));
    BatchOutcome outcome;
    outcome.ticket = flight.ticket;
    const bool lost = weather_.engine_away || (!weather_.calm && world_.random.one_in(10));
    if (!weather_.engine_away && (!lost || world_.random.one_in(2))) apply(flight);
    if (lost && mutant_ != Mutant::BelievesUnknownOutcomes) {
      outcome.error = base::Error{base::Recovery::Retry, "es.unreachable", "simulated"};
    } else {
      flight.results.resize(flight.documents.size());
      outcome.items = std::move(flight.results);
    }
    landed_.push_back(std::move(outcome));
  }

  std::vector<Flight> flights;

 private:
  ItemOutcome misread(ItemOutcome outcome) const {
    if (mutant_ == Mutant::FinishesOnRetry && outcome == ItemOutcome::Retry) return ItemOutcome::Written;
    if (mutant_ == Mutant::DropsRejected && outcome == ItemOutcome::Rejected) return ItemOutcome::Written;
    return outcome;
  }

  World& world_;
  const Weather& weather_;
  Mutant mutant_;
  std::vector<BatchOutcome> landed_;
  std::vector<BatchOutcome> given_;
};

class SimLetters final : public DeadLetters {
 public:
  SimLetters(World& world, const Weather& weather, Mutant mutant) : world_(world), weather_(weather), mutant_(mutant) {}

  base::Result<void> put(const DeadLetter& letter) override {
    const bool fails = weather_.letters_away || (!weather_.calm && world_.random.one_in(4));
    if (!fails || (!weather_.letters_away && world_.random.one_in(2))) {
      world_.letters.insert({letter.partition.number, letter.record.offset});
    }
    if (fails && mutant_ != Mutant::DoesNotAwaitLetters) return retry("kafka.dlq_failed");
    return {};
  }

 private:
  World& world_;
  const Weather& weather_;
  Mutant mutant_;
};

class SimAdmin final : public IndexAdmin {
 public:
  SimAdmin(World& world, const Weather& weather, Mutant mutant, SimSource& source)
      : world_(world), weather_(weather), mutant_(mutant), source_(source) {}

  base::Result<void> ensure_journal(std::string_view) override { return answer(); }
  base::Result<void> ensure_mirror(std::string_view, std::string_view) override { return answer(); }
  base::Result<void> publish(std::string_view, std::string_view) override { return answer(); }
  base::Result<std::optional<std::string>> published(std::string_view) override { return std::nullopt; }
  base::Result<void> refresh(std::string_view) override { return answer(); }

  base::Result<void> store(std::string_view id, std::string_view json) override {
    const bool fails = is_bad();
    if (fails && (weather_.engine_away || world_.random.one_in(2))) return retry("es.unreachable");
    const auto checkpoint = parse_group_checkpoint(json);
    world_.check_finished(checkpoint->partition.number, checkpoint->offset, "a checkpoint");
    if (mutant_ == Mutant::CommitsBeforeCheckpoint) {
      source_.deferred_checkpoints[std::string(id)] = std::string(json);
    } else {
      world_.engine.store(std::string(id), std::string(json));
    }
    if (fails) return retry("es.unreachable");
    return {};
  }

  base::Result<std::optional<std::string>> load(std::string_view id) override {
    if (is_bad()) return retry("es.unreachable");
    const auto found = world_.engine.checkpoints.find(id);
    if (mutant_ == Mutant::IgnoresCheckpoints) return forged(id);
    if (found == world_.engine.checkpoints.end()) return std::nullopt;
    return found->second;
  }

 private:
  bool is_bad() { return weather_.engine_away || (!weather_.calm && world_.random.one_in(10)); }
  base::Result<void> answer() {
    if (is_bad()) return retry("es.unreachable");
    return {};
  }

  /// A checkpoint that agrees with the group's offset, whatever the search engine really has.
  std::optional<std::string> forged(std::string_view id) const {
    for (std::size_t p = 0; p < world_.logs.size(); ++p) {
      const Partition partition{std::string(kTopic), static_cast<int>(p)};
      const std::optional<Offset>& committed = world_.logs[p].committed;
      if (checkpoint_id(kGroup, partition) != id || !committed) continue;
      return to_json({partition, "", *committed, 0, "", {"out"}});
    }
    return std::nullopt;
  }

  World& world_;
  const Weather& weather_;
  Mutant mutant_;
  SimSource& source_;
};

/// Makes a document of the journal, and one of the mirror or a sweep, of each record.
class SimMaker final : public DocumentMaker {
 public:
  SimMaker(World& world, SimAdmin& admin, Mutant mutant) : world_(world), admin_(admin), mutant_(mutant) {}

  base::Result<MakeStatus> make(const Partition& partition, const ConsumedRecord& record, DocumentBatch& documents,
                                std::vector<Sweep>& sweeps) override {
    const auto words = split(record.value);
    const Kind kind{words[0].front()};
    if (kind == Kind::Marker) return MakeStatus::Made;
    if (!prepared_) return MakeStatus::NotReady;
    add(documents, DocumentAction::Create, kJournal, words[1], kind == Kind::Poison ? "poison" : "event", {});
    if (kind == Kind::Unreadable) return base::fail(base::Recovery::Reject, "codec.bad_envelope", "simulated");
    if (kind == Kind::Poison) return MakeStatus::Made;
    const std::uint64_t version = number(words[3]);
    const bool saturated = words[4] == "1";
    if (kind == Kind::Truncate) {
      const Sweep sweep{std::string(kMirror), partition.number, version, saturated, 1, "", ""};
      if (mutant_ == Mutant::SweepsAtOnce) {
        world_.engine.sweep(sweep);
      } else {
        sweeps.push_back(sweep);
      }
      return MakeStatus::Made;
    }
    const std::string body =
        std::string(words[5]) + (kind == Kind::Delete ? " 1 " : " 0 ") + std::to_string(partition.number);
    Document document;
    document.version = version;
    document.version_type = saturated ? VersionType::ExternalGte : VersionType::External;
    add(documents, DocumentAction::Index, kMirror, words[2], body, document);
    return MakeStatus::Made;
  }

  base::Result<void> prepare() override {
    SLUICE_TRY(admin_.ensure_journal(kJournal));
    prepared_ = true;
    return {};
  }

  std::string event_id(const ConsumedRecord& record) const override { return std::string(split(record.value)[1]); }
  base::Result<void> after_checkpoint() override { return {}; }

 private:
  static void add(DocumentBatch& documents, DocumentAction action, std::string_view index, std::string_view id,
                  std::string_view body, Document document) {
    document.action = action;
    document.index = index;
    document.id = id;
    document.body = body;
    documents.append(document);
  }

  World& world_;
  SimAdmin& admin_;
  Mutant mutant_;
  bool prepared_ = false;
};

class SilentObserver final : public IndexingObserver {
 public:
  void warned(std::string_view, const std::string&) override {}
  void bulk_written(const Bulk&) override {}
};

}  // namespace sluice::pipeline::simulation
