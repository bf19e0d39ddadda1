// servers: postgres
// link: sluice::postgres sluice::codec
//
// Names with everything that a name can have, and databases that are not in UTF-8, on every version of PostgreSQL.
#include "message_matrix.h"

namespace sluice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kSchema = "S'q\"uo.te\nn😀 %:";
const std::string kTable = "t\"a.b'\t\n\\😀{}%s";
const std::string kKey = "k\"e'y.\n😀";
const std::string kBig = "we'ird \"col\" \\ 😀\tbig";

class Names : public MessageMatrix {};

TEST_P(Names, WithQuotesNewlinesDotsAndEmojiAreExact) {
  policy(Toast::Reselect);
  const std::string schema = main_session().identifier(kSchema);
  const std::string table = schema + "." + main_session().identifier(kTable);
  const std::string key = main_session().identifier(kKey);
  const std::string big = main_session().identifier(kBig);
  given(
      fmt::format("create schema {}; create table {} ({} text primary key, n int, {} text);"
                  "alter table {} alter {} set storage external; create publication p for table {}",
                  schema, table, key, big, table, big, table));
  const std::string value = "v'\"\\\n.:%😀";
  const std::string quoted = main_session().literal(value);
  sql(fmt::format("insert into {} values ({}, 1, repeat('x', 2100))", table, quoted));
  sql(fmt::format("update {} set n = 2", table));
  auto records = arrived();  // before the key changes: by then the row would not be found
  sql(fmt::format("update {} set {} = {} || '!'", table, key, quoted));
  for (const Arrived& late : arrived()) records.push_back(late);
  ASSERT_EQ(records.size(), 4U);
  expect_told(records);
  const std::string expected_key = "S'q\"uo%2Ete\nn😀 %25%3A.t\"a%2Eb'\t\n\\😀{}%25s:";
  EXPECT_EQ(records[0].key, expected_key + value);
  EXPECT_EQ(records[1].value["reselected"], Json::array({kBig}));
  EXPECT_EQ(records[3].key, expected_key + value + "!");
  EXPECT_EQ(replica().rows(kSchema + "." + kTable), rows_of("select * from " + table));
  for (const Arrived& record : records) expect_one_schema(record);

  sql("truncate " + table);
  EXPECT_EQ(arrived().at(0).key, "sluice:truncate:" + expected_key.substr(0, expected_key.size() - 1));
  EXPECT_THAT(replica().rows(kSchema + "." + kTable), IsEmpty());
  EXPECT_THAT(replica().violations(), IsEmpty());
}

class SqlAscii : public MessageMatrix {
 protected:
  std::string database_options() const override { return "ENCODING 'SQL_ASCII' LOCALE 'C'"; }
  void given_rows() {
    given(
        "create table t (id text primary key, v text, j json, big text); alter table t alter big set storage external;"
        "create publication p for table t");
    sql("insert into t values (E'\\xfe', E'caf\\xe9', E'{\"a\":\"\\xff\"}', repeat('x', 2100))");
    sql("insert into t values (E'\\xff', 'café 😀', null, null)");
  }
};

TEST_P(SqlAscii, InvalidBytesAreReplacedAndCountedAndKeysAreExact) {
  policy(Toast::Reselect);
  given_rows();
  sql("update t set v = 'fine' where id = E'\\xfe'");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records),
              ElementsAre("c public.t:\xFE {\"id\":\"�\",\"v\":\"caf�\",\"j\":{\"a\":\"�\"},\"big\":\"~2100\"}",
                          "c public.t:\xFF {\"id\":\"�\",\"v\":\"café 😀\",\"j\":null,\"big\":null}",
                          "u public.t:\xFE {\"id\":\"�\",\"v\":\"fine\",\"j\":{\"a\":\"�\"},\"big\":\"~2100\"} "
                          "reselected[\"big\"]"));
  EXPECT_EQ(encoder().replacements(), 6U) << "each of the invalid pieces above";
  EXPECT_EQ(told().size(), 3U);
  EXPECT_EQ(replica().rows("public.t").size(), 2U) << "keys that differ in invalid bytes are two";
  EXPECT_THAT(replica().violations(), IsEmpty());
}

TEST_P(SqlAscii, InvalidBytesHaltWhenThatIsWanted) {
  codec::EncoderOptions options;
  options.values.invalid_text = codec::InvalidText::Halt;
  encoder() = codec::EnvelopeEncoder(options);
  given_rows();
  const auto refused = read();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "codec.invalid_text");
  EXPECT_EQ(refused.error().recovery, base::Recovery::Reject);
  EXPECT_EQ(refused.error().message.find("caf"), std::string::npos) << "no value is told";
}

TEST_P(SqlAscii, ANameWithInvalidBytesIsRefused) {
  given("create table t (id int primary key, \"\xff\" int, \"\xfe\" int); create publication p for table t");
  sql("insert into t values (1, 2, 3)");
  const auto refused = read();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "codec.invalid_name");
  EXPECT_EQ(refused.error().recovery, base::Recovery::Stop);
}

class Latin1 : public MessageMatrix {
 protected:
  std::string database_options() const override { return "ENCODING 'LATIN1' LOCALE 'C'"; }
};

TEST_P(Latin1, TextAndNamesAreConverted) {
  given("create table \"täble\" (\"schlüssel\" text primary key, v text); create publication p for table \"täble\"");
  sql("insert into \"täble\" values ('é', 'ß')");
  const auto records = arrived();
  EXPECT_THAT(lines_of(records), ElementsAre(R"(c public.täble:é {"schlüssel":"é","v":"ß"})"));
  expect_told(records);
  EXPECT_EQ(encoder().replacements(), 0U);
}

INSTANTIATE_TEST_SUITE_P(, Names, ::testing::ValuesIn(kServerVersions), name_of_version);
INSTANTIATE_TEST_SUITE_P(, SqlAscii, ::testing::ValuesIn(kServerVersions), name_of_version);
INSTANTIATE_TEST_SUITE_P(, Latin1, ::testing::ValuesIn(kServerVersions), name_of_version);

}  // namespace
}  // namespace sluice::testing
