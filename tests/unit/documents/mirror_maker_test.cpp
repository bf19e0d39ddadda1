#include "sluice/documents/mirror_maker.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/documents/events.h"

using namespace sluice;
using namespace sluice::documents;
using sluice::documents::testing::column;
using sluice::documents::testing::golden;
using sluice::documents::testing::key_column;
using sluice::documents::testing::replaced;
using sluice::documents::testing::table;
using sluice::documents::testing::users;

namespace {

struct Made {
  std::string index, id, body;
  std::uint64_t version = 0;
  pipeline::VersionType version_type = pipeline::VersionType::None;
};

Made made(const std::string& key, const std::string& value, const codec::SchemaRecord& schema = users()) {
  documents::testing::Reader read;
  MirrorMaker maker;
  pipeline::DocumentBatch batch;
  const auto columns = MirrorColumns::of(schema);
  EXPECT_TRUE(columns.has_value());
  maker.append(read(key, value), 2, "current_public_users-g1", *columns, batch);
  EXPECT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0].action, pipeline::DocumentAction::Index);
  return {std::string(batch[0].index), std::string(batch[0].id), std::string(batch[0].body), batch[0].version,
          batch[0].version_type};
}

class MirrorGolden : public ::testing::TestWithParam<const char*> {};

/// An insert into a table with these members of `after`.
std::string insert_of(const std::string& after) {
  const auto old = nlohmann::ordered_json::parse(golden("envelope/insert"))["after"].dump();
  return replaced(golden("envelope/insert"), old, after);
}

}  // namespace

TEST_P(MirrorGolden, IsTheDocumentOfTheContractByteByByte) {
  const std::string name = GetParam();
  const std::string key = name == "key_change_create" ? "2" : "1";
  const Made document = made("public.users:" + key, golden("envelope/" + name));
  EXPECT_EQ(document.body, golden("documents/mirror_" + name));
  EXPECT_EQ(document.index, "current_public_users-g1");
  EXPECT_EQ(document.id, key);
  EXPECT_EQ(document.version, nlohmann::json::parse(document.body)["_sluice"]["v"].get<std::uint64_t>());
  EXPECT_EQ(document.version_type, pipeline::VersionType::External);
}

INSTANTIATE_TEST_SUITE_P(All, MirrorGolden,
                         ::testing::Values("contract_example", "delete", "key_change_create", "snapshot_row",
                                           "update_full_identity", "update_reselected"));

TEST(MirrorMaker, VersionsASnapshotRowBelowEveryChangeOfItsTransactionAndLater) {
  EXPECT_LT(made("public.users:1", golden("envelope/snapshot_row")).version,
            made("public.users:1", golden("envelope/insert")).version);
}

TEST(MirrorMaker, LetsTheLastOneWinWhereVersionsAreSaturated) {
  std::string value = replaced(golden("envelope/insert"), R"(-00000001")", R"(-0000ffff")");
  value = replaced(value, R"("seq":1,)", R"("seq":65535,)");
  EXPECT_EQ(made("public.users:1", value).version_type, pipeline::VersionType::ExternalGte);
}

TEST(MirrorMaker, KeepsOnlyTheKeyOfADeletedRowThatWasSentWhole) {
  auto envelope = nlohmann::ordered_json::parse(golden("envelope/update_full_identity"));
  envelope["op"] = "d";
  envelope["after"] = nullptr;
  codec::SchemaRecord schema = users();
  schema.identity = change::ReplicaIdentity::Full;
  for (auto& each : schema.columns) each.identity = true;
  const auto document = nlohmann::json::parse(made("public.users:1", envelope.dump(), schema).body);
  EXPECT_EQ(document.size(), 2u);
  EXPECT_EQ(document["id"], 1);
  EXPECT_EQ(document["_sluice"]["deleted"], true);
}

TEST(MirrorMaker, StoresReservedNamesUnderAnother) {
  const auto schema =
      table("public", "users", 1,
            {key_column("_id", "int4"), column("_sluice", "text"), column("a.b", "text"), column("plain", "text")});
  const auto document = nlohmann::json::parse(
      made("public.users:1", insert_of(R"({"_id":7,"_sluice":"mine","a.b":"x","plain":null})"), schema).body);
  EXPECT_EQ(document["column__id"], 7);
  EXPECT_EQ(document["column__sluice"], "mine");
  EXPECT_EQ(document["column_a_b"], "x");
  EXPECT_TRUE(document["plain"].is_null());
  EXPECT_EQ(document.size(), 5u);
}

TEST(MirrorMaker, KeepsTheKeyColumnsOfADeletedRowUnderTheirOtherNames) {
  const auto schema = table("public", "users", 1, {key_column("_id", "int4"), column("b", "text")});
  const std::string value = replaced(golden("envelope/delete"), R"({"id":1})", R"({"_id":1})");
  EXPECT_EQ(nlohmann::json::parse(made("public.users:1", value, schema).body)["column__id"], 1);
}

TEST(MirrorMaker, StandsARowWithoutColumns) {
  EXPECT_EQ(nlohmann::json::parse(made("public.users:1", insert_of("{}")).body).size(), 1u);
}

TEST(MirrorMaker, NamesADocumentByTheHashOfAKeyThatIsNoId) {
  for (const std::string& key : {std::string(), std::string(513, 'k'), std::string("a\xff")}) {
    const Made document = made("public.users:" + key, golden("envelope/insert"));
    EXPECT_EQ(document.id, hashed_id(key));
    EXPECT_TRUE(nlohmann::json::parse(document.body)["_sluice"].contains("key"));
  }
  EXPECT_EQ(made("public.users:" + std::string(512, 'k'), golden("envelope/insert")).id, std::string(512, 'k'));
}

TEST(MirrorMaker, HashesWithSha256) {
  EXPECT_EQ(hashed_id(""), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hashed_id("abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(MirrorMaker, MakesASweepOfATruncate) {
  documents::testing::Reader read;
  const codec::Envelope& envelope = read("sluice:truncate:public.users", golden("envelope/truncate"));
  const auto columns = MirrorColumns::of(
      table("public", "users", 1, {key_column("_id", "int4"), column("name", "text"), key_column("at", "date")}));
  const pipeline::Sweep sweep = MirrorMaker().sweep(envelope, 2, "current_public_users-g1", *columns);
  EXPECT_EQ(sweep.index, "current_public_users-g1");
  EXPECT_EQ(sweep.partition, 2);
  EXPECT_EQ(sweep.version, change::external_version(change::Lsn(0x1693E28), 1));
  EXPECT_FALSE(sweep.at_or_below);
  EXPECT_EQ(sweep.epoch, 1u);
  EXPECT_EQ(sweep.lsn, "0/1693E28");
  EXPECT_EQ(sweep.timestamp, "2023-11-14T22:13:20.000456Z");
  EXPECT_EQ(sweep.key_fields, (std::vector<std::string>{"column__id", "at"})) << "as they are called in the mirror";
}

TEST(MirrorMaker, NamesColumnsThatASearchEngineWouldRefuse) {
  const auto schema = table("public", "users", 1, {key_column("id", "int4"), column("doc", "json")});
  const auto document =
      nlohmann::ordered_json::parse(made("public.users:1", insert_of(R"({"id":1,"doc":{"a":1,"a":2}})"), schema).body);
  EXPECT_EQ(document["doc"], R"({"a":1,"a":2})");
  EXPECT_EQ(document["_sluice"]["as_text"], nlohmann::json({"doc"}));
}
