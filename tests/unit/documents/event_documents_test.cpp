#include "sluice/documents/event_documents.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sluice/pipeline/indexing.h"
#include "sluice/testing/memory_document_sink.h"
#include "sluice/testing/memory_index_admin.h"
#include "sluice/testing/memory_record_source.h"
#include "unit/documents/events.h"

using namespace sluice;
using namespace sluice::documents;
using pipeline::MakeStatus;
using sluice::documents::testing::golden;
using sluice::documents::testing::kUsersSchema;
using sluice::documents::testing::MemoryControlLog;
using sluice::documents::testing::replaced;
using sluice::documents::testing::users;

namespace {

constexpr const char* kUserKey = "public.users:1";
constexpr const char* kTruncateKey = "sluice:truncate:public.users";

enum class Mirror { Off, On };

class EventDocumentsTest : public ::testing::Test {
 protected:
  EventDocumentsTest() {
    log.add(users());
    codec::SnapshotRecord snapshot;
    snapshot.pipeline = "cdc";
    snapshot.epoch = 1;
    snapshot.tables = {{"public", "users", kUsersSchema, 1}};
    snapshot.ranges = {{"t", 0, 0, 1}};
    log.add(snapshot);
  }

  EventDocuments& start(Journal journal, Mirror mirror) {
    return documents.emplace(journal, names, admin, mirror == Mirror::On ? &generations : nullptr,
                             [] { return std::int64_t{1'700'000'000'500}; });
  }

  static pipeline::ConsumedRecord record(std::string_view key, std::string_view value, bool tombstone = false) {
    return {.offset = 42, .timestamp_ms = 0, .key = key, .value = value, .tombstone = tombstone, .header = {}};
  }

  /// Makes a record, preparing what it misses; the error's id, or nothing.
  std::string make(const std::string& key, const std::string& value) {
    const pipeline::Partition partition{"cdc-events", 2};
    for (int i = 0; i < 3; ++i) {
      const auto made = documents->make(partition, record(key, value), batch, sweeps);
      if (!made) return std::string(made.error().id);
      if (*made == MakeStatus::Made) {
        documents->taken();
        return {};
      }
      ++preparations;
      if (const auto prepared = documents->prepare(); !prepared) return std::string(prepared.error().id);
    }
    return "never ready";
  }

  sluice::testing::MemorySearchEngine engine;
  sluice::testing::MemoryIndexAdmin admin{engine};
  MemoryControlLog log;
  IndexNames names{"cdc_", "current_"};
  Generations generations{
      {"cdc", "g", "mirror:current_"}, admin, log, names, [](std::string_view, const std::string&) {}};
  std::optional<EventDocuments> documents;
  pipeline::DocumentBatch batch;
  std::vector<pipeline::Sweep> sweeps;
  int preparations = 0;
};

}  // namespace

TEST_F(EventDocumentsTest, MakesAJournalAndAMirrorDocumentOfARow) {
  start(Journal::On, Mirror::On);
  EXPECT_EQ(make(kUserKey, golden("envelope/insert")), "");
  ASSERT_EQ(batch.size(), 2u);
  EXPECT_EQ(batch[0].index, "cdc_public_users");
  EXPECT_EQ(batch[1].index, "current_public_users-g1");
  EXPECT_TRUE(engine.has_index("cdc_public_users"));
  EXPECT_TRUE(engine.has_index("current_public_users-g1"));
}

TEST_F(EventDocumentsTest, SaysWhenTheChangeOfADocumentWasCommittedButOfNoSnapshotRow) {
  start(Journal::On, Mirror::On);
  EXPECT_EQ(make(kUserKey, golden("envelope/insert")), "");
  const std::int64_t committed = nlohmann::json::parse(golden("envelope/insert"))["source"]["ts_us"];
  EXPECT_EQ(batch[0].commit_time_us, committed);
  EXPECT_EQ(batch[1].commit_time_us, committed);
  batch.clear();
  EXPECT_EQ(make(kUserKey, golden("envelope/snapshot_row")), "");
  EXPECT_EQ(batch[0].commit_time_us, 0);
  EXPECT_EQ(batch[1].commit_time_us, 0);
}

TEST_F(EventDocumentsTest, PreparesATableOnce) {
  start(Journal::On, Mirror::On);
  EXPECT_EQ(make(kUserKey, golden("envelope/insert")), "");
  EXPECT_EQ(make(kUserKey, golden("envelope/delete")), "");
  EXPECT_EQ(make(kUserKey, golden("envelope/contract_example")), "");
  EXPECT_EQ(preparations, 1);
}

TEST_F(EventDocumentsTest, AppendsNothingUntilItIsReady) {
  start(Journal::On, Mirror::On);
  const std::string value = golden("envelope/insert");
  EXPECT_EQ(*documents->make({"t", 0}, record(kUserKey, value), batch, sweeps), MakeStatus::NotReady);
  EXPECT_TRUE(batch.empty());
}

TEST_F(EventDocumentsTest, MakesOnlyWhatIsSwitchedOn) {
  start(Journal::On, Mirror::Off);
  EXPECT_EQ(make(kUserKey, golden("envelope/insert")), "");
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0].index, "cdc_public_users");
  EXPECT_EQ(log.reads, 0) << "a journal needs no control topic";
  batch.clear();
  start(Journal::Off, Mirror::On);
  EXPECT_EQ(make(kUserKey, golden("envelope/insert")), "");
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0].index, "current_public_users-g1");
}

TEST_F(EventDocumentsTest, MakesAJournalDocumentAndASweepOfATruncate) {
  start(Journal::On, Mirror::On);
  EXPECT_EQ(make(kTruncateKey, golden("envelope/truncate")), "");
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0].id, "0001-0000000001693e28-00000001");
  ASSERT_EQ(sweeps.size(), 1u);
  EXPECT_EQ(sweeps[0].index, "current_public_users-g1");
  EXPECT_EQ(sweeps[0].partition, 2);
}

TEST_F(EventDocumentsTest, SkipsAndCountsWhatIsNoRow) {
  start(Journal::On, Mirror::On);
  EXPECT_EQ(make("sluice:marker", golden("envelope/marker")), "");
  EXPECT_EQ(make("sluice:message:orders", golden("envelope/message")), "");
  EXPECT_EQ(*documents->make({"t", 0}, record(kUserKey, "", true), batch, sweeps), MakeStatus::Made);
  documents->taken();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(documents->counters().skipped_markers, 1u);
  EXPECT_EQ(documents->counters().skipped_messages, 1u);
  EXPECT_EQ(documents->counters().skipped_tombstones, 1u);
  EXPECT_EQ(preparations, 0);
}

TEST_F(EventDocumentsTest, CountsEventsAndDocumentsByTableAndOperation) {
  start(Journal::On, Mirror::On);
  EXPECT_EQ(make(kUserKey, golden("envelope/snapshot_row")), "");
  EXPECT_EQ(make(kUserKey, golden("envelope/insert")), "");
  EXPECT_EQ(make(kUserKey, golden("envelope/update_reselected")), "");
  EXPECT_EQ(make(kUserKey, golden("envelope/update_reselected")), "");
  EXPECT_EQ(make(kUserKey, golden("envelope/delete")), "");
  EXPECT_EQ(make(kTruncateKey, golden("envelope/truncate")), "");
  ASSERT_EQ(documents->counters().tables.size(), 1u);
  const auto& [events, made] = documents->counters().tables.at("public.users");
  EXPECT_EQ(events.snapshot, 1u);
  EXPECT_EQ(events.inserted, 1u);
  EXPECT_EQ(events.updated, 2u);
  EXPECT_EQ(events.deleted, 1u);
  EXPECT_EQ(events.truncated, 1u);
  EXPECT_EQ(made.updated, 4u);
  EXPECT_EQ(made.truncated, 1u) << "a truncate is a sweep in the mirror, no document";
  EXPECT_EQ(made.total(), 11u);
}

TEST_F(EventDocumentsTest, CountsARecordWhenItIsTakenAndNotWhenItIsMade) {
  start(Journal::On, Mirror::On);
  EXPECT_EQ(make(kUserKey, golden("envelope/insert")), "");
  const std::string again = golden("envelope/insert");
  EXPECT_EQ(*documents->make({"t", 0}, record(kUserKey, again), batch, sweeps), MakeStatus::Made);
  EXPECT_EQ(documents->counters().tables.at("public.users").events.inserted, 1u);
}

TEST_F(EventDocumentsTest, CountsDocumentsOfTheMirrorThatLackAValue) {
  const std::string whole = golden("envelope/insert");
  const std::string lacking = golden("envelope/contract_example");
  ASSERT_NE(lacking.find(R"("unavailable":["big"])"), std::string::npos);
  start(Journal::On, Mirror::On);
  EXPECT_EQ(make(kUserKey, whole), "");
  EXPECT_EQ(make(kUserKey, lacking), "");
  EXPECT_EQ(documents->counters().incomplete, 1u);
  start(Journal::On, Mirror::Off);
  EXPECT_EQ(make(kUserKey, lacking), "");
  EXPECT_EQ(documents->counters().incomplete, 0u) << "a journal has what the event has";
}

TEST_F(EventDocumentsTest, WritesARetiredEpochIntoTheJournalOnly) {
  engine.aliases["current_public_users"] = "current_public_users-g2";
  start(Journal::On, Mirror::On);
  EXPECT_EQ(make(kUserKey, golden("envelope/insert")), "");
  EXPECT_EQ(make(kTruncateKey, golden("envelope/truncate")), "");
  EXPECT_EQ(batch.size(), 2u);
  EXPECT_TRUE(sweeps.empty());
  EXPECT_EQ(documents->counters().retired, 2u);
}

TEST_F(EventDocumentsTest, RejectsWhatItCannotRead) {
  start(Journal::On, Mirror::On);
  EXPECT_EQ(make(kUserKey, "{}"), "codec.bad_envelope");
  EXPECT_EQ(make(kUserKey, "no json"), "codec.bad_envelope");
  EXPECT_EQ(make(kTruncateKey, replaced(golden("envelope/truncate"), R"("5f1c09aa7be20143")", "null")),
            "es.event_without_schema");
  const std::string long_id = ".r16384." + std::string(600, 'x');
  EXPECT_EQ(
      make(kUserKey, replaced(golden("envelope/snapshot_row"), ".r16384.1286b76dc07cd01052926e5e898b590d", long_id)),
      "es.event_id_too_long");
}

TEST_F(EventDocumentsTest, TakesATruncateWithoutASchemaIntoTheJournalAlone) {
  start(Journal::On, Mirror::Off);
  EXPECT_EQ(make(kTruncateKey, replaced(golden("envelope/truncate"), R"("5f1c09aa7be20143")", "null")), "");
  EXPECT_EQ(batch.size(), 1u);
}

TEST_F(EventDocumentsTest, ReadsTheIdOfAnEventWithoutParsingIt) {
  start(Journal::On, Mirror::Off);
  const auto id_of = [&](const std::string& value) { return documents->event_id(record(kUserKey, value)); };
  EXPECT_EQ(id_of(golden("envelope/insert")), "0001-0000000001693e28-00000001");
  EXPECT_EQ(id_of(golden("envelope/snapshot_row")),
            "0001-0000000001693e28-00000000.r16384.1286b76dc07cd01052926e5e898b590d");
  EXPECT_EQ(id_of(""), "");
  EXPECT_EQ(id_of("{\"id\":\"without an end"), "");
  EXPECT_EQ(id_of("{\"id\":\"" + std::string(1000, 'x') + "\"}"), "");
}

TEST_F(EventDocumentsTest, TogetherWithIndexingFillsBothAndMovesTheAlias) {
  using base::Milliseconds;
  struct Silent final : pipeline::IndexingObserver {
    void warned(std::string_view, const std::string&) override {}
    void bulk_written(const Bulk&) override {}
  } observer;
  struct NoLetters final : pipeline::DeadLetters {
    base::Result<void> put(const pipeline::DeadLetter& letter) override {
      ADD_FAILURE() << letter.error_type;
      return {};
    }
  } letters;
  sluice::testing::MemoryTopic topic;
  auto& messages = topic.logs[{"t", 0}].messages;
  messages.push_back({kUserKey, golden("envelope/snapshot_row"), "", 0});
  messages.push_back({"sluice:marker", golden("envelope/marker"), "", 0});
  messages.push_back({kUserKey, golden("envelope/update_reselected"), "", 0});
  sluice::testing::MemoryRecordSource source(topic);
  sluice::testing::MemoryDocumentSink sink(engine);
  base::Clock::time_point now{};
  pipeline::Indexing indexing(
      {.group = "g", .outputs = {"mirror:current_"}, .backoff_seed = 1},
      {source, sink, letters, admin, start(Journal::On, Mirror::On), observer, [&] { return now; }});
  for (int i = 0; i < 100; ++i) {
    now += Milliseconds(100);
    ASSERT_TRUE(indexing.step().has_value());
  }
  EXPECT_EQ(engine.documents("cdc_public_users").size(), 2u);
  ASSERT_EQ(engine.aliases["current_public_users"], "current_public_users-g1");
  const auto* row = engine.find("current_public_users-g1", "1");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(nlohmann::json::parse(row->body)["big"], "fetched");
  EXPECT_EQ((topic.logs[{"t", 0}].committed), 3);
}
