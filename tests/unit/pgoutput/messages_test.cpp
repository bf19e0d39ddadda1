#include "sluice/pgoutput/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "message_writer.h"

using namespace sluice;
using namespace sluice::pgoutput;
using namespace sluice::testing;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

/// Parses with the parser that belongs to the kind. True: no error.
base::Result<void> parse_any(std::string_view message) {
  static change::Row before;
  static change::Row after;
  const auto done = [](const auto& result) -> base::Result<void> {
    if (!result) return tl::make_unexpected(result.error());
    return {};
  };
  SLUICE_ASSIGN(const MessageKind kind, kind_of(message));
  switch (kind) {
    case MessageKind::Begin: return done(parse_begin(message));
    case MessageKind::Commit: return done(parse_commit(message));
    case MessageKind::Origin: return done(parse_origin(message));
    case MessageKind::Relation: return done(parse_relation(message));
    case MessageKind::Type: return done(parse_type(message));
    case MessageKind::Truncate: return done(parse_truncate(message));
    case MessageKind::Message: return done(parse_logical_message(message));
    default: return done(parse_row_change(message, before, after));
  }
}

std::vector<std::string> one_of_each() {
  using namespace wire;
  return {begin(0x1693E28),
          commit(0x1693E28, 0x1693E58),
          origin(0x12345678, "elsewhere"),
          relation(16385, "public", "users", 'd', {key_column("id"), {"name", 1043, false, 14}}),
          type(16400, "shop", "mood"),
          insert(16385, {text("1"), null(), unchanged(), binary("\x01\x02")}),
          update(16385, {text("1"), text("Ada")}),
          update(16385, key({text("1"), null()}), {text("2"), text("Ada")}),
          update(16385, old({text("1"), text("Bob")}), {text("1"), text("Ada")}),
          remove(16385, key({text("1"), null()})),
          remove(16385, old({text("1"), text("Ada")})),
          truncate({16385, 16390}, 3),
          message(0x1693F00, "prefix", "content")};
}

}  // namespace

TEST(Messages, ABeginTellsTheCommitPositionTheTimeAndTheTransaction) {
  const auto begin = parse_begin(wire::begin(0x1693E28, 771, 1));
  ASSERT_TRUE(begin);
  EXPECT_EQ(begin->final_lsn, change::Lsn(0x1693E28));
  EXPECT_EQ(begin->xid, 771u);
  EXPECT_EQ(begin->commit_time_us, 946'684'800'000'001) << "PostgreSQL counts from 2000-01-01";
}

TEST(Messages, ACommitTellsWhereItsRecordBeginsAndEnds) {
  const auto commit = parse_commit(wire::commit(0x1693E28, 0x1693E58, -1));
  ASSERT_TRUE(commit);
  EXPECT_EQ(commit->commit_lsn, change::Lsn(0x1693E28));
  EXPECT_EQ(commit->end_lsn, change::Lsn(0x1693E58));
  EXPECT_EQ(commit->commit_time_us, 946'684'799'999'999);
}

TEST(Messages, ATimeThatDoesNotFitIsMalformed) {
  const auto begin = parse_begin(wire::begin(8, 1, std::numeric_limits<std::int64_t>::max()));
  ASSERT_FALSE(begin);
  EXPECT_EQ(begin.error().id, "pgoutput.malformed");
}

TEST(Messages, AnOriginNamesTheServerOfOrigin) {
  const std::string bytes = wire::origin(0x100, "elsewhere");
  const auto origin = parse_origin(bytes);
  ASSERT_TRUE(origin);
  EXPECT_EQ(origin->commit_lsn, change::Lsn(0x100));
  EXPECT_EQ(origin->name, "elsewhere");
}

TEST(Messages, ARelationTellsItsColumnsAndItsIdentity) {
  const std::string bytes =
      wire::relation(16385, "public", "users", 'i', {wire::key_column("id", 20), {"name", 1043, false, 14}});
  const auto relation = parse_relation(bytes);
  ASSERT_TRUE(relation);
  EXPECT_EQ(relation->oid, 16385u);
  EXPECT_EQ(relation->schema, "public");
  EXPECT_EQ(relation->name, "users");
  EXPECT_EQ(relation->identity, change::ReplicaIdentity::Index);
  ASSERT_EQ(relation->columns.size(), 2u);
  EXPECT_TRUE(relation->columns[0].identity);
  EXPECT_EQ(relation->columns[0].type_oid, 20u);
  EXPECT_EQ(relation->columns[0].type_modifier, -1);
  EXPECT_FALSE(relation->columns[1].identity);
  EXPECT_EQ(relation->columns[1].name, "name");
  EXPECT_EQ(relation->columns[1].type_modifier, 14);
}

TEST(Messages, AnEmptySchemaNameStandsForPgCatalog) {
  const std::string relation = wire::relation(1, "", "pg_x", 'n', {});
  EXPECT_EQ(parse_relation(relation)->schema, "pg_catalog");
  const std::string type = wire::type(13226, "", "name");
  EXPECT_EQ(parse_type(type)->schema, "pg_catalog");
}

TEST(Messages, AnUnknownReplicaIdentityIsMalformed) {
  EXPECT_FALSE(parse_relation(wire::relation(1, "public", "users", 'x', {wire::key_column("id")})));
}

TEST(Messages, ARowHasNullUnchangedTextAndBinaryCells) {
  change::Row before;
  change::Row after;
  const std::string bytes =
      wire::insert(16385, {wire::text("1"), wire::null(), wire::unchanged(), wire::binary("\x01"), wire::text("")});
  const auto row = parse_row_change(bytes, before, after);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->relation_oid, 16385u);
  EXPECT_EQ(row->old_tuple, OldTuple::None);
  EXPECT_TRUE(before.empty());
  ASSERT_EQ(after.size(), 5u);
  EXPECT_EQ(after[0].kind, change::CellKind::Text);
  EXPECT_EQ(after[0].bytes, "1");
  EXPECT_EQ(after[1].kind, change::CellKind::Null);
  EXPECT_EQ(after[2].kind, change::CellKind::Unchanged);
  EXPECT_EQ(after[3].kind, change::CellKind::Binary);
  EXPECT_EQ(after[3].bytes, "\x01");
  EXPECT_EQ(after[4].kind, change::CellKind::Text) << "an empty string is not null";
}

TEST(Messages, CellsAreViewsIntoTheMessage) {
  change::Row before;
  change::Row after;
  const std::string bytes = wire::insert(16385, {wire::text("Ada")});
  ASSERT_TRUE(parse_row_change(bytes, before, after));
  EXPECT_GE(after[0].bytes.data(), bytes.data());
  EXPECT_LE(after[0].bytes.data() + after[0].bytes.size(), bytes.data() + bytes.size());
}

TEST(Messages, AnUpdateWithAnOldTupleFillsBothRows) {
  change::Row before;
  change::Row after;
  const std::string bytes = wire::update(1, wire::old({wire::text("a")}), {wire::text("b")});
  const auto row = parse_row_change(bytes, before, after);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->old_tuple, OldTuple::Full);
  EXPECT_EQ(before[0].bytes, "a");
  EXPECT_EQ(after[0].bytes, "b");
}

TEST(Messages, ADeleteLeavesNothingOfTheRowBefore) {
  change::Row before;
  change::Row after;
  ASSERT_TRUE(parse_row_change(wire::insert(1, {wire::text("a")}), before, after));
  const std::string bytes = wire::remove(1, wire::key({wire::text("b")}));
  const auto row = parse_row_change(bytes, before, after);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->old_tuple, OldTuple::Key);
  EXPECT_EQ(before[0].bytes, "b");
  EXPECT_TRUE(after.empty());
}

TEST(Messages, TuplesThatAMessageCannotHaveAreMalformed) {
  using namespace wire;
  change::Row before;
  change::Row after;
  const auto with_kind = [](char kind, std::string bytes) {
    bytes.front() = kind;
    return bytes;
  };
  EXPECT_FALSE(parse_row_change(with_kind('D', insert(1, {text("a")})), before, after))
      << "a delete has an old tuple only";
  EXPECT_FALSE(parse_row_change(with_kind('I', remove(1, key({text("a")}))), before, after))
      << "an insert has a new tuple only";
  EXPECT_FALSE(parse_row_change(with_kind('U', remove(1, key({text("a")}))), before, after))
      << "an update has a new tuple";
  EXPECT_FALSE(parse_row_change(insert(1, {"x"}), before, after)) << "an unknown kind of cell";
}

TEST(Messages, ATruncateNamesItsTablesAndOptions) {
  const auto truncate = parse_truncate(wire::truncate({16385, 16390}, 2));
  ASSERT_TRUE(truncate);
  EXPECT_THAT(truncate->relation_oids, ::testing::ElementsAre(16385u, 16390u));
  EXPECT_FALSE(truncate->cascade);
  EXPECT_TRUE(truncate->restart_identity);
  EXPECT_TRUE(parse_truncate(wire::truncate({1}, 1))->cascade);
}

TEST(Messages, ATruncateOfMoreTablesThanItsBytesHoldReservesNothing) {
  const std::string bytes = wire::Bytes().character('T').u32(0xFFFF'FFFF).u8(0).u32(16385).str();
  EXPECT_EQ(parse_truncate(bytes).error().id, "pgoutput.malformed");
  EXPECT_FALSE(parse_truncate(wire::truncate({}))) << "a truncate of nothing is never sent";
}

TEST(Messages, ALogicalMessageHasPrefixAndContent) {
  const std::string bytes = wire::message(0x100, "outbox", std::string_view("a\0b", 3), 0);
  const auto logical = parse_logical_message(bytes);
  ASSERT_TRUE(logical);
  EXPECT_FALSE(logical->transactional);
  EXPECT_EQ(logical->lsn, change::Lsn(0x100));
  EXPECT_EQ(logical->prefix, "outbox");
  EXPECT_EQ(logical->content, std::string_view("a\0b", 3));
}

TEST(Messages, EveryTrueBeginningOfAMessageIsAnError) {
  for (const std::string& message : one_of_each()) {
    ASSERT_TRUE(parse_any(message)) << message.front();
    for (std::size_t size = 0; size < message.size(); ++size) {
      const std::string beginning = message.substr(0, size);  // a copy, so that a sanitizer sees reads behind its end
      const auto parsed = parse_any(beginning);
      ASSERT_FALSE(parsed) << message.front() << " cut at " << size;
      EXPECT_EQ(parsed.error().id, "pgoutput.malformed");
      EXPECT_EQ(parsed.error().recovery, base::Recovery::Stop);
    }
  }
}

TEST(Messages, BytesBehindTheEndOfAMessageAreAnError) {
  for (const std::string& message : one_of_each()) {
    EXPECT_FALSE(parse_any(message + '\0')) << message.front();
  }
}

TEST(Messages, AnErrorNamesKindAndOffsetButNoValue) {
  change::Row before;
  change::Row after;
  const std::string message = wire::insert(16385, {wire::text("secret"), wire::text("values")});
  const auto parsed = parse_row_change(message.substr(0, message.size() - 1), before, after);
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message, HasSubstr("kind 'I'"));
  EXPECT_THAT(parsed.error().message, HasSubstr("offset 24"));
  EXPECT_THAT(parsed.error().message, Not(HasSubstr("secret")));
}

TEST(Messages, KindsOfLaterProtocolsAreRefusedWithTheRemedy) {
  for (const char kind : std::string_view("SEcbPKrp")) {
    const auto refused = kind_of(std::string(1, kind));
    ASSERT_FALSE(refused) << kind;
    EXPECT_EQ(refused.error().id, "pgoutput.unexpected_message");
    EXPECT_THAT(refused.error().message, HasSubstr("proto_version 1"));
  }
}

TEST(Messages, EveryOtherByteIsNoKind) {
  int known = 0;
  for (int byte = 0; byte < 256; ++byte) known += kind_of(std::string(1, static_cast<char>(byte))).has_value() ? 1 : 0;
  EXPECT_EQ(known, 11);
  EXPECT_THAT(kind_of(std::string(1, '\0')).error().message, HasSubstr("0x00"))
      << "what is not printable is shown in hex";
}
