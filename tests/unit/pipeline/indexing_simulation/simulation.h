// One seeded run: members of a group come, go, crash and are moved about while the world is bad to them; then the world
// becomes calm, and everything must have arrived exactly once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sluice/pipeline/indexing.h"
#include "unit/pipeline/indexing_simulation/ports.h"
#include "unit/pipeline/indexing_simulation/workload.h"
#include "unit/pipeline/indexing_simulation/world.h"

namespace sluice::pipeline::simulation {

class Member {
 public:
  Member(World& world, const Weather& weather, Mutant mutant, int member_number, const base::Clock::time_point& now,
         std::uint64_t seed)
      : number(member_number),
        source(world, weather, mutant, member_number),
        sink(world, weather, mutant),
        letters(world, weather, mutant),
        admin(world, weather, mutant, source),
        maker(world, admin, mutant),
        indexing(options(seed), {source, sink, letters, admin, maker, observer, [&now] { return now; }}) {}

  const int number;
  SimSource source;
  SimSink sink;
  SimLetters letters;
  SimAdmin admin;
  SimMaker maker;
  SilentObserver observer;
  Indexing indexing;
  bool stopping = false;

 private:
  static IndexingOptions options(std::uint64_t seed) {
    using base::Milliseconds;
    return {.group = std::string(kGroup),
            .outputs = {"out"},
            .max_bulk_bytes = 200,
            .max_bulk_actions = 6,
            .max_bulk_age = Milliseconds(3),
            .max_buffered_bytes = 300,
            .max_rejected_per_minute = 1'000'000,
            .checkpoint_interval = Milliseconds(20),
            .revoke_grace = Milliseconds(60),
            .stop_grace = Milliseconds(200),
            .backoff = {.initial = Milliseconds(4), .max = Milliseconds(40), .multiplier = 2.0},
            .backoff_seed = seed};
  }
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed, Mutant mutant = Mutant::None)
      : seed_(seed),
        mutant_(mutant),
        is_gentle_(seed % 2 == 0),
        world_(seed, 1 + static_cast<int>(seed % 3)),
        workload_(world_) {}

  /// What went wrong; empty: nothing.
  std::string run() {
    for (int i = 0; i < kStormySteps && world_.violation.empty(); ++i) storm(i < kBusySteps);
    calm_down();
    for (int i = 0; i < kCalmSteps && world_.violation.empty() && !is_drained(); ++i) settle();
    for (Flight& flight : late_) apply_late(flight);
    if (world_.violation.empty()) judge();
    return world_.violation;
  }

 private:
  static constexpr int kStormySteps = 500;
  static constexpr int kBusySteps = 200;  ///< of them: in which there are new records
  static constexpr int kCalmSteps = 600;
  static constexpr int kMaxMembers = 2;

  // --- the storm

  void storm(bool busy) {
    now_ += base::Milliseconds(1);
    staff();
    if (world_.random.one_in(30)) weather_ = {};
    // What a crash undoes is done again in the right order, which hides mistakes: half of the runs have few of them.
    const int dice = world_.random.below(is_gentle_ && !world_.random.one_in(8) ? 88 : 100);
    if (dice < 45) return step(any_member());
    if (dice < 68) return move_flight(any_member());
    if (dice < 82) return busy ? workload_.append_some() : step(any_member());
    if (dice < 88) return advance_clock();
    if (dice < 92) return rebalance();
    if (dice < 94) return crash(any_member());
    if (dice < 95) return stop(any_member());
    if (dice < 97) return void(weather_.engine_away = true);
    if (dice < 98) return void(weather_.letters_away = true);
    if (dice < 99) return backup_or_restore();
    if (!late_.empty()) apply_late(take_late());
  }

  void advance_clock() { now_ += base::Milliseconds(world_.random.one_in(8) ? 150 : world_.random.below(25)); }

  /// Somebody is always there, and every partition that nobody has is given to somebody.
  void staff() {
    const bool too_few = members_.empty() || (members_.size() < kMaxMembers && world_.random.one_in(30));
    if (too_few) {
      members_.push_back(std::make_unique<Member>(world_, weather_, mutant_, next_member_, now_, seed_));
      ++next_member_;
    }
    for (std::size_t p = 0; p < world_.logs.size(); ++p) {
      PartitionLog& log = world_.logs[p];
      Member& member = *members_[static_cast<std::size_t>(world_.random.below(static_cast<int>(members_.size())))];
      if (log.owner != -1 || member.stopping) continue;
      log.owner = member.number;
      log.revoked = false;
      ++log.generation;
      Assigned::Start start{name(p), log.committed, 0, log.end, "topic-id"};
      member.source.assign(std::move(start), log.generation);
    }
  }

  static Partition name(std::size_t p) { return {std::string(kTopic), static_cast<int>(p)}; }

  Member& any_member() {
    return *members_[static_cast<std::size_t>(world_.random.below(static_cast<int>(members_.size())))];
  }

  void step(Member& member) {
    std::vector<int> owners;
    for (const PartitionLog& log : world_.logs) owners.push_back(log.owner);
    const auto outcome = member.indexing.step();
    if (!outcome) return world_.violate("step() failed with " + std::string(outcome.error().id));
    for (std::size_t p = 0; p < owners.size(); ++p) {
      if (owners[p] == member.number && world_.logs[p].owner == -1) apply_ties(member);
    }
    if (*outcome != StepOutcome::Stopped) return;
    if (member.indexing.settlement() == Settlement::Settled && !member.sink.flights.empty()) {
      world_.violate("a settled stop left something in flight");
    }
    crash(member);
  }

  static void move_flight(Member& member, Random& random) {
    std::vector<Flight>& flights = member.sink.flights;
    if (flights.empty()) return;
    const auto which = static_cast<std::size_t>(random.below(static_cast<int>(flights.size())));
    if (random.one_in(3)) return member.sink.apply(flights[which]);
    member.sink.land(which);
  }
  void move_flight(Member& member) {
    if (!weather_.engine_away || world_.random.one_in(4)) move_flight(member, world_.random);
  }

  void rebalance() {
    const auto p = static_cast<std::size_t>(world_.random.below(static_cast<int>(world_.logs.size())));
    for (const auto& member : members_) {
      if (member->number != world_.logs[p].owner) continue;
      if (!world_.random.one_in(3)) return revoke(*member, p);
      apply_ties(*member);
      world_.logs[p].owner = -1;
      return member->source.tell(Lost{{name(p)}});
    }
  }

  void revoke(Member& member, std::size_t p) {
    PartitionLog& log = world_.logs[p];
    if (std::exchange(log.revoked, true)) return;
    member.source.tell(Revoked{{name(p)}});
  }

  /// A member that is no more leaves its requests behind; the search engine may take them at any later time, or never.
  void crash(Member& member) {
    for (Flight& flight : member.sink.flights) {
      if (world_.random.one_in(3)) continue;
      if (flight.has_ties()) {
        apply_late(flight);
      } else if (!flight.applied) {
        late_.push_back(std::move(flight));
      }
    }
    for (PartitionLog& log : world_.logs) {
      if (log.owner == member.number) log.owner = -1;
    }
    std::erase_if(members_, [&](const auto& other) { return other.get() == &member; });
  }

  void stop(Member& member) {
    member.stopping = true;
    member.indexing.request_stop();
  }

  void backup_or_restore() {
    if (!backup_ || world_.random.one_in(2)) {
      backup_ = world_.engine;
      return;
    }
    while (!members_.empty()) crash(*members_.front());
    late_.clear();
    world_.engine = *backup_;
  }

  /// Documents whose versions tie are guarded within one program only. Requests of a former owner that carry such are
  /// taken as having arrived: what a real one could still do to them is the known limit of rule P-5.
  void apply_ties(Member& member) {
    for (Flight& flight : member.sink.flights) {
      if (flight.has_ties()) member.sink.apply(flight);
    }
  }

  Flight take_late() {
    Flight flight = std::move(late_.back());
    late_.pop_back();
    return flight;
  }

  void apply_late(const Flight& flight) {
    if (flight.applied) return;
    if (flight.sweep) return world_.engine.sweep(*flight.sweep);
    for (std::size_t i = 0; i < flight.documents.size(); ++i) {
      Document document = flight.documents[i];
      if (mutant_ == Mutant::IgnoresVersions) document.version_type = VersionType::None;
      world_.engine.write(document);
    }
  }

  // --- the calm

  void calm_down() {
    weather_ = {.engine_away = false, .letters_away = false, .calm = true};
    while (late_.size() > 2) apply_late(take_late());
  }

  void settle() {
    now_ += base::Milliseconds(5);
    staff();
    for (std::size_t i = members_.size(); i-- > 0;) {
      while (!members_[i]->sink.flights.empty()) members_[i]->sink.land(0);
      step(*members_[i]);
    }
  }

  /// Everything is committed, and not only in a time that a restored backup knows nothing of.
  bool is_drained() const {
    for (std::size_t p = 0; p < world_.logs.size(); ++p) {
      const PartitionLog& log = world_.logs[p];
      const auto stored = world_.engine.highest_checkpoint.find(static_cast<int>(p));
      if (log.owner == -1 || stored == world_.engine.highest_checkpoint.end()) return false;
      if (stored->second != log.end || log.committed != log.end) return false;
    }
    return true;
  }

  void judge() {
    if (!is_drained()) return world_.violate("the offsets never reached the end of the log");
    judge_journal();
    judge_letters();
    judge_mirror();
  }

  void judge_journal() {
    std::size_t expected = 0;
    for (const SimRecord& record : world_.stream) {
      if (record.kind != Kind::Write && record.kind != Kind::Delete && record.kind != Kind::Truncate) continue;
      ++expected;
      if (!world_.engine.journal.contains(record.id)) return world_.violate("the journal lacks " + record.text);
    }
    if (world_.engine.journal.size() != expected) world_.violate("the journal has what never happened");
  }

  void judge_letters() {
    std::size_t expected = 0;
    for (std::size_t p = 0; p < world_.logs.size(); ++p) {
      for (const SimRecord& record : world_.logs[p].records) {
        if (record.kind != Kind::Poison && record.kind != Kind::Unreadable) continue;
        ++expected;
        if (!world_.letters.contains({static_cast<int>(p), record.offset})) {
          return world_.violate("no dead letter of " + record.text);
        }
      }
    }
    if (world_.letters.size() != expected) world_.violate("a dead letter of a good record");
  }

  void judge_mirror() {
    std::map<std::string, int> rows;
    for (const auto& [key, document] : world_.engine.mirror) {
      if (!document.deleted) rows[key] = document.value;
    }
    if (rows != workload_.rows()) world_.violate("the mirror differs from the table");
  }

  std::uint64_t seed_;
  Mutant mutant_;
  bool is_gentle_;
  World world_;
  Workload workload_;
  Weather weather_;
  base::Clock::time_point now_{};
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<Flight> late_;
  std::optional<Engine> backup_;
  int next_member_ = 0;
};

}  // namespace sluice::pipeline::simulation
