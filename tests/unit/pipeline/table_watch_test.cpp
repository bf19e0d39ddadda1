#include "sluice/pipeline/table_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace sluice::change;
using namespace sluice::pipeline;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

constexpr std::uint32_t kInt4 = 23;
constexpr std::uint32_t kInt8 = 20;

TableSchema table(std::string name, std::uint32_t oid, std::uint32_t type_oid, std::vector<std::string> more = {}) {
  TableSchema made;
  made.oid = oid;
  made.schema = "public";
  made.name = std::move(name);
  made.columns.push_back({.name = "a", .type_oid = type_oid});
  for (auto& column : more) made.columns.push_back({.name = std::move(column), .type_oid = kInt4});
  return made;
}

std::vector<std::string> halted(const TableStates& tables) {
  std::vector<std::string> names;
  for (const auto& [name, state] : tables) {
    if (state.halt) names.push_back(name + ": " + state.halt->reason);
  }
  return names;
}

class TableWatchTest : public testing::Test {
 protected:
  bool follow(const TableSchema& schema, std::uint64_t at = 10) { return watch.follow(schema, Lsn(at)); }
  std::vector<SchemaChangeKind> kinds() {
    std::vector<SchemaChangeKind> found;
    for (const auto& each : watch.take_changes()) found.push_back(each.kind);
    return found;
  }

  TableWatch watch{{}, OnRewrite::Halt};
};

}  // namespace

TEST_F(TableWatchTest, ATableThatIsSeenFirstGoesOn) {
  EXPECT_FALSE(follow(table("t", 1, kInt4)));
  EXPECT_FALSE(follow(table("t", 1, kInt4)));
  EXPECT_FALSE(follow(table("u", 2, kInt4)));
  EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(TableWatchTest, HarmlessChangesAreToldAndHaltNothing) {
  follow(table("t", 1, kInt4));
  EXPECT_FALSE(follow(table("t", 1, kInt4, {"b"})));
  EXPECT_FALSE(follow(table("t", 1, kInt4, {"c"})));
  EXPECT_THAT(kinds(), ElementsAre(SchemaChangeKind::ColumnsAdded, SchemaChangeKind::ColumnsAdded,
                                   SchemaChangeKind::ColumnsDropped));
}

TEST_F(TableWatchTest, ARetypedTableIsHaltedSinceThatTransactionAndStaysSo) {
  follow(table("t", 1, kInt4));
  EXPECT_TRUE(follow(table("t", 1, kInt8), 0x30));
  EXPECT_EQ(watch.current().at("public.t").halt, (TableHalt{"another type of column a", Lsn(0x30)}));
  EXPECT_TRUE(follow(table("t", 1, kInt4), 0x40)) << "back again, and rewritten once more";
  EXPECT_EQ(watch.current().at("public.t").halt->since, Lsn(0x30));
  EXPECT_FALSE(follow(table("u", 2, kInt4)));
  EXPECT_THAT(kinds(), ElementsAre(SchemaChangeKind::ColumnsRetyped));
}

TEST_F(TableWatchTest, ATableWithAnotherKeyIsHalted) {
  TableSchema by_a = table("t", 1, kInt4, {"b"});
  by_a.key_columns = {0};
  TableSchema by_b = by_a;
  by_b.key_columns = {1};
  follow(by_a);
  EXPECT_TRUE(follow(by_b, 0x30));
  EXPECT_THAT(halted(watch.current()), ElementsAre("public.t: another key: column b"));
}

TEST_F(TableWatchTest, WhereOneIsToContinueItIsToldAndGoesOn) {
  TableWatch going({}, OnRewrite::Continue);
  going.follow(table("t", 1, kInt4), Lsn(1));
  EXPECT_FALSE(going.follow(table("t", 1, kInt8), Lsn(2)));
  EXPECT_FALSE(going.follow(table("t", 2, kInt8), Lsn(3)));
  EXPECT_EQ(going.take_changes().size(), 2u);
}

TEST_F(TableWatchTest, ATableMadeAgainIsHalted) {
  follow(table("t", 1, kInt4));
  EXPECT_TRUE(follow(table("t", 9, kInt4)));
  EXPECT_THAT(halted(watch.current()), ElementsAre("public.t: dropped and made again"));
}

TEST_F(TableWatchTest, ARenamedTableIsHaltedUnderItsNewNameAndTheOldNameBelongsToNobody) {
  follow(table("t", 1, kInt4));
  EXPECT_TRUE(follow(table("u", 1, kInt4)));
  EXPECT_THAT(halted(watch.current()), ElementsAre("public.u: renamed from public.t"));
  EXPECT_TRUE(follow(table("t", 2, kInt4))) << "its predecessor's rows are still downstream";
  EXPECT_TRUE(follow(table("u", 1, kInt4)));
}

TEST_F(TableWatchTest, ATableThatComesBackToItsNameHasBeenElsewhereMeanwhile) {
  follow(table("t", 1, kInt4));
  follow(table("u", 1, kInt4));
  EXPECT_TRUE(follow(table("t", 1, kInt4)));
  EXPECT_THAT(halted(watch.current()),
              ElementsAre("public.t: renamed from public.u", "public.u: renamed from public.t"));
}

TEST_F(TableWatchTest, WhatIsKnownBelongsToAPosition) {
  follow(table("t", 1, kInt4));
  watch.end_transaction({20});
  watch.end_transaction({30});  // nothing new
  follow(table("t", 1, kInt8), 40);
  EXPECT_THAT(halted(watch.as_of({39})), IsEmpty());
  watch.end_transaction({48});
  follow(table("u", 2, kInt4));
  EXPECT_EQ(watch.as_of({47}).size(), 1u);
  EXPECT_THAT(halted(watch.as_of({47})), IsEmpty());
  EXPECT_THAT(halted(watch.as_of({48})), ElementsAre("public.t: another type of column a"));
  EXPECT_EQ(watch.as_of({99}).size(), 1u) << "the transaction that told of u is still open";
}

TEST_F(TableWatchTest, AStreamThatBeginsBeforeTheChangeIsComparedWithWhatWasKnownThere) {
  follow(table("t", 1, kInt4));
  watch.end_transaction({20});
  follow(table("t", 1, kInt8, {"b"}), 40);
  watch.end_transaction({48});
  TableWatch again(watch.as_of({30}), OnRewrite::Halt);
  EXPECT_FALSE(again.follow(table("t", 1, kInt4), Lsn(36))) << "the old version comes first, and is no change";
  EXPECT_TRUE(again.follow(table("t", 1, kInt8, {"b"}), Lsn(40)));
  EXPECT_EQ(again.current(), watch.current());
}

TEST_F(TableWatchTest, ATransactionThatIsCutComesAgainFromItsBeginning) {
  follow(table("t", 1, kInt4));
  watch.end_transaction({20});
  EXPECT_TRUE(follow(table("t", 1, kInt8), 40));
  watch.rewind();
  EXPECT_FALSE(follow(table("t", 1, kInt4), 40));
  EXPECT_TRUE(follow(table("t", 1, kInt8), 40));
}

TEST_F(TableWatchTest, AHaltFromBesideTheStreamHoldsAtAnyPosition) {
  follow(table("t", 1, kInt4));
  watch.end_transaction({20});
  follow(table("u", 2, kInt4));
  watch.halt("public.t", {"lost", Lsn(12)});
  watch.halt("public.never_seen", {"lost", Lsn(12)});
  watch.rewind();
  EXPECT_THAT(halted(watch.current()), ElementsAre("public.never_seen: lost", "public.t: lost"));
  EXPECT_THAT(halted(watch.as_of({5})), ElementsAre("public.never_seen: lost", "public.t: lost"));
  EXPECT_TRUE(follow(table("never_seen", 3, kInt4)));
  EXPECT_TRUE(follow(table("t", 7, kInt4)));
  EXPECT_EQ(watch.current().at("public.t").halt->reason, "lost") << "the first reason stays";
}

TEST_F(TableWatchTest, WhatIsToldOfAHaltSaysWhichWhySinceWhenAndHowItGoesOn) {
  const auto told = table_halted("public.t", {"another type of column a", Lsn(0x30)});
  EXPECT_EQ(told.id, "pg.table_halted");
  for (const char* part : {"public.t", "0/30", "another type of column a", "slot reset --new-epoch",
                           "replicator tables --resume public.t --accept-gap"}) {
    EXPECT_NE(told.message.find(part), std::string::npos) << part;
  }
}
