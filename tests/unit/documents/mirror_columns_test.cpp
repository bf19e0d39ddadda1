#include "sluice/documents/mirror_columns.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/documents/events.h"

using namespace sluice;
using namespace sluice::documents;
using nlohmann::json;
using sluice::documents::testing::column;
using sluice::documents::testing::key_column;
using sluice::documents::testing::table;

namespace {

json mapping_of(codec::SchemaRecord::Column of, const codec::ValueOptions& values = {}) {
  return json::parse(mirror_mapping(table("public", "t", 1, {std::move(of)}), values));
}

std::string type_of(const std::string& type) { return mapping_of(column("c", type))["c"]["type"]; }

}  // namespace

TEST(MirrorMapping, HasTheTypeOfEachBuiltInType) {
  const std::pair<const char*, const char*> types[] = {
      {"int2", "short"},     {"int4", "integer"},     {"int8", "long"},           {"oid", "long"},
      {"float4", "float"},   {"float8", "double"},    {"bool", "boolean"},        {"date", "date"},
      {"timestamp", "date"}, {"timestamptz", "date"}, {"time", "keyword"},        {"uuid", "keyword"},
      {"inet", "keyword"},   {"text", "keyword"},     {"varchar", "keyword"},     {"numeric", "keyword"},
      {"bytea", "binary"},   {"interval", "keyword"}, {"json", "object"},         {"jsonb", "object"},
      {"hstore", "object"},  {"money", "keyword"},    {"nobody_knows", "keyword"}};
  for (const auto& [type, mapped] : types) EXPECT_EQ(type_of(type), mapped) << type;
}

TEST(MirrorMapping, SearchesNumericAsANumberToo) {
  const json mapping = mapping_of(column("c", "numeric"))["c"];
  EXPECT_EQ(mapping["fields"]["n"]["type"], "double");
  EXPECT_EQ(mapping["fields"]["n"]["ignore_malformed"], true) << "NaN";
}

TEST(MirrorMapping, SearchesTextInFullToo) {
  EXPECT_EQ(mapping_of(column("c", "text"))["c"]["fields"]["text"]["type"], "text");
  EXPECT_EQ(mapping_of(column("c", "uuid"))["c"].contains("fields"), false);
}

TEST(MirrorMapping, KeepsWhatIsNoDateOrNumber) {
  for (const char* type : {"date", "timestamp", "timestamptz", "float4", "float8"}) {
    EXPECT_EQ(mapping_of(column("c", type))["c"]["ignore_malformed"], true) << type;
  }
}

TEST(MirrorMapping, SearchesAddressesByNetworkToo) {
  EXPECT_EQ(mapping_of(column("c", "inet"))["c"]["fields"]["ip"], (json{{"type", "ip"}, {"ignore_malformed", true}}));
}

TEST(MirrorMapping, SearchesRangesByTheirBounds) {
  const std::pair<const char*, const char*> types[] = {{"int4range", "integer"}, {"int8multirange", "long"},
                                                       {"numrange", "keyword"},  {"datemultirange", "date"},
                                                       {"tsrange", "date"},      {"tstzrange", "date"}};
  for (const auto& [type, bound] : types) {
    codec::SchemaRecord::Column range = column("c", type, "range");
    const json mapping = mapping_of(range)["c"]["properties"];
    for (const char* name : {"gte", "gt", "lte", "lt"}) EXPECT_EQ(mapping[name]["type"], bound) << type;
    EXPECT_EQ(mapping["empty"]["type"], "boolean");
    codec::SchemaRecord::Column ranges = column("c", "x", "array", type);
    ranges.base_category = "range";
    EXPECT_EQ(mapping_of(ranges)["c"]["properties"], mapping) << "an array of " << type;
  }
  const codec::ValueOptions numbers{.decimal = codec::DecimalForm::Number};
  EXPECT_EQ(mapping_of(column("c", "numrange", "range"), numbers)["c"]["enabled"], false) << "may stand as text";
}

TEST(MirrorMapping, DoesNotLookIntoVectorsAndGeometries) {
  for (const char* type : {"vector", "halfvec", "sparsevec", "geometry", "geography"})
    EXPECT_EQ(mapping_of(column("c", type))["c"]["enabled"], false) << type;
  EXPECT_EQ(mapping_of(column("c", "geometry"), {.geometry = codec::GeometryForm::Wkb})["c"]["type"], "keyword");
}

TEST(MirrorMapping, DoesNotParseJson) { EXPECT_EQ(mapping_of(column("c", "jsonb"))["c"]["enabled"], false); }

TEST(MirrorMapping, TakesDomainsAsTheirBaseAndArraysAsTheirElement) {
  EXPECT_EQ(mapping_of(column("c", "posint", "domain", "int4"))["c"]["type"], "integer");
  EXPECT_EQ(mapping_of(column("c", "_int8", "array", "int8"))["c"]["type"], "long");
  EXPECT_EQ(mapping_of(column("c", "_int8", "array"))["c"]["type"], "long");
  EXPECT_EQ(mapping_of(column("c", "ints", "domain", "_int4"))["c"]["type"], "integer");
  EXPECT_EQ(mapping_of(column("c", "mood", "enum"))["c"]["type"], "keyword");
  EXPECT_EQ(mapping_of(column("c", "int4", "enum"))["c"]["type"], "keyword") << "somebody's own type of that name";
  codec::SchemaRecord::Column bools = column("c", "_bool", "array", "bool");
  bools.base_category = "enum";
  EXPECT_EQ(mapping_of(bools)["c"]["type"], "keyword") << "an array of somebody's own enum of that name";
  for (const char* made_of : {"composite", "range", "multirange"}) {
    for (const char* category : {made_of, "domain", "array"}) {
      codec::SchemaRecord::Column of = column("c", "x", category);
      of.base_category = made_of;
      EXPECT_EQ(mapping_of(of)["c"]["enabled"], false) << category << " of " << made_of;
    }
  }
}

TEST(MirrorMapping, FollowsHowTheValuesAreWritten) {
  const codec::ValueOptions numbers{
      .decimal = codec::DecimalForm::Double, .time = codec::TimeForm::Micros, .bytea = codec::BytesForm::Hex};
  for (const char* type : {"date", "timestamp", "timestamptz"})
    EXPECT_EQ(mapping_of(column("c", type), numbers)["c"]["type"], "long") << type;
  EXPECT_EQ(mapping_of(column("c", "numeric"), numbers)["c"]["type"], "double");
  EXPECT_EQ(mapping_of(column("c", "bytea"), numbers)["c"]["type"], "keyword");
  EXPECT_EQ(mapping_of(column("c", "timestamptz"), {.time = codec::TimeForm::Debezium})["c"]["type"], "date");
  for (const char* type : {"bool", "int4", "jsonb", "bytea"})
    EXPECT_EQ(mapping_of(column("c", type), {.form = codec::ValueForm::Text})["c"]["type"], "keyword") << type;
}

TEST(MirrorMapping, NamesFieldsAsTheDocumentsDo) {
  EXPECT_TRUE(mapping_of(column("_source", "text")).contains("column__source"));
  EXPECT_TRUE(mapping_of(column("a.b", "text")).contains("column_a_b"));
  EXPECT_TRUE(mapping_of(column("Ünïcode \"q\"", "text")).contains("Ünïcode \"q\""));
}

TEST(FieldName, IsAnotherOnlyWhereElasticsearchKeepsIt) {
  for (const char* name : {"_id", "_source", "_index", "_routing", "_sluice", "a.b", ".", " ", "_doc_count"}) {
    EXPECT_TRUE(is_reserved_field(name)) << name;
  }
  for (const char* name : {"id", "_mine", "source", "sluice", "a b", "A"}) {
    EXPECT_FALSE(is_reserved_field(name)) << name;
    EXPECT_EQ(field_name(name), name);
  }
}

TEST(MirrorColumns, AreKeyedByTheIdentityAndWithFullByThePrimaryKey) {
  codec::SchemaRecord schema = table("public", "t", 1, {key_column("id", "int4"), column("alt", "int4")});
  schema.columns[0].identity = false;
  schema.columns[1].identity = true;
  EXPECT_EQ(MirrorColumns::of(schema)->key(), std::vector<std::string>{"alt"});
  schema.identity = change::ReplicaIdentity::Full;
  schema.columns[0].identity = true;
  EXPECT_EQ(MirrorColumns::of(schema)->key(), std::vector<std::string>{"id"});
}

TEST(MirrorColumns, RefuseATableWithoutAKeyByName) {
  const auto columns = MirrorColumns::of(table("public", "log", 1, {column("line", "text")}));
  ASSERT_FALSE(columns.has_value());
  EXPECT_EQ(columns.error().id, "es.mirror_no_key");
  EXPECT_EQ(columns.error().recovery, base::Recovery::Stop);
  EXPECT_NE(columns.error().message.find("public.log"), std::string::npos);
}

TEST(MirrorColumns, RefuseTwoColumnsThatWouldBeOneField) {
  const auto columns = MirrorColumns::of(
      table("public", "t", 1, {key_column("id", "int4"), column("a.b", "text"), column("column_a_b", "text")}));
  ASSERT_FALSE(columns.has_value());
  EXPECT_EQ(columns.error().id, "es.column_collision");
}
