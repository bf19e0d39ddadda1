#include "sluice/documents/generations.h"

#include <gtest/gtest.h>

#include "sluice/pipeline/group_checkpoint.h"
#include "sluice/testing/memory_index_admin.h"
#include "unit/documents/events.h"

using namespace sluice;
using namespace sluice::documents;
using codec::EnvelopeOrigin;
using codec::SnapshotRecord;
using sluice::documents::testing::column;
using sluice::documents::testing::key_column;
using sluice::documents::testing::kUsersSchema;
using sluice::documents::testing::MemoryControlLog;
using sluice::documents::testing::table;
using sluice::documents::testing::users;

namespace {

constexpr std::uint64_t kOrdersSchema = 2;
constexpr std::uint64_t kLogSchema = 3;

class GenerationsTest : public ::testing::Test {
 protected:
  GenerationsTest() {
    log.add(users());
    log.add(table("public", "orders", kOrdersSchema, {key_column("id", "int8")}));
    log.add(table("public", "log", kLogSchema, {column("line", "text")}));
  }

  /// The snapshot of epoch `epoch`: users and orders, in two partitions, from offset `begin` to `end` each.
  static SnapshotRecord snapshot(std::uint32_t epoch, std::int64_t begin, std::int64_t end) {
    SnapshotRecord record;
    record.pipeline = "cdc";
    record.epoch = epoch;
    record.tables = {{"public", "users", kUsersSchema, 3}, {"public", "orders", kOrdersSchema, 0}};
    record.ranges = {{"t", 0, begin, end}, {"t", 1, begin, end}};
    return record;
  }

  void finished(std::int32_t partition, std::int64_t offset, std::int64_t from = 0,
                std::string output = "mirror:current_") {
    engine.bookkeeping[pipeline::checkpoint_id("g", {"t", partition})] =
        pipeline::to_json({{"t", partition}, "", offset, from, "", {std::move(output)}});
  }

  /// The partition is read again, from `from`, by a group whose mirror had everything since `since`.
  void finished_again(std::int32_t partition, std::int64_t offset, std::int64_t from, std::int64_t since) {
    engine.bookkeeping[pipeline::checkpoint_id("g", {"t", partition})] =
        pipeline::to_json({{"t", partition}, "", offset, from, "", {"mirror:current_"}, {{"mirror:current_", since}}});
  }

  /// As somebody else left them: another member, another group, a backup.
  void aliases_lead_to(std::uint32_t epoch) {
    for (const std::string alias : {"current_public_users", "current_public_orders"}) {
      engine.aliases[alias] = alias + "-g" + std::to_string(epoch);
    }
  }

  /// The index, "retired", or the id of the error.
  std::string target(std::uint32_t epoch, EnvelopeOrigin origin = EnvelopeOrigin::Stream, const char* name = "users",
                     std::uint64_t schema = kUsersSchema) {
    const auto found = generations.target("public", name, schema, epoch, origin);
    if (!found) return std::string(found.error().id);
    return found->index.empty() ? "retired" : found->index;
  }

  std::string advance() {
    const auto advanced = generations.advance();
    if (!advanced) return std::string(advanced.error().id);
    return *advanced == Generations::Advance::Moved ? "moved" : "same";
  }

  sluice::testing::MemorySearchEngine engine;
  sluice::testing::MemoryIndexAdmin admin{engine};
  MemoryControlLog log;
  IndexNames names{"cdc_", "current_"};
  std::vector<std::string> warnings;
  Generations generations{
      {"cdc", "g", "mirror:current_"}, admin, log, names, [this](std::string_view id, const std::string&) {
        warnings.emplace_back(id);
      }};
};

}  // namespace

TEST_F(GenerationsTest, WritesAnEpochIntoItsOwnHiddenIndex) {
  log.add(snapshot(1, 0, 10));
  EXPECT_EQ(target(1), "current_public_users-g1");
  EXPECT_TRUE(engine.has_index("current_public_users-g1"));
  EXPECT_TRUE(engine.aliases.empty());
}

TEST_F(GenerationsTest, WritesSnapshotRowsBeforeTheirSnapshotIsRecorded) {
  EXPECT_EQ(target(1, EnvelopeOrigin::Snapshot), "current_public_users-g1");
}

TEST_F(GenerationsTest, StopsAtAChangeOfAnEpochWithoutASnapshot) {
  EXPECT_EQ(target(1, EnvelopeOrigin::Stream), "es.mirror_incomplete");
}

TEST_F(GenerationsTest, MovesTheAliasesWhenEveryPartitionIsFinishedToTheEnd) {
  log.add(snapshot(1, 5, 10));
  EXPECT_EQ(advance(), "same") << "nothing is known of either partition";
  finished(0, 10);
  EXPECT_EQ(advance(), "same");
  finished(1, 9);
  EXPECT_EQ(advance(), "same");
  finished(1, 10, 5);
  EXPECT_EQ(advance(), "moved");
  EXPECT_EQ(engine.aliases["current_public_users"], "current_public_users-g1");
  EXPECT_EQ(engine.aliases["current_public_orders"], "current_public_orders-g1") << "a table without rows";
  EXPECT_TRUE(engine.has_index("current_public_orders-g1"));
  EXPECT_EQ(generations.published_epoch(), 1u);
  EXPECT_EQ(
      engine.bookkeeping["g/generation-1"],
      R"({"pipeline":"cdc","epoch":1,"complete":true,"aliases":["current_public_users","current_public_orders"]})");
  EXPECT_EQ(advance(), "same") << "once";
}

TEST_F(GenerationsTest, DoesNotShowAgainWhatWasDeletedBehindItsOffsets) {
  log.add(snapshot(1, 0, 10));
  finished(0, 10);
  finished(1, 10);
  ASSERT_EQ(advance(), "moved");
  engine.aliases.clear();
  EXPECT_EQ(advance(), "same") << "this life has judged it";
  const auto of_another_life = [this] {
    MemoryControlLog read_anew;
    read_anew.add(users());
    read_anew.add(table("public", "orders", kOrdersSchema, {key_column("id", "int8")}));
    read_anew.add(snapshot(1, 0, 10));
    Generations next{
        {"cdc", "g", "mirror:current_"}, admin, read_anew, names, [](std::string_view, const std::string&) {}};
    const auto advanced = next.advance();
    if (!advanced) return std::string(advanced.error().id);
    return std::string(*advanced == Generations::Advance::Moved ? "moved" : "same");
  };
  EXPECT_EQ(of_another_life(), "es.mirror_incomplete");
  EXPECT_TRUE(engine.aliases.empty());
  // The remedy that needs no new epoch: the group reads again from the begin.
  finished(0, 0);
  EXPECT_EQ(of_another_life(), "same");
  finished(0, 10);
  EXPECT_EQ(of_another_life(), "moved") << "filled anew, also over a restart between the end and the showing";
}

TEST_F(GenerationsTest, AMemberThatHasNotBegunWithATopicMadeAgainIsWaitedFor) {
  log.add(snapshot(1, 0, 10));
  finished(0, 10);
  engine.bookkeeping[pipeline::checkpoint_id("g", {"t", 1})] =
      pipeline::to_json({{"t", 1}, "of the old one", 1'000, 0, "", {"mirror:current_"}});
  EXPECT_EQ(advance(), "same");
  finished(1, 10);
  EXPECT_EQ(advance(), "moved");
}

TEST_F(GenerationsTest, StopsWhenTheGroupBeganBehindTheBegin) {
  log.add(snapshot(1, 5, 10));
  finished(0, 10);
  finished(1, 10, 6);
  EXPECT_EQ(advance(), "es.mirror_incomplete");
  EXPECT_TRUE(engine.aliases.empty());
}

TEST_F(GenerationsTest, DoesNotBelieveOffsetsFromWhenTheMirrorWasOff) {
  log.add(snapshot(1, 0, 10));
  finished(0, 10, 0, "journal:cdc_");
  finished(1, 10, 0, "journal:cdc_");
  EXPECT_EQ(advance(), "same");
}

TEST_F(GenerationsTest, MovesToTheNextEpochAndRetiresTheOneBefore) {
  log.add(snapshot(1, 0, 10));
  finished(0, 10);
  finished(1, 10);
  EXPECT_EQ(advance(), "moved");
  EXPECT_EQ(target(2, EnvelopeOrigin::Snapshot), "current_public_users-g2");
  log.add(snapshot(2, 20, 30));
  EXPECT_EQ(advance(), "same");
  EXPECT_EQ(target(1), "current_public_users-g1") << "visible still";
  finished(0, 30);
  finished(1, 31);
  EXPECT_EQ(advance(), "moved");
  EXPECT_EQ(engine.aliases["current_public_users"], "current_public_users-g2");
  EXPECT_EQ(target(1), "retired");
  EXPECT_EQ(target(2), "current_public_users-g2");
  EXPECT_TRUE(engine.has_index("current_public_users-g1")) << "kept";
}

TEST_F(GenerationsTest, RetiresAnEpochWithoutASnapshotWhenANewerOneHasOne) {
  log.add(snapshot(2, 20, 30));
  EXPECT_EQ(target(1, EnvelopeOrigin::Stream), "retired");
  EXPECT_EQ(target(1, EnvelopeOrigin::Snapshot), "retired") << "a snapshot that crashed";
}

TEST_F(GenerationsTest, WritesAPublishedEpochWhateverTheControlTopicLost) {
  engine.aliases["current_public_users"] = "current_public_users-g1";
  EXPECT_EQ(target(1, EnvelopeOrigin::Stream), "current_public_users-g1");
}

TEST_F(GenerationsTest, SeesThatAnotherMemberMovedTheAliases) {
  log.add(snapshot(1, 0, 10));
  EXPECT_EQ(target(1), "current_public_users-g1");
  aliases_lead_to(1);
  EXPECT_EQ(advance(), "moved");
  EXPECT_EQ(generations.published_epoch(), 1u);
  EXPECT_EQ(advance(), "same");
}

TEST_F(GenerationsTest, StopsWhenThisGroupHasAHoleThoughTheAliasesAreThere) {
  log.add(snapshot(1, 5, 10));
  aliases_lead_to(1);
  finished(0, 10, 5);
  finished(1, 10, 6);
  EXPECT_EQ(advance(), "es.mirror_incomplete") << "a new group behind what retention deleted, or a restored index";
}

TEST_F(GenerationsTest, SeesAHoleOfAMemberThatBeginsLater) {
  log.add(snapshot(1, 5, 10));
  aliases_lead_to(1);
  EXPECT_EQ(advance(), "moved") << "nothing is known of either partition";
  finished(0, 7, 5);
  finished(1, 6, 0);
  EXPECT_EQ(advance(), "same");
  finished(0, 8, 6);
  EXPECT_EQ(advance(), "es.mirror_incomplete");
}

TEST_F(GenerationsTest, LooksForHolesUntilTheGroupIsThroughTheSnapshot) {
  log.add(snapshot(1, 5, 10));
  aliases_lead_to(1);
  finished(0, 10, 5);
  finished(1, 10, 0);
  EXPECT_EQ(advance(), "moved");
  finished(1, 10, 6);
  EXPECT_EQ(advance(), "same") << "the group was through with it already";
}

TEST_F(GenerationsTest, GoesOnWithAGroupThatReadsAgainWhatItsMirrorHas) {
  log.add(snapshot(1, 5, 10));
  aliases_lead_to(1);
  finished_again(0, 20, 15, 5);
  finished_again(1, 20, 15, 0);
  EXPECT_EQ(advance(), "moved") << "a journal was switched on, or the group's offsets expired";
  EXPECT_EQ(advance(), "same");
}

TEST_F(GenerationsTest, StopsWhenAGroupReadsAgainAndTheMirrorBeganBehindTheBegin) {
  log.add(snapshot(1, 5, 10));
  aliases_lead_to(1);
  finished_again(0, 20, 15, 6);
  EXPECT_EQ(advance(), "es.mirror_incomplete");
}

TEST_F(GenerationsTest, DoesNotPublishWhatOnlyAnEarlierReadingWrote) {
  log.add(snapshot(1, 5, 10));
  finished_again(0, 20, 15, 5);
  finished_again(1, 20, 15, 5);
  EXPECT_EQ(advance(), "es.mirror_incomplete") << "the alias went, and the index may have gone with it";
}

TEST_F(GenerationsTest, BearsAHoleWhileANewerEpochTakesItsSnapshot) {
  log.add(snapshot(1, 5, 10));
  log.add(codec::EpochRecord{"cdc", 2, 1, "mydb", "slot"});
  aliases_lead_to(1);
  finished(0, 20, 15);
  EXPECT_EQ(advance(), "moved");
  EXPECT_EQ(advance(), "same");
  EXPECT_EQ(target(2, EnvelopeOrigin::Snapshot), "current_public_users-g2");
  log.add(snapshot(2, 20, 30));
  finished(0, 30, 15);
  finished(1, 30, 15);
  EXPECT_EQ(advance(), "moved");
  EXPECT_EQ(engine.aliases["current_public_users"], "current_public_users-g2");
}

TEST_F(GenerationsTest, DoesNotBearAHoleForTheEpochOfAnotherPipeline) {
  log.add(snapshot(1, 5, 10));
  log.add(codec::EpochRecord{"another", 2, 1, "mydb", "slot"});
  aliases_lead_to(1);
  finished(0, 20, 15);
  EXPECT_EQ(advance(), "es.mirror_incomplete");
}

TEST_F(GenerationsTest, PassesOverSnapshotsOfOtherPipelines) {
  SnapshotRecord other = snapshot(1, 0, 0);
  other.pipeline = "another";
  log.add(other);
  EXPECT_EQ(target(1, EnvelopeOrigin::Stream), "es.mirror_incomplete");
}

TEST_F(GenerationsTest, StopsWhenTheSchemaIsNotInTheControlTopic) {
  log.add(snapshot(1, 0, 10));
  EXPECT_EQ(target(1, EnvelopeOrigin::Stream, "users", 77), "es.schema_unknown");
}

TEST_F(GenerationsTest, RefusesATableWithoutAKeyByName) {
  EXPECT_EQ(target(1, EnvelopeOrigin::Snapshot, "log", kLogSchema), "es.mirror_no_key");
}

TEST_F(GenerationsTest, WarnsOnceOfATableThatStaysHidden) {
  log.add(snapshot(1, 0, 10));
  log.add(table("public", "late", 9, {key_column("id", "int4")}));
  EXPECT_EQ(target(1, EnvelopeOrigin::Stream, "late", 9), "current_public_late-g1");
  EXPECT_EQ(target(1, EnvelopeOrigin::Stream, "late", 9), "current_public_late-g1");
  EXPECT_EQ(warnings, std::vector<std::string>{"es.mirror_table_hidden"});
  finished(0, 10);
  finished(1, 10);
  EXPECT_EQ(advance(), "moved");
  EXPECT_FALSE(engine.aliases.contains("current_public_late"));
}

TEST_F(GenerationsTest, LooksAtTheControlTopicSeldomWhenNothingIsToBeExpected) {
  log.add(snapshot(1, 0, 10));
  finished(0, 10);
  finished(1, 10);
  EXPECT_EQ(advance(), "moved");
  const int before = log.reads;
  for (int i = 0; i < 29; ++i) EXPECT_EQ(advance(), "same");
  EXPECT_EQ(log.reads, before);
  EXPECT_EQ(advance(), "same");
  EXPECT_EQ(log.reads, before + 1);
}

TEST_F(GenerationsTest, LooksAtTheControlTopicAtOnceWhenANewEpochHasCome) {
  log.add(snapshot(1, 0, 10));
  finished(0, 10);
  finished(1, 10);
  EXPECT_EQ(advance(), "moved");
  EXPECT_EQ(target(2, EnvelopeOrigin::Snapshot), "current_public_users-g2");
  const int before = log.reads;
  advance();
  EXPECT_EQ(log.reads, before + 1);
}

TEST_F(GenerationsTest, HandsOnThatAPeerIsAway) {
  log.fails = true;
  EXPECT_EQ(advance(), "kafka.unreachable");
  log.fails = false;
  admin.fails_with = base::Error{base::Recovery::Retry, "es.unreachable", "away"};
  EXPECT_EQ(target(1, EnvelopeOrigin::Snapshot), "es.unreachable");
  admin.fails_with.reset();
  EXPECT_EQ(target(1, EnvelopeOrigin::Snapshot), "current_public_users-g1");
}
