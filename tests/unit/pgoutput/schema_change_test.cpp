#include "sluice/pgoutput/schema_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace sluice;
using namespace sluice::pgoutput;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

change::Column column(std::string name, std::uint32_t type_oid = 25, std::int32_t type_modifier = -1) {
  change::Column made;
  made.name = std::move(name);
  made.type_oid = type_oid;
  made.type_modifier = type_modifier;
  return made;
}

change::TableSchemaPtr table(std::uint32_t oid, std::vector<change::Column> columns) {
  change::TableSchema made;
  made.oid = oid;
  made.schema = "public";
  made.name = "users";
  made.columns = std::move(columns);
  return change::finish_schema(std::move(made));
}

std::vector<SchemaChange> changes(const change::TableSchemaPtr& before, const change::TableSchemaPtr& after) {
  std::vector<SchemaChange> out;
  append_schema_changes(before, after, out);
  return out;
}

}  // namespace

TEST(SchemaChange, EqualColumnsInAnotherOrderAreNoChange) {
  EXPECT_THAT(changes(table(1, {column("a"), column("b")}), table(1, {column("b"), column("a")})), IsEmpty());
}

TEST(SchemaChange, AddedAndDroppedColumnsAreNamed) {
  const auto found =
      changes(table(1, {column("a"), column("b"), column("c")}), table(1, {column("a"), column("d"), column("e")}));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].kind, SchemaChangeKind::ColumnsAdded);
  EXPECT_THAT(found[0].columns, ElementsAre("d", "e"));
  EXPECT_EQ(found[1].kind, SchemaChangeKind::ColumnsDropped);
  EXPECT_THAT(found[1].columns, ElementsAre("b", "c"));
}

TEST(SchemaChange, AnotherTypeOrModifierIsATypeChange) {
  const auto found = changes(table(1, {column("a", 23), column("b", 1043, 14), column("c")}),
                             table(1, {column("a", 20), column("b", 1043, 24), column("c")}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, SchemaChangeKind::TypeChanged);
  EXPECT_THAT(found[0].columns, ElementsAre("a", "b"));
}

TEST(SchemaChange, AnotherOidIsAnotherTableWhateverItsColumns) {
  const auto found = changes(table(1, {column("a")}), table(2, {column("b")}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, SchemaChangeKind::TableRecreated);
  EXPECT_EQ(found[0].before->oid, 1u);
  EXPECT_THAT(found[0].columns, IsEmpty());
}
