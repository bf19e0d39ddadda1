#include "sluice/pipeline/start_plan.h"

#include <gtest/gtest.h>

using namespace sluice::change;
using namespace sluice::pipeline;

namespace {

/// A pipeline that ran before and may go on: every test changes one thing behind its back.
class StartPlanTest : public testing::Test {
 protected:
  StartPlanTest() {
    facts.pipeline = "sluice";
    facts.fingerprint = "f1";
    facts.server.system_id = 7;
    facts.server.timeline = 1;
    facts.server.database = "shop";
    facts.server.wal_end = Lsn(2'000);
    facts.server.next_xid = 900;
    facts.slot = SlotFacts{.name = "my_slot", .plugin = "pgoutput", .database = "shop"};
    facts.slot->restart_lsn = Lsn(900);
    facts.slot->confirmed_flush_lsn = Lsn(1'000);
    facts.slot->wal_status = "reserved";
    facts.publication.name = "pub";
    facts.publication.oid = 50;
    facts.publication.members = {{"public.users", 60, 61, 62, false}};
    facts.topics = {{"cdc", "id-1", 2, {10, 20}}};
    facts.announced_epoch = 3;

    Checkpoint stored;
    stored.pipeline = "sluice";
    stored.epoch = 3;
    stored.position = Position{1'500};
    stored.last_data_end = Position{1'400};
    stored.highest_xid = 800;
    stored.fingerprint = "f1";
    stored.snapshot = SnapshotPhase::Done;
    stored.slot = {"my_slot", 7, 1, "shop", Lsn(500)};
    stored.publication = incarnation_of(facts.publication);
    stored.topics = facts.topics;
    facts.stored = stored;
  }

  void nothing_stored() { facts.stored.reset(); }
  void nothing_announced() { facts.announced_epoch.reset(); }
  void no_slot() { facts.slot.reset(); }

  void expect_stop(std::string_view id) {
    const auto plan = plan_start(facts);
    ASSERT_FALSE(plan.has_value()) << "expected " << id;
    EXPECT_EQ(plan.error().id, id) << plan.error().message;
    EXPECT_EQ(plan.error().recovery, sluice::base::Recovery::Stop);
  }
  template <class Plan>
  Plan expect_plan() {
    const auto plan = plan_start(facts);
    EXPECT_TRUE(plan.has_value()) << plan.error().message;
    EXPECT_TRUE(plan && std::holds_alternative<Plan>(*plan));
    return plan && std::holds_alternative<Plan>(*plan) ? std::get<Plan>(*plan) : Plan{};
  }

  StartFacts facts;
};

}  // namespace

TEST_F(StartPlanTest, GoesOnFromTheStoredPosition) {
  const auto plan = expect_plan<StartResume>();
  EXPECT_EQ(plan.position, Position{1'500});
  EXPECT_EQ(plan.epoch, 3u);
}

TEST_F(StartPlanTest, TheFirstStartEverBeginsEpochOne) {
  nothing_stored(), nothing_announced(), no_slot();
  EXPECT_EQ(expect_plan<StartFresh>().epoch, 1u);
}

TEST_F(StartPlanTest, ASlotMadeBeforehandIsAdoptedWithSnapshotNever) {
  nothing_stored(), nothing_announced();
  facts.snapshot = SnapshotMode::Never;
  EXPECT_EQ(expect_plan<StartAdopt>().epoch, 1u);
}

TEST_F(StartPlanTest, AnAdoptedSlotGoesOnBehindWhatWasConfirmed) {
  facts.slot->restart_lsn = Lsn(900);
  facts.slot->confirmed_flush_lsn = Lsn(1'000);
  Checkpoint adopted;
  adopt(*facts.slot, adopted);
  EXPECT_EQ(adopted.position, Position{1'000});
  EXPECT_EQ(adopted.last_data_end, Position{1'000});
  EXPECT_EQ(adopted.slot.consistent_point, Lsn(900)) << "the server may be back at what it had saved of the slot";
}

TEST_F(StartPlanTest, ASlotMadeBeforehandIsNoSnapshot) {
  nothing_stored(), nothing_announced();
  expect_stop("pg.slot_without_snapshot");
}

TEST_F(StartPlanTest, ALostStateIsNotANewBeginning) {
  nothing_stored();
  expect_stop("pg.position_lost");
}

TEST_F(StartPlanTest, ALostStateAndALostSlotAreNotANewBeginningEither) {
  nothing_stored(), no_slot();
  expect_stop("pg.position_lost");
}

TEST_F(StartPlanTest, ChangesInTheTopicsAreNotANewBeginningThoughTheControlTopicWasLostToo) {
  nothing_stored(), nothing_announced();
  facts.written_epoch = 3;
  expect_stop("pg.position_lost");
  no_slot();
  expect_stop("pg.position_lost");
}

TEST_F(StartPlanTest, AMissingSlotStops) {
  no_slot();
  expect_stop("pg.slot_missing");
}

TEST_F(StartPlanTest, ASlotConfirmedPastUsStops) {
  facts.slot->confirmed_flush_lsn = Lsn(1'600);
  expect_stop("pg.slot_advanced");
}

TEST_F(StartPlanTest, ASlotMadeAgainStopsEvenWhereItIsBehindUs) {
  facts.slot->confirmed_flush_lsn = Lsn(400);
  facts.slot->restart_lsn = Lsn(300);
  expect_stop("pg.slot_recreated");
}

TEST_F(StartPlanTest, AnotherClusterStops) {
  facts.server.system_id = 8;
  expect_stop("pg.system_changed");
}

TEST_F(StartPlanTest, AServerBehindUsStops) {
  facts.server.wal_end = Lsn(1'499);
  expect_stop("pg.server_behind");
}

TEST_F(StartPlanTest, AServerRestoredToAnOlderTransactionIdStops) {
  facts.server.next_xid = 799;
  expect_stop("pg.server_restored");
}

TEST_F(StartPlanTest, TransactionIdsMayWrapAround) {
  facts.stored->highest_xid = 0xFFFF'FFF0u;
  facts.server.next_xid = (std::uint64_t{1} << 32) + 5;
  expect_plan<StartResume>();
}

TEST_F(StartPlanTest, ATableThatWasIdleForHalfACircleOfTransactionIdsIsNoRestoredServer) {
  facts.stored->highest_xid = (std::uint64_t{1} << 32) + 5;
  facts.server.next_xid = facts.stored->highest_xid + (std::uint64_t{1} << 31) + 1;
  expect_plan<StartResume>();
  facts.server.next_xid = facts.stored->highest_xid;
  expect_stop("pg.server_restored");
}

TEST_F(StartPlanTest, AFailoverBeforeOurLastDataGoesOnFromTheFork) {
  facts.server.timeline = 2;
  facts.history = {{1, Lsn(1'450)}};
  EXPECT_EQ(expect_plan<StartResume>().position, Position{1'450});
}

TEST_F(StartPlanTest, AFailoverThatLostWhatWeSentStopsEvenWhenTheNewServerIsPastUs) {
  facts.server.timeline = 2;
  facts.server.wal_end = Lsn(9'000);
  facts.history = {{1, Lsn(1'399)}};
  expect_stop("pg.timeline_forked");
}

TEST_F(StartPlanTest, ATimelineThatIsNotInTheHistoryStops) {
  facts.server.timeline = 3;
  facts.history = {{2, Lsn(5'000)}};
  expect_stop("pg.timeline_forked");
}

TEST_F(StartPlanTest, ALostSlotStops) {
  facts.slot->wal_status = "lost";
  expect_stop("pg.slot_lost");
}

TEST_F(StartPlanTest, ASlotOfAnotherKindStops) {
  facts.slot->plugin = "test_decoding";
  expect_stop("pg.slot_wrong_plugin");
  facts.slot->plugin = "pgoutput";
  facts.slot->database = "other";
  expect_stop("pg.slot_wrong_database");
  facts.slot->database = "shop";
  facts.slot->two_phase = true;
  expect_stop("pg.slot_two_phase");
}

TEST_F(StartPlanTest, APublicationMadeAgainStops) {
  facts.publication.oid = 51;
  expect_stop("pg.publication_changed");
}

TEST_F(StartPlanTest, ATableAddedToThePublicationAgainIsHaltedAndTheOthersGoOn) {
  facts.publication.members[0].oid = 99;
  EXPECT_EQ(expect_plan<StartResume>().unpublished, std::vector<std::string>{"public.users"});
  facts.publication.members.clear();
  EXPECT_EQ(expect_plan<StartResume>().unpublished, std::vector<std::string>{"public.users"});
}

TEST_F(StartPlanTest, ASchemaTakenOutOfThePublicationStops) {
  facts.stored->publication.members.push_back({"sales", 80, 81, true});
  expect_stop("pg.publication_changed");
}

TEST_F(StartPlanTest, ANewMemberIsNoReasonToStop) {
  facts.publication.members.push_back({"public.orders", 70, 71, 72, false});
  expect_plan<StartResume>();
}

TEST_F(StartPlanTest, ATopicMadeAgainStops) {
  facts.topics[0].topic_id = "id-2";
  expect_stop("kafka.topic_changed");
}

TEST_F(StartPlanTest, MorePartitionsStop) {
  facts.topics[0].partitions = 4;
  expect_stop("kafka.partitions_changed");
}

TEST_F(StartPlanTest, ARunningPipelineIsJudgedByTheSameChecksWithoutEndOffsets) {
  EXPECT_TRUE(check_publication(facts.publication, *facts.stored));
  EXPECT_TRUE(check_topics({{"cdc", "id-1", 2, {}}}, *facts.stored));
  EXPECT_TRUE(check_topics({}, *facts.stored)) << "who is not there is judged by others";
  facts.publication.oid = 51;
  EXPECT_EQ(check_publication(facts.publication, *facts.stored).error().id, "pg.publication_changed");
  EXPECT_EQ(check_topics({{"cdc", "id-2", 2, {}}}, *facts.stored).error().id, "kafka.topic_changed");
  EXPECT_EQ(check_topics({{"cdc", "id-1", 3, {}}}, *facts.stored).error().id, "kafka.partitions_changed");
}

TEST_F(StartPlanTest, ATopicThatLostRecordsStops) {
  facts.topics[0].end_offsets = {10, 19};
  expect_stop("kafka.topic_truncated");
}

TEST_F(StartPlanTest, ALossThatALifeSawIsNotForgottenWhenTheLogHasGrownAgain) {
  facts.stored->kafka_lost_records = true;
  expect_stop("kafka.topic_truncated");
}

TEST_F(StartPlanTest, ChangedRoutingIsAcceptedOnlyAfterACleanStop) {
  facts.fingerprint = "f2";
  expect_stop("config.routing_changed");
  facts.stored->settled = true;
  expect_plan<StartResume>();
}

TEST_F(StartPlanTest, ChangedRoutingIsAcceptedWithTheOperatorsFlag) {
  facts.fingerprint = "f2";
  facts.accept_routing_change = true;
  expect_plan<StartResume>();
}

TEST_F(StartPlanTest, ASnapshotThatWasCutBeginsAgainUnderANewEpoch) {
  facts.stored->snapshot = SnapshotPhase::Running;
  const auto plan = expect_plan<StartFresh>();
  EXPECT_EQ(plan.epoch, 4u);
  EXPECT_TRUE(plan.drop_own_slot);
}

TEST_F(StartPlanTest, ANewEpochIsAboveWhatKafkaKnows) {
  facts.stored->snapshot = SnapshotPhase::Intended;
  facts.announced_epoch = 9;
  EXPECT_EQ(expect_plan<StartFresh>().epoch, 10u);
  nothing_announced();
  facts.written_epoch = 12;
  EXPECT_EQ(expect_plan<StartFresh>().epoch, 13u);
}

TEST_F(StartPlanTest, ASlotMadeAfterARefusedBeginningIsNotOursToDropWhereWeMakeNone) {
  facts.stored->snapshot = SnapshotPhase::Intended;
  facts.makes_slots = false;
  expect_stop("pg.slot_without_snapshot");
  facts.snapshot = SnapshotMode::Never;
  EXPECT_EQ(expect_plan<StartAdopt>().epoch, 4u);
  facts.makes_slots = true;
  EXPECT_EQ(expect_plan<StartAdopt>().epoch, 4u)
      << "ours or not, without a snapshot nothing is lost by going on from it";
  facts.snapshot = SnapshotMode::Initial;
  EXPECT_TRUE(expect_plan<StartFresh>().drop_own_slot);
}

TEST_F(StartPlanTest, ASlotThatIsStillBeingMadeIsWaitedFor) {
  nothing_stored(), nothing_announced();
  facts.snapshot = SnapshotMode::Never;
  facts.slot->confirmed_flush_lsn = Lsn();
  const auto waiting = plan_start(facts);
  ASSERT_FALSE(waiting);
  EXPECT_EQ(waiting.error().id, "pg.slot_not_ready");
  EXPECT_EQ(waiting.error().recovery, sluice::base::Recovery::Retry);
}

TEST_F(StartPlanTest, TailsPastTheEndOfTheWalStop) {
  EXPECT_TRUE(check_tails(facts, Lsn(1'999)));
  const auto refused = check_tails(facts, Lsn(2'001));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "pg.server_behind");
}

TEST_F(StartPlanTest, TailsPastAForkStop) {
  facts.server.timeline = 2;
  facts.history = {{1, Lsn(1'450)}};
  EXPECT_TRUE(check_tails(facts, Lsn(1'450)));
  const auto refused = check_tails(facts, Lsn(1'460));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "pg.timeline_forked");
}
