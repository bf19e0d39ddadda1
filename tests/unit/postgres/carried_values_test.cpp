#include "sluice/postgres/carried_values.h"

#include <string>

#include <gtest/gtest.h>

namespace sluice::postgres {
namespace {

using change::Cell;
using change::CellKind;
using change::ChangeEvent;

constexpr std::uint32_t kInt4 = 23;
constexpr std::uint32_t kText = 25;
constexpr std::uint32_t kInt8Array = 1016;
constexpr Cell kUnchanged{CellKind::Unchanged, {}};

Cell text(std::string_view value) { return {CellKind::Text, value}; }

class CarriedValuesTest : public ::testing::Test {
 protected:
  static change::TableSchemaPtr table_of(std::uint32_t type, std::uint32_t oid = 7) {
    change::TableSchema schema;
    schema.oid = oid;
    schema.schema = "public";
    schema.name = "t";
    schema.columns.resize(2);
    schema.columns[0].name = "id";
    schema.columns[0].type_oid = kInt4;
    schema.columns[0].identity = true;
    schema.columns[1].name = "big";
    schema.columns[1].type_oid = type;
    return change::finish_schema(schema);
  }
  ChangeEvent event(std::string_view id, Cell value, std::string_view old_id = {}) const {
    ChangeEvent made;
    made.op = change::Op::Update;
    made.table = table;
    made.after.add(text(id));
    made.after.add(value);
    if (!old_id.empty()) {
      made.before.add(text(old_id));
      made.before.add({});
    }
    return made;
  }
  bool filled(std::string_view id, std::string_view expected, std::string_view old_id = {}) {
    ChangeEvent later = event(id, kUnchanged, old_id);
    values.fill(later);
    return later.after[1].kind == CellKind::Text && later.after[1].bytes == expected;
  }

  change::TableSchemaPtr table = table_of(kText);
  const std::string big = std::string(3'000, 'x');
  CarriedValues values{100'000};
};

TEST_F(CarriedValuesTest, ALaterMessageOfTheTransactionFindsTheValue) {
  values.remember(event("1", text(big)));
  EXPECT_TRUE(filled("1", big));
  EXPECT_FALSE(filled("2", big));
}

TEST_F(CarriedValuesTest, TheNewestValueCounts) {
  values.remember(event("1", text(big)));
  values.remember(event("1", text("newer")));
  EXPECT_TRUE(filled("1", "newer"));
}

TEST_F(CarriedValuesTest, AChangedKeyIsFoundUnderTheOldOne) {
  values.remember(event("1", text(big)));
  EXPECT_TRUE(filled("2", big, "1"));
}

TEST_F(CarriedValuesTest, AnEventKeepsItsFilledCellsWhileItIsRemembered) {
  values.remember(event("1", text(big)));
  ChangeEvent later = event("1", kUnchanged);
  values.fill(later);
  values.remember(later);
  EXPECT_EQ(later.after[1].bytes, big);
  EXPECT_TRUE(filled("1", big));
}

TEST_F(CarriedValuesTest, TheEndOfTheTransactionForgetsAll) {
  values.remember(event("1", text(big)));
  values.clear();
  EXPECT_FALSE(filled("1", big));
}

TEST_F(CarriedValuesTest, AnotherVersionOfTheTableIsNotMixedIn) {
  values.remember(event("1", text(big)));
  table = table_of(kInt8Array);
  EXPECT_FALSE(filled("1", big));
}

TEST_F(CarriedValuesTest, BeyondItsBoundItForgetsAndGoesOn) {
  for (int row = 0; row < 1'000; ++row) values.remember(event(std::to_string(row), text(big)));
  EXPECT_TRUE(filled("999", big));
  EXPECT_FALSE(filled("0", big));
}

TEST_F(CarriedValuesTest, OnlyRowsThatCanBeStoredOutOfLineAreWorthIt) {
  EXPECT_FALSE(values.worth_remembering(event("1", text(std::string(1'500, 'x')))));
  EXPECT_TRUE(values.worth_remembering(event("1", text(big))));
  EXPECT_TRUE(values.worth_remembering(event("1", kUnchanged)));
  table = table_of(kInt8Array, 8);  // "1," is two bytes of text and eight stored
  EXPECT_TRUE(values.worth_remembering(event("1", text(std::string(600, '1')))));
}

}  // namespace
}  // namespace sluice::postgres
