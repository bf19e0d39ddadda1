#include "sluice/change/schema_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace sluice::change;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

constexpr std::uint32_t kInt8 = 20;
constexpr std::uint32_t kInt4 = 23;
constexpr std::uint32_t kText = 25;
constexpr std::uint32_t kBpchar = 1042;
constexpr std::uint32_t kVarchar = 1043;
constexpr std::uint32_t kTimestamp = 1114;
constexpr std::uint32_t kTimestamptz = 1184;
constexpr std::uint32_t kInterval = 1186;
constexpr std::uint32_t kNumeric = 1700;

ColumnForm column(std::string name, std::uint32_t type_oid = kText, std::int32_t type_modifier = -1) {
  return {std::move(name), type_oid, type_modifier};
}

constexpr std::int32_t numeric(std::int32_t precision, std::int32_t scale) { return ((precision << 16) | scale) + 4; }

std::vector<SchemaChange> changes(const TableForm& before, const TableForm& after) {
  std::vector<SchemaChange> out;
  append_schema_changes(before, after, "public.users", out);
  return out;
}

/// What becomes of one column.
SchemaChangeKind kind_of(const ColumnForm& before, const ColumnForm& after) {
  const auto found = changes({1, {before}}, {1, {after}});
  EXPECT_EQ(found.size(), 1u);
  return found.empty() ? SchemaChangeKind::TableRenamed : found[0].kind;
}
SchemaChangeKind kind_of(std::uint32_t type_oid, std::int32_t before, std::int32_t after) {
  return kind_of(column("a", type_oid, before), column("a", type_oid, after));
}

}  // namespace

TEST(SchemaChange, EqualColumnsInAnotherOrderAreNoChange) {
  EXPECT_THAT(changes({1, {column("a"), column("b")}}, {1, {column("b"), column("a")}}), IsEmpty());
}

TEST(SchemaChange, AddedAndDroppedColumnsAreNamed) {
  const auto found =
      changes({1, {column("a"), column("b"), column("c")}}, {1, {column("a"), column("d"), column("e")}});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].kind, SchemaChangeKind::ColumnsAdded);
  EXPECT_THAT(found[0].names, ElementsAre("d", "e"));
  EXPECT_EQ(found[1].kind, SchemaChangeKind::ColumnsDropped);
  EXPECT_THAT(found[1].names, ElementsAre("b", "c"));
  EXPECT_EQ(describe(found[1]), "dropped columns b, c");
}

TEST(SchemaChange, AnotherTypeRewritesAndAWiderOneDoesNot) {
  const auto found = changes({1, {column("a", kInt4), column("b", kVarchar, 14), column("c"), column("d", kInt4)}},
                             {1, {column("a", kInt8), column("b", kVarchar, 24), column("c"), column("d", kText)}});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].kind, SchemaChangeKind::ColumnsWidened);
  EXPECT_THAT(found[0].names, ElementsAre("b"));
  EXPECT_EQ(found[1].kind, SchemaChangeKind::ColumnsRetyped);
  EXPECT_THAT(found[1].names, ElementsAre("a", "d"));
  EXPECT_FALSE(rewrites(found[0].kind));
  EXPECT_TRUE(rewrites(found[1].kind));
}

TEST(SchemaChange, WhatPostgresqlDoesNotRewriteIsWidened) {
  EXPECT_EQ(kind_of(kVarchar, 14, 24), SchemaChangeKind::ColumnsWidened);
  EXPECT_EQ(kind_of(kVarchar, 14, -1), SchemaChangeKind::ColumnsWidened);
  EXPECT_EQ(kind_of(column("a", kVarchar, 14), column("a", kText)), SchemaChangeKind::ColumnsWidened);
  EXPECT_EQ(kind_of(column("a", kText), column("a", kVarchar)), SchemaChangeKind::ColumnsWidened);
  EXPECT_EQ(kind_of(kNumeric, numeric(10, 2), numeric(12, 2)), SchemaChangeKind::ColumnsWidened);
  EXPECT_EQ(kind_of(kNumeric, numeric(10, 2), -1), SchemaChangeKind::ColumnsWidened);
  EXPECT_EQ(kind_of(kTimestamp, 3, 6), SchemaChangeKind::ColumnsWidened);
  EXPECT_EQ(kind_of(kTimestamp, -1, 6), SchemaChangeKind::ColumnsWidened);
  EXPECT_EQ(kind_of(kBpchar, 14, -1), SchemaChangeKind::ColumnsWidened);
}

TEST(SchemaChange, WhatPostgresqlRewritesIsRetyped) {
  EXPECT_EQ(kind_of(kVarchar, 24, 14), SchemaChangeKind::ColumnsRetyped);
  EXPECT_EQ(kind_of(kVarchar, -1, 14), SchemaChangeKind::ColumnsRetyped);
  EXPECT_EQ(kind_of(column("a", kText), column("a", kVarchar, 14)), SchemaChangeKind::ColumnsRetyped);
  EXPECT_EQ(kind_of(kNumeric, numeric(12, 2), numeric(10, 2)), SchemaChangeKind::ColumnsRetyped);
  EXPECT_EQ(kind_of(kNumeric, numeric(10, 2), numeric(12, 4)), SchemaChangeKind::ColumnsRetyped);
  EXPECT_EQ(kind_of(kNumeric, -1, numeric(10, 2)), SchemaChangeKind::ColumnsRetyped);
  EXPECT_EQ(kind_of(kTimestamp, 6, 3), SchemaChangeKind::ColumnsRetyped);
  EXPECT_EQ(kind_of(kTimestamp, -1, 3), SchemaChangeKind::ColumnsRetyped);
  EXPECT_EQ(kind_of(column("a", kTimestamp), column("a", kTimestamptz)), SchemaChangeKind::ColumnsRetyped);
  EXPECT_EQ(kind_of(kInterval, 3, 6), SchemaChangeKind::ColumnsRetyped);  // the modifier has fields, too
  EXPECT_EQ(kind_of(kBpchar, 14, 24), SchemaChangeKind::ColumnsRetyped);  // padded anew
}

TEST(SchemaChange, AnotherKeyLeavesRowsUnderTheOldOne) {
  const std::vector<ColumnForm> columns = {column("a"), column("b"), column("c")};
  const TableForm by_a{1, columns, {{"a"}}};
  EXPECT_THAT(changes(by_a, by_a), IsEmpty());
  const auto moved = changes(by_a, {1, columns, {{"b", "c"}}});
  ASSERT_EQ(moved.size(), 1u);
  EXPECT_EQ(moved[0].kind, SchemaChangeKind::KeyChanged);
  EXPECT_EQ(describe(moved[0]), "another key: columns b, c");
  EXPECT_TRUE(rewrites(moved[0].kind));
  const auto lost = changes(by_a, {1, columns, std::vector<std::string>()});
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(describe(lost[0]), "no key any more");
  EXPECT_EQ(changes({1, columns, std::vector<std::string>()}, by_a).size(), 1u)
      << "rows without a key have no document";
}

TEST(SchemaChange, AKeyThatIsNotKnownIsComparedWithNothing) {
  EXPECT_THAT(changes({1, {column("a")}, std::nullopt}, {1, {column("a")}, {{"a"}}}), IsEmpty());
}

TEST(SchemaChange, AKeyColumnUnderAnotherNameIsTheSameKeyAndOneMadeAnewIsNot) {
  const auto key_changed = [](const TableForm& before, const TableForm& after) {
    const auto found = changes(before, after);
    return !found.empty() && found.back().kind == SchemaChangeKind::KeyChanged;
  };
  const TableForm before{1, {column("id", kInt4), column("v")}, {{"id"}}};
  EXPECT_FALSE(key_changed(before, {1, {column("no", kInt4), column("v")}, {{"no"}}}));
  EXPECT_TRUE(key_changed(before, {1, {column("v"), column("no", kInt4)}, {{"no"}}})) << "dropped, and another added";
  EXPECT_TRUE(key_changed(before, {1, {column("no", kInt8), column("v")}, {{"no"}}})) << "its values are others";
  EXPECT_TRUE(key_changed({1, {column("v"), column("id")}, {{"id"}}}, {1, {column("v"), column("no")}, {{"no"}}}))
      << "the last one: nobody can tell a rename from a column made anew";
  EXPECT_TRUE(key_changed({1, {column("id"), column("no"), column("v")}, {{"id"}}},
                          {1, {column("no"), column("id"), column("v")}, {{"no"}}}))
      << "two that swapped names";
}

TEST(SchemaChange, AnotherOidIsAnotherTableWhateverItsColumns) {
  const auto found = changes({1, {column("a")}}, {2, {column("b")}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, SchemaChangeKind::TableRecreated);
  EXPECT_EQ(found[0].table, "public.users");
  EXPECT_THAT(found[0].names, IsEmpty());
}
