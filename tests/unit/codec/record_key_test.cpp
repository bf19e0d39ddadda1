#include "sluice/codec/record_key.h"

#include <gtest/gtest.h>

#include "changes.h"

using namespace sluice::codec;
using namespace sluice::codec::testing;

namespace {

std::string table_name(std::string schema, std::string name) {
  std::string out;
  append_table_name(*Table(std::move(schema), std::move(name)).done(), out);
  return out;
}

std::string key_values(std::initializer_list<std::string_view> values) {
  sluice::base::TextBuffer out;
  append_key_values({values.begin(), values.size()}, out);
  return std::string(out.view());
}

}  // namespace

TEST(RecordKey, EncodesWhatSeparatesInsideOfNames) {
  EXPECT_EQ(table_name("public", "users"), "public.users");
  EXPECT_EQ(table_name("a.b", "c:d%e"), "a%2Eb.c%3Ad%25e");
  EXPECT_NE(table_name("a.b", "c"), table_name("a", "b.c"));
}

TEST(RecordKey, OneValueStandsAsItIsAndSeveralAsJson) {
  EXPECT_EQ(key_values({"a:b \"c\""}), "a:b \"c\"");
  EXPECT_EQ(key_values({"1", "a\"\\\n"}), R"(["1","a\"\\\n"])");
  EXPECT_EQ(key_values({}), "");
}

TEST(RecordKey, KeysThatDifferInBytesThatAreNoUtf8StayDifferent) {
  EXPECT_NE(key_values({"1", "\xFF"}), key_values({"1", "\xFE"}));
  EXPECT_NE(key_values({"\xFF"}), key_values({"\xFE"}));
}

TEST(RecordKey, IsTakenApartAtTheFirstColon) {
  const std::optional<RowKey> key = parse_row_key("public.users:a:b");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->table, "public.users");
  EXPECT_EQ(key->values, "a:b");
  EXPECT_EQ(parse_row_key("public.logs:")->values, "");
}

TEST(RecordKey, KeysOfOtherRecordsAreNotTakenForRows) {
  EXPECT_FALSE(parse_row_key("sluice:marker"));
  EXPECT_FALSE(parse_row_key("sluice:truncate:public.users"));
  EXPECT_FALSE(parse_row_key("sluice:message:a.b"));
  EXPECT_FALSE(parse_row_key("no colon at all.x"));
  EXPECT_FALSE(parse_row_key("a.b.c:1"));
  EXPECT_FALSE(parse_row_key(""));
}
