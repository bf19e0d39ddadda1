#include "replicator_run.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "../adapter_options.h"
#include "../routing.h"
#include "sluice/connector/version.h"
#include "sluice/log/log.h"
#include "sluice/pipeline/wait.h"

namespace sluice::connector {
namespace {

const log::Logger logger = log::get("replicator");
// Ports say when they need us; this only bounds what nobody said.
constexpr base::Milliseconds kMaxWait{500};
constexpr base::Milliseconds kSettlePoll{20};
// For the last feedback: without it the server would only send again what we filter out.
constexpr base::Milliseconds kGoodbye{2'000};

base::Error stopped_in_snapshot() {
  return {base::Recovery::Stop, "replicator.not_settled",
          "the stop came before the snapshot was complete; it begins again at the next start"};
}

tl::unexpected<base::Error> not_settled(std::string_view why) {
  return base::fail(base::Recovery::Stop, "replicator.not_settled",
                    fmt::format("{}. Nothing is lost: what is missing is sent again at the next start", why));
}

/// Of the records that Kafka has, or was handed.
change::Lsn newest_commit(const std::vector<std::vector<change::EventId>>& tails, std::uint32_t epoch) {
  change::Lsn newest;
  for (const auto& topic : tails) {
    for (const change::EventId& last : topic) {
      if (last.epoch == epoch) newest = std::max(newest, last.commit_lsn);
    }
  }
  return newest;
}

/// Lets go of the source before it is gone, however the reading ends.
class Attachment {
 public:
  Attachment(pipeline::Replication& replication, pipeline::ChangeSource& source) : replication_(replication) {
    replication_.attach(source, base::Clock::now());
  }
  Attachment(const Attachment&) = delete;
  ~Attachment() {
    if (replication_.has_source()) replication_.detach();
  }

 private:
  pipeline::Replication& replication_;
};

/// Of a snapshot whose announcement failed.
tl::unexpected<base::Error> unfinished(base::Error error) {
  return tl::make_unexpected(error.id == "kafka.interrupted" ? stopped_in_snapshot() : std::move(error));
}

pipeline::SnapshotMode mode_of(config::SnapshotMode mode) {
  return mode == config::SnapshotMode::Never ? pipeline::SnapshotMode::Never : pipeline::SnapshotMode::Initial;
}

}  // namespace

base::Result<void> run_replicator(const config::Settings& settings, const ReplicatorFlags& flags,
                                  pipeline::StopSignal& stop) {
  return ReplicatorRun(settings, flags, stop).run();
}

ReplicatorRun::ReplicatorRun(const config::Settings& settings, const ReplicatorFlags& flags, pipeline::StopSignal& stop)
    : settings_(settings),
      flags_(flags),
      stop_(stop),
      broker_(settings, [&stop] { return stop.requested(); }),
      catalog_(connect_options(settings)) {}

base::Result<void> ReplicatorRun::run() {
  SLUICE_ASSIGN(store_, offsets::LmdbOffsetStore::open(settings_.state_dir, settings_.pipeline_name()));
  SLUICE_ASSIGN(status_, ReplicatorStatusPublisher::open(settings_));
  reports_.emplace(settings_, *status_);
  gaps_.emplace(settings_, *status_);
  incarnations_.emplace(settings_, *status_);
  unread_slot_.emplace(settings_, *status_, catalog_);
  const auto on_retry = [this](const base::Error& error, base::Milliseconds wait) {
    status_->retrying(error, wait);
    logger.warning(error);
    logger.info("trying again in {} ms", wait.count());
  };
  auto ended = pipeline::supervise(
      supervise_limits(settings_), stop_, on_retry, [this] { return attempt(); },
      [this](base::Deadline until) { tend_until(until); });
  if (ended && !tended_ && tended_.error().recovery == base::Recovery::Stop) ended = std::exchange(tended_, {});
  if (ended && living_ && !is_settled_) ended = settle();
  if (!ended) {
    finish_deliveries();
    end_with_the_producer();
  }
  if (ended && is_cut_off_) ended = not_settled("what was handed to Kafka had no answer when it was given up");
  if (living_) gaps_->collect(*living_->deliveries);
  gaps_->finish();
  return ended;
}

pipeline::Attempt ReplicatorRun::attempt() {
  reading_since_.reset();
  auto result = std::exchange(tended_, {});
  if (result) result = start_and_stream();
  if (!result) end_with_the_producer();
  return attempt_of(std::move(result), reading_since_, settings_);
}

/// An error of the producer ends everything that is in memory; one of PostgreSQL does not (rules K-3, K-9).
void ReplicatorRun::end_with_the_producer() {
  if (!living_ || !living_->replication->sink_failed()) return;
  if (living_->deliveries->has_seen_loss()) remember_loss();
  cut_off();
}

/// By the next start the log may have grown past where it was cut.
void ReplicatorRun::remember_loss() {
  pipeline::Checkpoint checkpoint = living_->replication->checkpoint();
  checkpoint.kafka_lost_records = true;
  if (auto saved = store_->save(checkpoint); !saved) reports_->warn(saved.error());
}

/// What is in flight goes on to be known by what Kafka has.
void ReplicatorRun::cut_off() {
  is_cut_off_ = !living_->replication->settled();
  gaps_->collect(*living_->deliveries);
  living_.reset();
}

/// While PostgreSQL is away what was read goes on to Kafka all the same, and what Kafka has is stored. An error is the
/// next attempt's. While Kafka is away the slot is looked after.
void ReplicatorRun::tend_until(base::Deadline until) {
  const auto slot_position = position_of_our_slot();
  while (!stop_.requested()) {
    const base::Deadline now = base::Clock::now();
    if (now >= until) return;
    if (slot_position) unread_slot_->tick(now, *slot_position);
    const base::Deadline wake = std::min(until, now + kMaxWait);
    if (!living_ || !tended_) {
      stop_.wait_until(wake);
      continue;
    }
    tended_ = tend(now);
    pipeline::wait(stop_, pipeline::WatchStop::Watched, wake, {living_->producer->waits_for(), gaps_->waits_for()});
  }
}

/// Nothing: no slot is ours yet, as far as we know.
std::optional<change::Lsn> ReplicatorRun::position_of_our_slot() {
  if (living_) return change::lsn_of(living_->replication->checkpoint().position);
  const auto stored = store_->load();
  if (!stored || !*stored || (*stored)->slot.name != settings_.postgres.slot_name) return std::nullopt;
  const pipeline::SnapshotPhase phase = (*stored)->snapshot;
  if (phase == pipeline::SnapshotPhase::Intended || phase == pipeline::SnapshotPhase::Running) return std::nullopt;
  return change::lsn_of((*stored)->position);
}

base::Result<void> ReplicatorRun::tend(base::Deadline now) {
  SLUICE_TRY(living_->replication->tend(now));
  SLUICE_TRY(gaps_->tick(now, *living_->deliveries));
  reports_->obstacles(*living_->replication, *living_->producer);
  return {};
}

base::Result<void> ReplicatorRun::start_and_stream() {
  while (true) {
    status_->starting();
    SLUICE_ASSIGN(auto source, SourceSession::open(settings_, catalog_));
    SLUICE_ASSIGN(const auto facts, gather(source));
    SLUICE_ASSIGN(const auto plan, pipeline::plan_start(facts));
    if (std::holds_alternative<pipeline::StartResume>(plan)) {
      reports_->altered(facts.stored->publication, pipeline::incarnation_of(facts.publication));
    }
    // A transaction that is half in Kafka may have no end on another timeline, and what is in memory knows of one only.
    if (living_ && facts.stored->slot.timeline != facts.server.timeline) cut_off();
    if (living_) {
      const pipeline::Replication& replication = *living_->replication;
      SLUICE_TRY(pipeline::check_tails(
          facts, std::max(change::lsn_of(replication.resume_position()),
                          newest_commit(replication.filter().tails(), replication.checkpoint().epoch))));
    } else {
      SLUICE_TRY(begin(source, facts, plan));
    }
    living_->replication->server_xid(facts.server.next_xid);
    follow_publication(facts, plan);
    reports_->halts(*living_->replication);
    if (stop_.requested()) return {};
    SLUICE_ASSIGN(const DriveEnd end, stream(source));
    if (end == DriveEnd::Stopped) return {};
    SLUICE_TRY(wait_while_parked());
    if (stop_.requested()) return {};
  }
}

base::Result<pipeline::StartFacts> ReplicatorRun::gather(SourceSession& source) {
  pipeline::StartFacts facts;
  facts.pipeline = settings_.pipeline_name();
  facts.snapshot = mode_of(settings_.postgres.snapshot);
  facts.makes_slots = config::is_on(settings_.postgres.create_slot);
  facts.accept_routing_change = flags_.accept_routing_change;
  if (living_) {
    facts.stored = living_->replication->checkpoint();
  } else {
    SLUICE_ASSIGN(facts.stored, store_->load());
  }
  SLUICE_ASSIGN(auto from_source, source.gather(settings_, facts.stored));
  reports_->oddities(from_source.publication);
  status_->slot(from_source.slot);
  SLUICE_ASSIGN(auto from_broker, broker_.gather());
  facts.server = std::move(from_source.server);
  facts.history = std::move(from_source.history);
  facts.slot = std::move(from_source.slot);
  facts.publication = std::move(from_source.publication);
  facts.topics = std::move(from_broker.topics);
  facts.announced_epoch = from_broker.announced_epoch;
  facts.written_epoch = from_broker.written_epoch;
  announced_ = std::move(from_broker.schemas);
  tombstones_ = writes_tombstones(settings_, from_broker.is_compacted);
  facts.fingerprint = fingerprint_of(settings_, facts.topics.front().partitions, tombstones_);
  return facts;
}

base::Result<void> ReplicatorRun::begin(SourceSession& source, const pipeline::StartFacts& facts,
                                        const pipeline::StartPlan& plan) {
  if (const auto* fresh = std::get_if<pipeline::StartFresh>(&plan)) return begin_fresh(source, facts, *fresh);
  if (const auto* adopted = std::get_if<pipeline::StartAdopt>(&plan)) return begin_adopted(facts, *adopted);
  return resume(facts, std::get<pipeline::StartResume>(plan));
}

pipeline::Checkpoint ReplicatorRun::new_checkpoint(const pipeline::StartFacts& facts, std::uint32_t epoch) const {
  pipeline::Checkpoint checkpoint;
  checkpoint.pipeline = facts.pipeline;
  checkpoint.epoch = epoch;
  checkpoint.fingerprint = facts.fingerprint;
  checkpoint.snapshot = pipeline::SnapshotPhase::Intended;
  checkpoint.slot.name = settings_.postgres.slot_name;
  checkpoint.slot.system_id = facts.server.system_id;
  checkpoint.slot.timeline = facts.server.timeline;
  checkpoint.slot.database = facts.server.database;
  checkpoint.publication = pipeline::incarnation_of(facts.publication);
  checkpoint.topics = facts.topics;
  return checkpoint;
}

base::Result<void> ReplicatorRun::begin_fresh(SourceSession& source, const pipeline::StartFacts& facts,
                                              const pipeline::StartFresh& plan) {
  const bool wants_snapshot = facts.snapshot == pipeline::SnapshotMode::Initial;
  // What the server refuses leaves no intent behind: the slot that somebody makes then is not ours to drop.
  SLUICE_TRY(source.check_slot_can_be_made(settings_, facts.server, plan.drop_own_slot));
  pipeline::Checkpoint checkpoint = new_checkpoint(facts, plan.epoch);
  // The intent first: a slot without a state that knows it would be somebody else's at the next start (rule P-24).
  SLUICE_TRY(store_->save(checkpoint));
  if (plan.drop_own_slot) SLUICE_TRY(source.drop_slot(settings_));
  SLUICE_ASSIGN(const auto slot, source.create_slot(settings_));
  logger.info("slot {} made at {}, epoch {}", settings_.postgres.slot_name, change::to_string(slot.consistent_point),
              plan.epoch);
  SLUICE_TRY(announce_epoch(facts, plan.epoch));
  checkpoint.position = change::position_of(slot.consistent_point);
  checkpoint.last_data_end = checkpoint.position;
  checkpoint.slot.consistent_point = slot.consistent_point;
  checkpoint.snapshot = wants_snapshot ? pipeline::SnapshotPhase::Running : pipeline::SnapshotPhase::None;
  SLUICE_TRY(store_->save(checkpoint));
  SLUICE_ASSIGN(auto producer, broker_.open_producer());
  SLUICE_TRY(make_pipeline(std::move(producer), std::move(checkpoint), BrokerSession::no_tails(facts.topics)));
  if (!wants_snapshot) return {};
  auto read = snapshot(source, slot, facts);
  // The exported snapshot is gone with its connection: a snapshot that failed begins again under a new epoch.
  if (!read) cut_off();
  return read;
}

base::Result<void> ReplicatorRun::begin_adopted(const pipeline::StartFacts& facts, const pipeline::StartAdopt& plan) {
  pipeline::Checkpoint checkpoint = new_checkpoint(facts, plan.epoch);
  pipeline::adopt(*facts.slot, checkpoint);
  checkpoint.snapshot = pipeline::SnapshotPhase::None;
  // Stored first: an epoch that is announced and not stored looks like a lost state.
  SLUICE_TRY(store_->save(checkpoint));
  SLUICE_TRY(announce_epoch(facts, plan.epoch));
  logger.info("slot {} adopted at {}, without a snapshot", settings_.postgres.slot_name,
              change::to_string(facts.slot->confirmed_flush_lsn));
  SLUICE_ASSIGN(auto producer, broker_.open_producer());
  return make_pipeline(std::move(producer), std::move(checkpoint), BrokerSession::no_tails(facts.topics));
}

base::Result<void> ReplicatorRun::announce_epoch(const pipeline::StartFacts& facts, std::uint32_t epoch) {
  return broker_.announce(codec::EpochRecord{facts.pipeline, epoch, facts.server.system_id, facts.server.database,
                                             settings_.postgres.slot_name});
}

base::Result<void> ReplicatorRun::resume(const pipeline::StartFacts& facts, const pipeline::StartResume& plan) {
  pipeline::Checkpoint checkpoint = *facts.stored;
  if (facts.announced_epoch.value_or(0) < plan.epoch) SLUICE_TRY(announce_epoch(facts, plan.epoch));
  auto tails = checkpoint.settled ? BrokerSession::settled_tails(checkpoint, facts.topics) : std::nullopt;
  checkpoint.position = plan.position;
  checkpoint.fingerprint = facts.fingerprint;
  // With what the publication has lost it is saved when those tables are halted.
  if (plan.unpublished.empty()) checkpoint.publication = pipeline::incarnation_of(facts.publication);
  checkpoint.topics = facts.topics;
  checkpoint.settled = false;
  checkpoint.tails.clear();
  // From the first record on this life may end without a word: the state must say so before (rule P-2.7).
  SLUICE_TRY(store_->save(checkpoint));
  SLUICE_ASSIGN(auto producer, broker_.open_producer());
  if (!tails) {
    if (settings_.kafka.delivery == config::Delivery::Deduplicated) {
      SLUICE_ASSIGN(tails, broker_.recover_tails(*producer, checkpoint, facts.topics));
    } else {
      tails = BrokerSession::no_tails(facts.topics);
    }
  }
  SLUICE_TRY(pipeline::check_tails(facts, newest_commit(tails->last, checkpoint.epoch)));
  if (checkpoint.slot.timeline != facts.server.timeline) {
    // Not before: the next start would no longer see the fork that this one stops at.
    checkpoint.slot.timeline = facts.server.timeline;
    SLUICE_TRY(store_->save(checkpoint));
  }
  logger.info("going on at {} in epoch {}", change::to_string(change::lsn_of(plan.position)), plan.epoch);
  return make_pipeline(std::move(producer), std::move(checkpoint), std::move(*tails));
}

base::Result<void> ReplicatorRun::make_pipeline(std::unique_ptr<kafka::Producer> producer,
                                                pipeline::Checkpoint checkpoint, Tails tails) {
  const codec::Route route{0, static_cast<std::int32_t>(tails.last.front().size())};
  codec::EncoderOptions options;
  options.version = std::string(kVersion);
  options.source_name = settings_.pipeline_name();
  options.database = checkpoint.slot.database;
  options.tombstones = tombstones_ ? codec::Tombstones::On : codec::Tombstones::Off;
  options.messages = route;
  options.values = value_options(settings_);
  auto deliveries = std::make_unique<kafka::DeliveryWatch>(*producer);
  living_.emplace(LivingPipeline{std::move(producer), std::move(deliveries),
                                 EncoderPort(std::move(options), route, announced_), nullptr});
  living_->replication =
      std::make_unique<pipeline::Replication>(living_->encoder, *living_->deliveries, *store_, std::move(checkpoint),
                                              pipeline::TailFilter(std::move(tails.last)), std::move(tails.end_offsets),
                                              replication_limits(settings_), on_rewrite(settings_));
  is_cut_off_ = false;
  return {};
}

base::Result<void> ReplicatorRun::snapshot(SourceSession& source, const postgres::CreatedSlot& slot,
                                           const pipeline::StartFacts& facts) {
  const std::uint32_t epoch = living_->replication->checkpoint().epoch;
  SLUICE_ASSIGN(const auto rows, source.open_snapshot(settings_, slot, epoch));
  if (auto announced = announce_schemas(*rows); !announced) return unfinished(std::move(announced.error()));
  unread_slot_->begin(base::Clock::now());
  const Attachment attached(*living_->replication, *rows);
  SLUICE_ASSIGN(const DriveEnd end, drive(*rows, {.rows = rows.get()}));
  if (end == DriveEnd::Stopped) return tl::make_unexpected(stopped_in_snapshot());
  if (end == DriveEnd::Parked) {
    return base::fail(base::Recovery::Retry, "kafka.unreachable",
                      "Kafka acknowledged nothing for too long during the snapshot, which begins again");
  }
  codec::SnapshotRecord record = describe_snapshot(*rows, facts.pipeline, epoch, slot.consistent_point);
  const auto& ends = living_->replication->end_offsets();
  for (change::TopicIndex topic = 0; topic < facts.topics.size(); ++topic) {
    for (std::size_t partition = 0; partition < ends[topic].size(); ++partition) {
      const std::int64_t begin = facts.topics[topic].end_offsets[partition];
      record.ranges.push_back({facts.topics[topic].topic, static_cast<std::int32_t>(partition), begin,
                               std::max(begin, ends[topic][partition])});
    }
  }
  if (auto announced = broker_.announce(record); !announced) return unfinished(std::move(announced.error()));
  SLUICE_TRY(living_->replication->enter(pipeline::SnapshotPhase::Done));
  logger.info("snapshot of {} tables is complete", record.tables.size());
  return {};
}

/// All in one flush, and those of empty tables too: the record of the snapshot names them, no row of theirs does.
base::Result<void> ReplicatorRun::announce_schemas(const postgres::SnapshotSource& rows) {
  Announced schemas;
  for (const postgres::TableProgress& table : rows.progress()) {
    const codec::ControlRecord record = codec::schema_record(*table.table);
    schemas.emplace(codec::control_key(record), codec::control_value(record));
  }
  SLUICE_TRY(broker_.announce(schemas));
  living_->encoder.add(std::move(schemas));
  return {};
}

base::Result<ReplicatorRun::DriveEnd> ReplicatorRun::stream(SourceSession& source) {
  pipeline::Replication& replication = *living_->replication;
  const change::Lsn from = change::lsn_of(replication.resume_position());
  SLUICE_ASSIGN(auto changes, source.open_stream(settings_, from, replication.checkpoint().epoch));
  logger.info("streaming from {}", change::to_string(from));
  if (settings_.kafka.delivery == config::Delivery::Deduplicated) {
    living_->deliveries->begin(replication.end_offsets());
  }
  incarnations_->begin(base::Clock::now(), source.sql());
  const Attachment attached(replication, changes.source());
  auto driven = drive(changes.source(),
                      {.stream = changes.stream.get(), .reselect = changes.reselect.get(), .sql = &source.sql()});
  incarnations_->end();
  SLUICE_ASSIGN(const DriveEnd end, std::move(driven));
  if (end == DriveEnd::Stopped) {
    SLUICE_TRY(settle());
    SLUICE_TRY(changes.stream->finish(kGoodbye));
  }
  return end;
}

base::Result<ReplicatorRun::DriveEnd> ReplicatorRun::drive(pipeline::ChangeSource& source, const Reading& reading) {
  pipeline::Replication& replication = *living_->replication;
  if (!reading_since_) reading_since_ = base::Clock::now();
  while (!stop_.requested()) {
    const base::Deadline now = base::Clock::now();
    status_->tick(now, replication, *living_->producer, reading);
    SLUICE_ASSIGN(const pipeline::StepResult step, replication.step(now));
    reports_->obstacles(replication, *living_->producer);
    SLUICE_TRY(look_around(now, reading));
    if (step == pipeline::StepResult::Finished) return DriveEnd::Finished;
    if (step == pipeline::StepResult::Park) {
      const base::Error parked{
          base::Recovery::Retry, "kafka.parked",
          replication.store_error()
              ? "the position cannot be stored: the connection to PostgreSQL is closed until it can"
              : "Kafka takes nothing: the connection to PostgreSQL is closed until it does"};
      reports_->warn(parked);
      return DriveEnd::Parked;
    }
    if (step == pipeline::StepResult::Progress) continue;
    const auto read_wait = replication.wants_to_read() ? source.waits_for() : pipeline::Wait{};
    pipeline::wait(stop_, pipeline::WatchStop::Watched, now + kMaxWait,
                   {read_wait, living_->producer->waits_for(), gaps_->waits_for()});
  }
  return DriveEnd::Stopped;
}

base::Result<void> ReplicatorRun::look_around(base::Deadline now, const Reading& reading) {
  SLUICE_TRY(gaps_->tick(now, *living_->deliveries));
  reports_->replacements(living_->encoder);
  pipeline::Replication& replication = *living_->replication;
  if (reading.stream == nullptr) {
    unread_slot_->tick(now, change::lsn_of(replication.checkpoint().position));
    return {};
  }
  reports_->schema_changes(replication);
  if (reading.reselect != nullptr) {
    for (const base::Error& warning : reading.reselect->take_warnings()) reports_->warn(warning);
  }
  SLUICE_ASSIGN(auto publication, incarnations_->tick(now, replication.checkpoint()));
  if (!publication) return {};
  reports_->altered(replication.checkpoint().publication, publication->now);
  replication.follow_publication(now, publication->lost, std::move(publication->now));
  reports_->halts(replication);
  return {};
}

void ReplicatorRun::follow_publication(const pipeline::StartFacts& facts, const pipeline::StartPlan& plan) {
  const auto* resumed = std::get_if<pipeline::StartResume>(&plan);
  pipeline::PublicationIncarnation now = pipeline::incarnation_of(facts.publication);
  if (resumed == nullptr || now == living_->replication->checkpoint().publication) return;
  living_->replication->follow_publication(base::Clock::now(), resumed->unpublished, std::move(now));
}

base::Result<void> ReplicatorRun::wait_while_parked() {
  pipeline::Replication& replication = *living_->replication;
  unread_slot_->begin(base::Clock::now());
  while (!stop_.requested() && !replication.can_resume()) {
    const base::Deadline now = base::Clock::now();
    status_->tick(now, replication, *living_->producer, {.state = admin::ReplicatorState::Parked});
    SLUICE_TRY(tend(now));
    unread_slot_->tick(now, change::lsn_of(replication.checkpoint().position));
    pipeline::wait(stop_, pipeline::WatchStop::Watched, now + kMaxWait,
                   {living_->producer->waits_for(), gaps_->waits_for()});
  }
  return {};
}

/// What comes before the change that stops us reaches Kafka all the same: the next start stops there again, perhaps
/// before Kafka has it.
void ReplicatorRun::finish_deliveries() {
  if (!living_ || living_->replication->sink_failed()) return;
  pipeline::Replication& replication = *living_->replication;
  const base::Deadline grace_end = base::Clock::now() + settings_.stop_grace;
  while (!stop_.requested() && living_->deliveries->in_flight_records() > 0) {
    const base::Deadline now = base::Clock::now();
    if (now >= grace_end) return;
    if (auto tended = replication.tend(now); !tended) return reports_->warn(tended.error());
    pipeline::wait(stop_, pipeline::WatchStop::Watched, now + kSettlePoll, {living_->producer->waits_for()});
  }
}

base::Result<void> ReplicatorRun::settle_on(base::Deadline now) {
  pipeline::Replication& replication = *living_->replication;
  if (!replication.has_source()) return replication.tend(now);
  auto step = replication.step(now);
  if (step) return {};
  if (replication.sink_failed() || step.error().recovery != base::Recovery::Retry) {
    return tl::make_unexpected(std::move(step.error()));
  }
  // Without PostgreSQL what was handed over can still settle, unless it ends inside a transaction.
  replication.detach();
  return {};
}

base::Result<void> ReplicatorRun::settle() {
  pipeline::Replication& replication = *living_->replication;
  const base::Deadline grace_end = base::Clock::now() + settings_.stop_grace;
  replication.stop_reading();
  while (!replication.settled()) {
    const base::Deadline now = base::Clock::now();
    status_->tick(now, replication, *living_->producer, {.state = admin::ReplicatorState::Stopping});
    reports_->obstacles(replication, *living_->producer);
    if (stop_.forced() || now >= grace_end)
      return not_settled("the stop came before Kafka had acknowledged everything");
    auto ended = settle_on(now);
    if (!ended && ended.error().recovery == base::Recovery::Retry) return not_settled(ended.error().message);
    SLUICE_TRY(std::move(ended));
    pipeline::wait(stop_, pipeline::WatchStop::Ignored, now + kSettlePoll, {living_->producer->waits_for()});
  }
  if (auto saved = replication.save_final(topics_of(settings_)); !saved) {
    return base::fail(base::Recovery::Stop, "replicator.not_settled",
                      "everything is in Kafka, but the last position could not be stored: " + saved.error().message);
  }
  is_settled_ = true;
  return {};
}

}  // namespace sluice::connector
