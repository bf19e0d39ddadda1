// Rule P-33 in the replication: what is sent, counted, stored and confirmed when a table is halted.
#include <deque>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sluice/pipeline/replication.h"
#include "sluice/testing/memory_offset_store.h"
#include "sluice/testing/memory_record_sink.h"

using namespace sluice;
using namespace sluice::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

constexpr std::uint32_t kInt4 = 23;
constexpr std::uint32_t kInt8 = 20;

change::TableSchemaPtr table(const std::string& name, std::uint32_t oid, std::uint32_t type_oid) {
  change::TableSchema made;
  made.oid = oid;
  made.schema = "public";
  made.name = name;
  made.columns.push_back({.name = "a", .type_oid = type_oid});
  return change::finish_schema(std::move(made));
}

/// Gives what the test has put in.
class Script final : public pipeline::ChangeSource {
 public:
  base::Result<std::optional<change::SourceItem>> next() override {
    if (items.empty()) return std::nullopt;
    const Item item = items.front();
    items.pop_front();
    if (item.is_last) return change::SourceItem{change::EndOfSource{}};
    if (item.end > 0) return change::SourceItem{change::TransactionEnd{change::Position{item.end}, {}, 1, 0}};
    event_.id = item.id;
    event_.table = item.schema;
    return change::SourceItem{static_cast<const change::ChangeEvent*>(&event_)};
  }
  base::Result<void> confirm(change::Position durable) override {
    confirmed = durable;
    return {};
  }
  pipeline::Wait waits_for() const override { return {}; }

  /// A transaction that begins at `lsn` and ends 8 behind it; without an end it is cut.
  void transaction(std::uint64_t lsn, const std::vector<change::TableSchemaPtr>& rows, bool is_whole = true) {
    std::uint32_t seq = 0;
    for (const auto& schema : rows) items.push_back({{1, change::Lsn(lsn), ++seq, 0}, schema, 0});
    if (is_whole) items.push_back({{}, nullptr, lsn + 8});
  }

  struct Item {
    change::EventId id;
    change::TableSchemaPtr schema;
    std::uint64_t end = 0;
    bool is_last = false;
  };
  std::deque<Item> items;
  change::Position confirmed;

 private:
  change::ChangeEvent event_;
};

/// The key of a record is its table; what is announced is the schema's name and type.
class NamingEncoder final : public pipeline::Encoder {
 public:
  base::Result<void> prepare(const change::TableSchemaPtr& schema, change::RecordBatch&) override {
    prepared.push_back(schema->name + " " + std::to_string(schema->columns.front().type_oid));
    return {};
  }
  base::Result<void> encode(const change::ChangeEvent& event, change::RecordBatch& out) override {
    out.add(out.append(event.table->name), {}).id = event.id;
    return {};
  }
  std::string_view header(change::RecordKind, const change::EventId&) override { return {}; }

  std::vector<std::string> prepared;
};

class ReplicationHalt : public ::testing::Test {
 protected:
  ReplicationHalt() {
    disk.saved = pipeline::Checkpoint{.epoch = 1, .position = {10}, .last_data_end = {10}};
    start();
  }

  /// A new process, from the disk and the topic's tail.
  void start() {
    replication.reset();
    const auto& log = broker.logs[{0, 0}];
    const change::EventId tail = log.empty() ? change::EventId{} : log.back().id;
    sink = std::make_unique<MemoryRecordSink>(broker, Pace::Immediate);
    replication = std::make_unique<pipeline::Replication>(
        encoder, *sink, store, *disk.saved, pipeline::TailFilter({{tail}}),
        std::vector<std::vector<std::int64_t>>{{static_cast<std::int64_t>(log.size())}}, pipeline::ReplicationLimits{});
    script = std::make_unique<Script>();
    replication->attach(*script, now);
  }

  /// Everything in the script is read, delivered and checkpointed.
  void run() {
    for (int step = 0; step < 4; ++step) {
      now += std::chrono::minutes(1);
      ASSERT_TRUE(replication->step(now));
    }
    ASSERT_TRUE(script->items.empty());
  }

  /// "t@40": table and commit LSN of each record.
  std::vector<std::string> sent() {
    std::vector<std::string> texts;
    for (const auto& record : broker.logs[{0, 0}]) {
      texts.push_back(record.key + "@" + std::to_string(record.id.commit_lsn.value()));
    }
    return texts;
  }
  const pipeline::TableCounters& counted(const std::string& name) { return replication->counters().tables[name]; }

  const change::TableSchemaPtr t = table("t", 1, kInt4);
  const change::TableSchemaPtr t_retyped = table("t", 1, kInt8);
  const change::TableSchemaPtr u = table("u", 2, kInt4);

  MemoryDisk disk;
  MemoryBroker broker;
  MemoryOffsetStore store{disk};
  NamingEncoder encoder;
  std::unique_ptr<MemoryRecordSink> sink;
  std::unique_ptr<pipeline::Replication> replication;
  std::unique_ptr<Script> script;
  base::Deadline now = base::Deadline{} + std::chrono::hours(1);
};

}  // namespace

TEST_F(ReplicationHalt, FromTheChangeOnNothingOfTheTableIsSentAndPositionsAdvance) {
  script->transaction(24, {t, u});
  script->transaction(40, {t, t_retyped, u, t_retyped});
  script->transaction(56, {t_retyped});
  run();
  EXPECT_THAT(sent(), ElementsAre("t@24", "u@24", "t@40", "u@40"));
  EXPECT_EQ(counted("public.t").not_sent, 3u);
  EXPECT_EQ(counted("public.t").total(), 2u);
  EXPECT_EQ(counted("public.u").not_sent, 0u);
  EXPECT_EQ(disk.saved->position, change::Position{64});
  EXPECT_EQ(script->confirmed, change::Position{64});
  EXPECT_EQ(disk.saved->tables.at("public.t").halt, (pipeline::TableHalt{"another type of column a", change::Lsn(40)}));
  EXPECT_FALSE(disk.saved->tables.at("public.u").halt);
  EXPECT_THAT(encoder.prepared, ElementsAre("t 23", "u 23")) << "no schema is announced that no event names";
}

TEST_F(ReplicationHalt, TheHaltSurvivesARestartAndSoDoesWhatWasKnown) {
  script->transaction(24, {t, u});
  script->transaction(40, {t_retyped});
  run();
  start();
  script->transaction(56, {t_retyped, u});
  run();
  EXPECT_THAT(sent(), ElementsAre("t@24", "u@24", "u@56"));
}

TEST_F(ReplicationHalt, AChangeWhileNobodyReadIsNoticed) {
  script->transaction(24, {t});
  run();
  start();
  script->transaction(56, {t_retyped});
  run();
  EXPECT_THAT(sent(), ElementsAre("t@24"));
}

TEST_F(ReplicationHalt, AfterACrashBeforeTheCheckpointTheSameIsDecidedAgain) {
  script->transaction(24, {t});
  run();
  const auto stored = disk.saved;
  script->transaction(40, {t, u});
  script->transaction(56, {t_retyped, u});
  run();
  disk.saved = stored;
  start();
  script->transaction(40, {t, u});
  script->transaction(56, {t_retyped, u});
  script->transaction(72, {t_retyped, u});
  run();
  EXPECT_THAT(sent(), ElementsAre("t@24", "t@40", "u@40", "u@56", "u@72"));
  EXPECT_EQ(disk.saved->tables.at("public.t").halt->since, change::Lsn(56));
}

TEST_F(ReplicationHalt, ATransactionThatIsCutBehindTheChangeIsReadAgainFromItsBeginning) {
  script->transaction(24, {t});
  script->transaction(40, {t, u, t_retyped}, /*is_whole=*/false);
  run();
  EXPECT_FALSE(disk.saved->tables.at("public.t").halt) << "the position stored is before the change";
  replication->detach();
  script = std::make_unique<Script>();
  replication->attach(*script, now);
  script->transaction(40, {t, u, t_retyped});
  run();
  EXPECT_THAT(sent(), ElementsAre("t@24", "t@40", "u@40"));
  EXPECT_EQ(disk.saved->tables.at("public.t").halt->since, change::Lsn(40));
}

TEST_F(ReplicationHalt, ACleanStopStoresIt) {
  script->transaction(24, {t});
  script->transaction(40, {t_retyped});
  run();
  replication->stop_reading();
  ASSERT_TRUE(replication->settled());
  ASSERT_TRUE(replication->save_final({"cdc"}));
  EXPECT_TRUE(disk.saved->settled);
  EXPECT_TRUE(disk.saved->tables.at("public.t").halt);
}

TEST_F(ReplicationHalt, WhatTheSnapshotReadIsKnownWhenItIsDone) {
  script->transaction(10, {t}, /*is_whole=*/false);
  script->items.push_back({.is_last = true});
  run();
  ASSERT_TRUE(replication->enter(pipeline::SnapshotPhase::Done));
  start();
  script->transaction(24, {t_retyped});
  run();
  EXPECT_THAT(sent(), ElementsAre("t@10"));
}

TEST_F(ReplicationHalt, TablesThatThePublicationHasLostAreHaltedAtOnceAndSaved) {
  script->transaction(24, {t, u});
  run();
  pipeline::PublicationIncarnation publication{"pub", 5, 6, {}};
  replication->follow_publication(now, {"public.t", "public.gone"}, publication);
  EXPECT_EQ(disk.saved->publication, publication);
  EXPECT_EQ(disk.saved->tables.at("public.t").halt->since, change::Lsn(32));
  EXPECT_TRUE(disk.saved->tables.at("public.gone").halt);
  script->transaction(40, {t, u});
  run();
  EXPECT_THAT(sent(), ElementsAre("t@24", "u@24", "u@40"));
}

TEST_F(ReplicationHalt, WhatCannotBeSavedIsToldAndTriedAgain) {
  script->transaction(24, {t});
  run();
  disk.fails_with = base::Error{base::Recovery::Retry, "offsets.disk_full", "full"};
  replication->follow_publication(now, {"public.t"}, {"pub", 5, 6, {}});
  EXPECT_TRUE(replication->store_error());
  EXPECT_EQ(replication->checkpoint().publication.oid, 0u) << "the next look finds it again";
  replication->detach();
  disk.fails_with.reset();
  now += std::chrono::seconds(60);
  ASSERT_TRUE(replication->tend(now));
  EXPECT_TRUE(replication->can_resume()) << "though there was nothing new to save";
}

TEST_F(ReplicationHalt, AStoreThatWaitingDoesNotMendStopsThePipeline) {
  script->transaction(24, {t});
  run();
  disk.fails_with = base::Error{base::Recovery::Stop, "offsets.corrupt", "not ours"};
  script->transaction(40, {t});
  base::Result<pipeline::StepResult> step = pipeline::StepResult::Idle;
  for (int turn = 0; turn < 10 && step; ++turn) {
    now += std::chrono::seconds(60);
    step = replication->step(now);
  }
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().id, "offsets.corrupt");
}
