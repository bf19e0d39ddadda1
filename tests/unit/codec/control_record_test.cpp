#include "sluice/codec/control_record.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "changes.h"

using namespace sluice;
using namespace sluice::codec;
using namespace sluice::codec::testing;

namespace {

EpochRecord epoch() { return {"orders", 3, 7'301'234'567'890'123'456, "shop", "slot_1"}; }

SnapshotRecord snapshot() {
  return {"orders",
          3,
          change::Lsn(0x16'B374'D848),
          {{"public", "users", 0x5f1c09aa7be20143, 1000}},
          {{"cdc", 2, 10, 1010}}};
}

void expect_round_trip(const ControlRecord& record) {
  const base::Result<std::optional<ControlRecord>> read =
      parse_control_record(control_key(record), control_value(record));
  ASSERT_TRUE(read);
  ASSERT_TRUE(*read);
  EXPECT_EQ(**read, record);
}

change::TypeDescriptionPtr described(std::uint32_t oid, std::string name, change::TypeKind kind,
                                     change::TypeDescriptionPtr element = nullptr) {
  auto type = std::make_shared<change::TypeDescription>();
  type->oid = oid;
  type->name = std::move(name);
  type->kind = kind;
  type->element = std::move(element);
  return type;
}

SchemaRecord::Column column_of(std::uint32_t oid, change::TypeDescriptionPtr type = nullptr) {
  change::TableSchema table;
  table.columns.emplace_back();
  table.columns[0].name = "c";
  table.columns[0].type_oid = oid;
  table.columns[0].type = std::move(type);
  return schema_record(table).columns.at(0);
}

void expect_type(const SchemaRecord::Column& column, std::string_view type, std::string_view category,
                 std::string_view base) {
  EXPECT_EQ(column.type, type);
  EXPECT_EQ(column.category, category);
  EXPECT_EQ(column.base_type, base);
}

}  // namespace

TEST(ControlRecord, HasTheKeysOfTheContract) {
  EXPECT_EQ(control_key(epoch()), "epoch:orders");
  EXPECT_EQ(control_key(snapshot()), "snapshot:orders:3");
  SchemaRecord schema;
  schema.id = 0xA;
  EXPECT_EQ(control_key(schema), "schema:000000000000000a");
}

TEST(ControlRecord, IsReadAsItWasWritten) {
  expect_round_trip(epoch());
  expect_round_trip(snapshot());
  change::TableSchema table =
      *Table("public", "users").key("id", kInt4).column("tags", kTextArray).full_identity().done();
  table.columns[0].nullable = false;
  table.columns[1].nullable = true;
  table.columns[1].type_modifier = 36;
  expect_round_trip(schema_record(table));
}

TEST(ControlRecord, NumbersOf64BitsStandAsText) {
  const auto json = nlohmann::json::parse(control_value(epoch()));
  EXPECT_EQ(json["system_id"], "7301234567890123456");
  EXPECT_EQ(nlohmann::json::parse(control_value(snapshot()))["lsn"], "16/B374D848");
}

TEST(ControlRecord, NamesTheTypesOfColumns) {
  expect_type(column_of(23), "int4", "base", "");
  expect_type(column_of(1009), "_text", "array", "text");
  expect_type(column_of(99'999), "", "base", "");
  const auto mood = described(20'001, "mood", change::TypeKind::Enum);
  expect_type(column_of(20'001, mood), "mood", "enum", "");
  expect_type(column_of(20'002, described(20'002, "_mood", change::TypeKind::Array, mood)), "_mood", "array", "mood");
  expect_type(column_of(20'003, described(20'003, "positive", change::TypeKind::Domain,
                                          described(23, "", change::TypeKind::Base))),
              "positive", "domain", "int4");
}

TEST(SchemaRecord, SaysWhatStandsBehindAllDomainsAndArrays) {
  auto hstore = std::make_shared<change::TypeDescription>();
  hstore->oid = 20'010;
  hstore->name = "hstore";
  const auto inner = described(20'011, "inner", change::TypeKind::Domain, hstore);
  const auto outer = described(20'012, "outer", change::TypeKind::Domain, inner);
  expect_type(column_of(20'012, outer), "outer", "domain", "hstore");
  expect_type(column_of(20'013, described(20'013, "_outer", change::TypeKind::Array, outer)), "_outer", "array",
              "hstore");
  const auto moods =
      described(20'014, "_mood", change::TypeKind::Array, described(20'015, "mood", change::TypeKind::Enum));
  EXPECT_EQ(column_of(20'014, moods).base_category, "enum");
  EXPECT_EQ(column_of(3905).base_category, "range");
  EXPECT_EQ(column_of(1007).base_category, "base");
}

TEST(ControlRecord, OfAKindThatANewerVersionWroteIsPassedOver) {
  const base::Result<std::optional<ControlRecord>> read = parse_control_record("position:orders", "anything");
  ASSERT_TRUE(read);
  EXPECT_FALSE(*read);
}

TEST(ControlRecord, ThatCannotBeReadStops) {
  const auto refuses = [](std::string_view key, std::string_view value) {
    const base::Result<std::optional<ControlRecord>> read = parse_control_record(key, value);
    return !read && read.error().id == "codec.bad_control_record" && read.error().recovery == base::Recovery::Stop;
  };
  for (const std::string_view value : {"", "{", "[]", "{}", "null", "\xFF", R"({"pipeline":1})"}) {
    EXPECT_TRUE(refuses("epoch:orders", value)) << value;
    EXPECT_TRUE(refuses("schema:000000000000000a", value)) << value;
    EXPECT_TRUE(refuses("snapshot:orders:3", value)) << value;
  }
  EXPECT_TRUE(refuses("epoch:other", control_value(epoch())));
  auto json = nlohmann::json::parse(control_value(epoch()));
  json["epoch"] = 4'294'967'296;
  EXPECT_TRUE(refuses("epoch:orders", json.dump()));
  json["epoch"] = -1;
  EXPECT_TRUE(refuses("epoch:orders", json.dump()));
  json["epoch"] = 3;
  json["system_id"] = "12x";
  EXPECT_TRUE(refuses("epoch:orders", json.dump()));
}

TEST(ControlRecord, NamesThatAreNoUtf8DoNotBreakIt) {
  EpochRecord record = epoch();
  record.database = "a\xFF";
  EXPECT_TRUE(nlohmann::json::accept(control_value(record)));
}
