#include "sluice/pgoutput/assembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_catalog.h"
#include "item_text.h"
#include "message_writer.h"

using namespace sluice;
using namespace sluice::pgoutput;
using namespace sluice::testing;
using namespace sluice::testing::wire;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

constexpr std::uint32_t kUsers = 16385;
constexpr std::uint32_t kOrders = 16390;

class AssemblerTest : public ::testing::Test {
 protected:
  /// What the messages yield, one text an item; an error ends it with its id.
  std::vector<std::string> feed(const std::vector<std::string>& messages) {
    std::vector<std::string> texts;
    for (const std::string& bytes : messages) {
      auto item = assembler.apply(bytes, change::Lsn(record_lsn));
      if (!item) {
        texts.push_back(std::string(item.error().id));
        error = item.error();
        return texts;
      }
      for (std::optional<change::SourceItem> next = *item; next; next = assembler.next_pending()) keep(*next, texts);
    }
    return texts;
  }

  void keep(const change::SourceItem& item, std::vector<std::string>& texts) {
    texts.push_back(item_text(item));
    if (const auto* event = std::get_if<const change::ChangeEvent*>(&item)) {
      ids.push_back((*event)->id);
      last_table = (*event)->table;
    }
    if (const auto* end = std::get_if<change::TransactionEnd>(&item)) last_end = *end;
  }

  static std::string users(char identity = 'd') {
    return relation(kUsers, "public", "users", identity, {key_column("id"), {"name"}});
  }
  static std::string orders() { return relation(kOrders, "public", "orders", 'd', {key_column("id")}); }
  static std::string user(std::string_view id, std::string_view name = "Ada") {
    return insert(kUsers, {text(id), text(name)});
  }

  std::uint64_t record_lsn = 0x90;
  FakeCatalog catalog;
  Assembler assembler{7, catalog};
  std::vector<change::EventId> ids;
  change::TableSchemaPtr last_table;
  change::TransactionEnd last_end;
  base::Error error{};
};

}  // namespace

TEST_F(AssemblerTest, ATransactionIsItsEventsAndItsEnd) {
  EXPECT_THAT(feed({begin(0x100), users(), user("1"), update(kUsers, {text("1"), text("Bob")}),
                    remove(kUsers, key({text("1"), null()})), commit(0x100, 0x130)}),
              ElementsAre("c 1 public.users: -> id=\"1\" name=\"Ada\"", "u 2 public.users: -> id=\"1\" name=\"Bob\"",
                          "d 3 public.users: key id=\"1\" name=null", "end"));
  EXPECT_EQ(last_end.end, change::Position{0x130}) << "the position to go on at is behind the commit record";
  EXPECT_EQ(last_end.commit_lsn, change::Lsn(0x100));
  EXPECT_EQ(last_end.xid, 771u);
  EXPECT_EQ(last_end.commit_time_us, 946'684'800'000'000 + kCommitTime);
}

TEST_F(AssemblerTest, AnEventCarriesItsTransactionAndItsRecord) {
  feed({begin(0x100, 99), users()});
  const std::string bytes = user("1");
  const auto item = assembler.apply(bytes, change::Lsn(0xF0));
  const auto* event = std::get<const change::ChangeEvent*>(**item);
  EXPECT_EQ(event->id, (change::EventId{7, change::Lsn(0x100), 1, 0}));
  EXPECT_EQ(event->xid, 99u);
  EXPECT_EQ(event->commit_time_us, 946'684'800'000'000 + kCommitTime);
  EXPECT_EQ(event->record_lsn, change::Lsn(0xF0));
}

TEST_F(AssemblerTest, AnEmptyTransactionHasAnEndToo) {
  EXPECT_THAT(feed({begin(0x100), commit(0x100, 0x130)}), ElementsAre("end"));
}

TEST_F(AssemblerTest, NumbersBeginAgainInEveryTransaction) {
  EXPECT_THAT(feed({begin(0x100), users(), user("1"), user("2"), commit(0x100, 0x130), begin(0x140), user("3"),
                    commit(0x140, 0x170)}),
              ElementsAre(HasSubstr("c 1 "), HasSubstr("c 2 "), "end", HasSubstr("c 1 "), "end"));
  EXPECT_EQ(ids.back().commit_lsn, change::Lsn(0x140));
}

TEST_F(AssemblerTest, RelationsTypesAndOriginsCountNothing) {
  EXPECT_THAT(feed({begin(0x100), origin(1, "elsewhere"), users(), user("1"), type(16400, "shop", "mood"), orders(),
                    users(), user("2"), commit(0x100, 0x130)}),
              ElementsAre(HasSubstr("c 1 "), HasSubstr("c 2 "), "end"));
}

TEST_F(AssemblerTest, ATruncateCountsOnePerTable) {
  EXPECT_THAT(feed({begin(0x100), users(), orders(), user("1"), truncate({kUsers, kOrders}, 3), user("2"),
                    commit(0x100, 0x130)}),
              ElementsAre(HasSubstr("c 1 "), "t 2 public.users: cascade restart identity",
                          "t 3 public.orders: cascade restart identity", HasSubstr("c 4 "), "end"));
}

TEST_F(AssemblerTest, ItemsOfATruncateOutliveTheMessage) {
  feed({begin(0x100), users(), orders()});
  {
    const std::string bytes = truncate({kUsers, kOrders});
    ASSERT_TRUE(assembler.apply(bytes, change::Lsn(0x90)));
  }
  EXPECT_TRUE(assembler.in_transaction());
  EXPECT_EQ(item_text(*assembler.next_pending()), "t 2 public.orders:");
  EXPECT_FALSE(assembler.next_pending());
}

TEST_F(AssemblerTest, ATruncateLeavesNothingInTheNextEvent) {
  feed({begin(0x100), users(), truncate({kUsers}, 3)});
  const std::string bytes = user("1");
  const auto item = assembler.apply(bytes, change::Lsn(0x90));
  const auto* event = std::get<const change::ChangeEvent*>(**item);
  EXPECT_FALSE(event->truncate.cascade);
  EXPECT_FALSE(event->truncate.restart_identity);
}

// Logical messages.

TEST_F(AssemblerTest, MessagesStandBehindTheRowBeforeThem) {
  EXPECT_THAT(feed({begin(0x100), message(0x80, "p", "a"), message(0x88, "p", "b"), users(), user("1"),
                    message(0x90, "p", "c"), user("2"), message(0x98, "p", "d"), commit(0x100, 0x130)}),
              ElementsAre("m 0/message 1: \"p\" \"a\"", "m 0/message 2: \"p\" \"b\"", HasSubstr("c 1 "),
                          "m 1/message 1: \"p\" \"c\"", HasSubstr("c 2 "), "m 2/message 1: \"p\" \"d\"", "end"));
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
}

TEST_F(AssemblerTest, AMessageHasNoTableAndNoRows) {
  feed({begin(0x100), users(), update(kUsers, key({text("1"), null()}), {text("2"), null()})});
  const std::string bytes = message(0x90, "p", "c");
  const auto item = assembler.apply(bytes, change::Lsn(0x90));
  const auto* event = std::get<const change::ChangeEvent*>(**item);
  EXPECT_EQ(event->table, nullptr);
  EXPECT_TRUE(event->before.empty());
  EXPECT_TRUE(event->after.empty());
  EXPECT_FALSE(event->before_is_key_only);
  const std::string row = user("2");
  const auto after_it = assembler.apply(row, change::Lsn(0x90));
  EXPECT_EQ(std::get<const change::ChangeEvent*>(**after_it)->message.prefix, "")
      << "no view of the message before is left";
}

TEST_F(AssemblerTest, AMessageOfNoTransactionStandsAloneAndIsFollowedByAnEnd) {
  EXPECT_THAT(feed({message(0x100, "p", "alone", 0)}), ElementsAre("m 0/message 0 alone: \"p\" \"alone\"", "end"));
  EXPECT_EQ(ids.back(), (change::EventId{7, change::Lsn(0x100), 0, 0x8000}));
  EXPECT_EQ(last_end.end, change::Position{0x100});
  EXPECT_EQ(last_end.xid, 0u);
}

TEST_F(AssemblerTest, AMessageThatEndsWhereACommitBeginsKeepsItsOwnId) {
  feed({message(0x100, "p", "alone", 0), begin(0x100), message(0xF0, "p", "inside"), commit(0x100, 0x130)});
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_LT(ids[0], ids[1]);
}

TEST_F(AssemblerTest, AMessageInTheWrongPlaceIsAViolation) {
  EXPECT_THAT(feed({message(0x100, "p", "c", 1)}), ElementsAre("pgoutput.protocol_violation"));
  Assembler other(7, catalog);
  ASSERT_TRUE(other.apply(begin(0x100), {}));
  EXPECT_FALSE(other.apply(message(0x90, "p", "c", 0), {}));
}

TEST_F(AssemblerTest, MoreMessagesBehindARowThanIdsCanNumberAreRefused) {
  ASSERT_TRUE(assembler.apply(begin(0x100), {}));
  const std::string bytes = message(0x90, "p", "c");
  for (int count = 1; count <= 0x7FFF; ++count) ASSERT_TRUE(assembler.apply(bytes, change::Lsn(0x90))) << count;
  const auto refused = assembler.apply(bytes, change::Lsn(0x90));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "pgoutput.transaction_too_large");
  EXPECT_EQ(refused.error().recovery, base::Recovery::Stop);
}

// Values that the message leaves to its old tuple.

TEST_F(AssemblerTest, AnUnchangedValueIsTakenFromAFullOldTuple) {
  EXPECT_THAT(
      feed({begin(0x100), users('f'), update(kUsers, old({text("1"), text("long")}), {text("2"), unchanged()})}),
      ElementsAre("u 1 public.users: old id=\"1\" name=\"long\" -> id=\"2\" name=\"long\""));
}

TEST_F(AssemblerTest, AnUnchangedKeyIsTakenFromTheOldKey) {
  EXPECT_THAT(feed({begin(0x100), users(), update(kUsers, key({text("1"), null()}), {unchanged(), text("Bob")})}),
              ElementsAre("u 1 public.users: key id=\"1\" name=null -> id=\"1\" name=\"Bob\""));
}

TEST_F(AssemblerTest, TheNullsOfAnOldKeyAreNoValues) {
  EXPECT_THAT(feed({begin(0x100), users(), update(kUsers, key({text("1"), null()}), {text("2"), unchanged()})}),
              ElementsAre("u 1 public.users: key id=\"1\" name=null -> id=\"2\" name=unchanged"));
}

TEST_F(AssemblerTest, WithoutAnOldTupleAnUnchangedValueStaysUnchanged) {
  EXPECT_THAT(feed({begin(0x100), users(), update(kUsers, {text("1"), unchanged()})}),
              ElementsAre("u 1 public.users: -> id=\"1\" name=unchanged"));
}

// Keys and what the catalog adds.

TEST_F(AssemblerTest, TheKeyIsTheReplicaIdentity) {
  feed({begin(0x100), users('i'), user("1")});
  EXPECT_THAT(last_table->key_columns, ElementsAre(0u));
  EXPECT_EQ(last_table->columns[0].nullable, std::nullopt) << "a table that the catalog does not know any more";
}

TEST_F(AssemblerTest, WithFullIdentityTheKeyIsThePrimaryKeyOfTheCatalog) {
  catalog.tables[kUsers] = {{"name"}, {{"id", true}, {"name", false}}};
  feed({begin(0x100), relation(kUsers, "public", "users", 'f', {{"id", 23, true}, {"name", 25, true}}), user("1")});
  EXPECT_THAT(last_table->key_columns, ElementsAre(1u));
  EXPECT_EQ(last_table->columns[0].nullable, true);
  EXPECT_EQ(last_table->columns[1].nullable, false);
  EXPECT_TRUE(last_table->columns[1].primary_key);
}

TEST_F(AssemblerTest, APrimaryKeyOfWhichAColumnIsNotPublishedIsNoKey) {
  catalog.tables[kUsers] = {{"id", "tenant"}, {}};
  feed({begin(0x100), users('f'), user("1")});
  EXPECT_THAT(last_table->key_columns, IsEmpty()) << "a part of the key would name other rows too";
}

TEST_F(AssemblerTest, TypesThatAreNotBuiltInAreDescribedByTheCatalog) {
  catalog.add_type(16400, "shop", "mood", change::TypeKind::Enum);
  feed({begin(0x100), type(16400, "shop", "other"),
        relation(kUsers, "public", "users", 'd', {{"mood", 16400}, {"age", 23}}), user("1")});
  ASSERT_NE(last_table->columns[0].type, nullptr);
  EXPECT_EQ(last_table->columns[0].type->kind, change::TypeKind::Enum);
  EXPECT_EQ(last_table->columns[1].type, nullptr);
}

TEST_F(AssemblerTest, ATypeThatIsGoneKeepsTheNameOfItsMessage) {
  feed({begin(0x100), type(16400, "shop", "mood"),
        relation(kUsers, "public", "users", 'd', {{"mood", 16400}, {"age", 23}}), user("1")});
  ASSERT_NE(last_table->columns[0].type, nullptr);
  EXPECT_EQ(last_table->columns[0].type->name, "mood");
  EXPECT_EQ(last_table->columns[0].type->oid, 16400u);
}

TEST_F(AssemblerTest, ATypeThatNobodyDescribesIsAViolation) {
  EXPECT_THAT(feed({begin(0x100), relation(kUsers, "public", "users", 'd', {{"mood", 16400}})}),
              ElementsAre("pgoutput.protocol_violation"));
}

TEST_F(AssemblerTest, AnErrorOfTheCatalogIsHandedOnAsItIs) {
  catalog.unreachable = true;
  EXPECT_THAT(feed({begin(0x100), users()}), ElementsAre("pg.connection_lost"));
  EXPECT_EQ(error.recovery, base::Recovery::Retry);
}

// Schema changes.

TEST_F(AssemblerTest, ARelationThatIsSentAgainKeepsTheSchema) {
  feed({begin(0x100), users(), user("1")});
  const change::TableSchemaPtr first = last_table;
  feed({orders(), users(), user("2")});
  EXPECT_EQ(last_table, first);
  EXPECT_EQ(catalog.table_lookups, 3) << "the primary key may have changed without a change of the message";
}

TEST_F(AssemblerTest, WhatOnlyTheCatalogSaysAnewMakesANewVersionWithoutAChange) {
  feed({begin(0x100), users('f'), user("1")});
  const change::TableSchemaPtr first = last_table;
  catalog.tables[kUsers] = {{"id"}, {}};
  feed({users('f'), user("2")});
  EXPECT_NE(last_table, first);
  EXPECT_THAT(last_table->key_columns, ElementsAre(0u));
}

TEST_F(AssemblerTest, ANewNullabilityOrTypeDescriptionMakesANewVersionToo) {
  const std::string relation_message = relation(kUsers, "public", "users", 'd', {key_column("id"), {"mood", 16400}});
  catalog.add_type(16400, "shop", "mood", change::TypeKind::Enum);
  feed({begin(0x100), relation_message, user("1")});
  const change::TableSchemaPtr first = last_table;
  catalog.tables[kUsers] = {{}, {{"id", false}}};
  feed({relation_message, user("2")});
  const change::TableSchemaPtr second = last_table;
  EXPECT_NE(second, first);
  catalog.add_type(16400, "shop", "feeling", change::TypeKind::Enum);
  feed({relation_message, user("3")});
  EXPECT_NE(last_table, second);
}

TEST_F(AssemblerTest, RowsBehindANewRelationHaveItsColumns) {
  EXPECT_THAT(feed({begin(0x100), users(), user("1"),
                    relation(kUsers, "public", "users", 'd', {key_column("id"), {"name"}, {"age", 23}}),
                    insert(kUsers, {text("2"), text("Bob"), text("30")})}),
              ElementsAre("c 1 public.users: -> id=\"1\" name=\"Ada\"",
                          "c 2 public.users: -> id=\"2\" name=\"Bob\" age=\"30\""));
}

// Keepalives.

TEST_F(AssemblerTest, AKeepaliveIsAPositionOutsideOfATransactionOnly) {
  EXPECT_EQ(assembler.keepalive(change::Lsn(0x80))->position, change::Position{0x80});
  feed({begin(0x100)});
  EXPECT_FALSE(assembler.keepalive(change::Lsn(0x200)));
  feed({commit(0x100, 0x130)});
  EXPECT_TRUE(assembler.keepalive(change::Lsn(0x200)));
}

TEST_F(AssemblerTest, AKeepaliveThatIsNotAheadIsNoPosition) {
  feed({begin(0x100), commit(0x100, 0x130)});
  EXPECT_FALSE(assembler.keepalive(change::Lsn(0x130)));
  EXPECT_FALSE(assembler.keepalive(change::Lsn(0x80)));
  EXPECT_TRUE(assembler.keepalive(change::Lsn(0x131)));
  EXPECT_FALSE(assembler.keepalive(change::Lsn(0x131)));
}

TEST_F(AssemblerTest, NoKeepalivePassesAnItemThatIsStillPending) {
  const std::string bytes = message(0x100, "p", "alone", 0);
  ASSERT_TRUE(assembler.apply(bytes, change::Lsn(0x100)));
  EXPECT_FALSE(assembler.keepalive(change::Lsn(0x200)));
  EXPECT_TRUE(assembler.next_pending());
  EXPECT_TRUE(assembler.keepalive(change::Lsn(0x200)));
}

// What a server never does.

TEST_F(AssemblerTest, WhatCannotStandWhereItDoesIsAViolation) {
  const std::vector<std::vector<std::string>> impossible = {
      {commit(0x100, 0x130)},                                                       // without BEGIN
      {begin(0x100), begin(0x140)},                                                 // inside a transaction
      {begin(0x100), commit(0x108, 0x130)},                                         // another commit LSN
      {begin(0x100), commit(0x100, 0x100)},                                         // ends where it begins
      {begin(0)},                                                                   // nowhere
      {begin(0x100), commit(0x100, 0x130), begin(0x100)},                           // a second time
      {begin(0x100), commit(0x100, 0x130), begin(0x128)},                           // overlaps the one before
      {message(0x100, "p", "c", 0), message(0x100, "p", "c", 0)},                   // a second time
      {begin(0x100), user("1")},                                                    // no relation
      {begin(0x100), users(), truncate({kUsers, kOrders})},                         // no relation
      {users(), user("1")},                                                         // outside of a transaction
      {users(), truncate({kUsers})},                                                // outside of a transaction
      {origin(1, "elsewhere")},                                                     // outside of a transaction
      {begin(0x100), users(), insert(kUsers, {text("1")})},                         // too few columns
      {begin(0x100), users(), insert(kUsers, {null(), null(), null()})},            // too many columns
      {begin(0x100), users(), remove(kUsers, key({text("1")}))},                    // too few columns
      {begin(0x100), users(), update(kUsers, old({text("1")}), {null(), null()})},  // too few old columns
  };
  for (std::size_t which = 0; which < impossible.size(); ++which) {
    Assembler fresh(7, catalog);
    base::Result<void> outcome;
    for (const std::string& bytes : impossible[which]) {
      auto item = fresh.apply(bytes, change::Lsn(0x90));
      if (!item) outcome = tl::make_unexpected(item.error());
      while (item && fresh.next_pending()) continue;
    }
    ASSERT_FALSE(outcome) << which;
    EXPECT_EQ(outcome.error().id, "pgoutput.protocol_violation") << which;
    EXPECT_EQ(outcome.error().recovery, base::Recovery::Stop);
  }
}

TEST_F(AssemblerTest, ATransactionBehindAPositionThatWasGivenIsAViolation) {
  ASSERT_TRUE(assembler.keepalive(change::Lsn(0x200)));
  EXPECT_THAT(feed({begin(0x100)}), ElementsAre("pgoutput.protocol_violation")) << "it would be lost after a restart";
}

TEST_F(AssemblerTest, MessagesThatEndEarlyAreErrorsAtEveryByte) {
  const std::vector<std::string> stream = {
      begin(0x100), users(), user("1"), truncate({kUsers}), message(0x90, "p", "c"), commit(0x100, 0x130)};
  for (std::size_t last = 0; last < stream.size(); ++last) {
    for (std::size_t size = 0; size < stream[last].size(); ++size) {
      Assembler fresh(7, catalog);
      for (std::size_t whole = 0; whole < last; ++whole) {
        ASSERT_TRUE(fresh.apply(stream[whole], change::Lsn(0x90)));
        while (fresh.next_pending()) continue;
      }
      EXPECT_FALSE(fresh.apply(std::string(stream[last], 0, size), change::Lsn(0x90)));
    }
  }
}
