#include "sluice/documents/journal_maker.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/documents/events.h"

using namespace sluice;
using namespace sluice::documents;
using sluice::documents::testing::golden;
using sluice::documents::testing::replaced;

namespace {

constexpr std::int64_t kNow_ms = 1'700'000'000'500;

struct Made {
  std::string index, id, body;
};

/// The journal document of an envelope.
Made made(const std::string& key, const std::string& value) {
  documents::testing::Reader read;
  JournalMaker maker;
  pipeline::DocumentBatch batch;
  maker.append(read(key, value), {"cdc-events", 2, 42}, "cdc_public_users", kNow_ms, batch);
  EXPECT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0].action, pipeline::DocumentAction::Create);
  EXPECT_EQ(batch[0].version_type, pipeline::VersionType::None);
  return {std::string(batch[0].index), std::string(batch[0].id), std::string(batch[0].body)};
}

const char* key_of(const std::string& name) {
  if (name == "truncate") return "sluice:truncate:public.users";
  return name == "key_change_create" ? "public.users:2" : "public.users:1";
}

class JournalGolden : public ::testing::TestWithParam<const char*> {};

}  // namespace

TEST_P(JournalGolden, IsTheDocumentOfTheContractByteByByte) {
  const std::string name = GetParam();
  const Made document = made(key_of(name), golden("envelope/" + name));
  EXPECT_EQ(document.body, golden("documents/journal_" + name));
  EXPECT_EQ(document.index, "cdc_public_users");
  EXPECT_EQ(document.id, nlohmann::json::parse(document.body)["event_id"].get<std::string>());
}

INSTANTIATE_TEST_SUITE_P(All, JournalGolden,
                         ::testing::Values("contract_example", "delete", "key_change_create", "snapshot_row",
                                           "truncate", "update_full_identity", "update_reselected"));

TEST(JournalMaker, DoesNotSayWhatChangedWhenOnlyTheKeyWasSent) {
  const std::string value = replaced(golden("envelope/update_reselected"), R"("before":null)", R"("before":{"id":1})");
  EXPECT_FALSE(nlohmann::json::parse(made("public.users:1", value).body).contains("changed"));
}

TEST(JournalMaker, SaysThatNothingChangedWhenBothVersionsAreWholeAndEqual) {
  const auto after = nlohmann::ordered_json::parse(golden("envelope/insert"))["after"].dump();
  const std::string value = replaced(golden("envelope/insert"), R"("before":null)", R"("before":)" + after);
  EXPECT_EQ(nlohmann::json::parse(made("public.users:1", value).body)["changed"], nlohmann::json::array());
}

TEST(JournalMaker, EscapesWhatStandsInKeysAndNames) {
  const std::string value = replaced(golden("envelope/insert"), R"("db":"mydb")", R"("db":"my\"d\nb")");
  const auto document = nlohmann::json::parse(made("public.users:a\"b\\c\n\x01\x7f é", value).body);
  EXPECT_EQ(document["db"], "my\"d\nb");
  EXPECT_EQ(document["key"], "a\"b\\c\n\x01\x7f é");
}

TEST(JournalMaker, ReplacesWhatIsNoUtf8InAKey) {
  const auto document = nlohmann::json::parse(made("public.users:a\xff", golden("envelope/insert")).body);
  EXPECT_EQ(document["key"], "a\xef\xbf\xbd");
}

TEST(JournalMaker, HasANullKeyOfATableWithoutAKey) {
  EXPECT_TRUE(nlohmann::json::parse(made("public.users:", golden("envelope/insert")).body)["key"].is_null());
}

TEST(JournalMaker, WritesDocumentsInOneLine) {
  EXPECT_EQ(made("public.users:a\nb", golden("envelope/insert")).body.find_first_of("\r\n"), std::string::npos);
}

TEST(JournalMaker, WritesTimesOfTheWholeCalendar) {
  documents::testing::Reader read;
  codec::Envelope envelope = read("public.users:1", golden("envelope/insert"));
  const auto time_of = [&](std::int64_t microseconds) {
    JournalMaker maker;
    pipeline::DocumentBatch batch;
    envelope.source_ts_us = microseconds;
    maker.append(envelope, {"t", 0, 0}, "i", 0, batch);
    return nlohmann::json::parse(batch[0].body)["@timestamp"].get<std::string>();
  };
  EXPECT_EQ(time_of(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(time_of(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(time_of(1'709'251'199'000'001), "2024-02-29T23:59:59.000001Z");
  EXPECT_EQ(time_of(253'402'300'799'999'999), "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(time_of(253'402'300'800'000'000), "10000-01-01T00:00:00Z") << "no clock says so: left to be refused";
}

TEST(JournalMaker, WritesPositionsAsPostgresDoes) {
  documents::testing::Reader read;
  codec::Envelope envelope = read("public.users:1", golden("envelope/insert"));
  for (const char* lsn : {"16/B374D848", "0/0", "FFFFFFFF/FFFFFFFF", "A/1"}) {
    JournalMaker maker;
    pipeline::DocumentBatch batch;
    envelope.commit_lsn = *change::Lsn::parse(lsn);
    maker.append(envelope, {"t", 0, 0}, "i", 0, batch);
    EXPECT_EQ(nlohmann::json::parse(batch[0].body)["commit_lsn"], lsn);
  }
}

TEST(JournalMaker, NamesColumnsThatASearchEngineWouldRefuse) {
  const std::string insert = golden("envelope/insert");
  const auto row = nlohmann::ordered_json::parse(insert)["after"].dump();
  const auto document = nlohmann::ordered_json::parse(
      made("public.users:1", replaced(insert, R"("before":null,"after":)" + row,
                                      R"("before":{"id":1,"doc":{"a":1,"a":2},"more":[]},"after":{"id":1,"doc":{},)"
                                      R"("more":{"\u0000":1}})"))
          .body);
  EXPECT_EQ(document["before"],
            (nlohmann::ordered_json{{"id", 1}, {"doc", R"({"a":1,"a":2})"}, {"more", nlohmann::json::array()}}));
  EXPECT_EQ(document["after"],
            (nlohmann::ordered_json{{"id", 1}, {"doc", nlohmann::json::object()}, {"more", R"({"\u0000":1})"}}));
  EXPECT_EQ(document["as_text"], nlohmann::json({"more", "doc"}));
}
