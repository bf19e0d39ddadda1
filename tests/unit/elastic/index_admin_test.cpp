// What the admin asks of servers that are not the one of the integration tests.
#include "sluice/elastic/index_admin.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sluice/testing/elasticsearch_imposter.h"

namespace sluice::elastic {
namespace {

using nlohmann::json;
using testing::ElasticsearchImposter;
using testing::ImposterReply;
using testing::ImposterRequest;

constexpr const char* kElasticsearch = R"({"version":{"number":"9.4.3"}})";
constexpr const char* kOpenSearch = R"({"version":{"number":"3.8.0","distribution":"opensearch"}})";

class IndexAdminTest : public ::testing::Test {
 protected:
  base::Result<std::unique_ptr<IndexAdmin>> open() {
    ConnectionOptions connection;
    connection.addresses = {imposter_.address()};
    IndexOptions options;
    options.journal_prefix = prefix_;
    options.replicas = replicas_;
    return IndexAdmin::open(connection, options, [this](std::string_view id, const std::string& message) {
      warnings_.push_back(std::string(id) + ": " + message);
    });
  }

  /// Of a server that says this of itself and takes everything.
  std::unique_ptr<IndexAdmin> admin_of(const char* facts) {
    imposter_.script({200, facts});
    imposter_.answer_by([](const ImposterRequest&) { return ImposterReply{200, "{}"}; });
    auto admin = open();
    EXPECT_TRUE(admin) << admin.error().message;
    return std::move(*admin);
  }

  json body_of(const std::string& method_and_path) {
    for (const ImposterRequest& request : imposter_.requests())
      if (request.method + " " + request.path == method_and_path) return json::parse(request.body);
    ADD_FAILURE() << "no " << method_and_path;
    return nullptr;
  }

  ElasticsearchImposter imposter_;
  /// Every index is there already, with so many replicas.
  void indices_are_there_with(const char* replicas) {
    imposter_.answer_by([replicas](const ImposterRequest& request) {
      if (request.path.find("/_settings/") != std::string::npos)
        return ImposterReply{200, json{{"old", {{"settings", {{"index.number_of_replicas", replicas}}}}}}.dump()};
      const bool makes_index = request.method == "PUT" && request.path.find('/', 1) == std::string::npos;
      if (!makes_index) return ImposterReply{200, "{}"};
      return ImposterReply{400, R"({"error":{"type":"resource_already_exists_exception","reason":""},"status":400})"};
    });
  }

  std::string prefix_ = "cdc-";
  std::uint32_t replicas_ = 1;
  std::vector<std::string> warnings_;
};

TEST_F(IndexAdminTest, WarnsAtTheStartWhenNewIndicesGetNoReplica) {
  replicas_ = 0;
  const auto admin = admin_of(kElasticsearch);
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_TRUE(warnings_[0].starts_with("es.no_replicas: New indices have no replica")) << warnings_[0];
  indices_are_there_with("0");
  ASSERT_TRUE(admin->ensure_journal("cdc-old"));
  EXPECT_EQ(warnings_.size(), 1u) << "once";
}

TEST_F(IndexAdminTest, WarnsOnceOfAnIndexThatIsThereWithoutAReplica) {
  const auto admin = admin_of(kElasticsearch);
  EXPECT_TRUE(warnings_.empty());
  indices_are_there_with("1");
  ASSERT_TRUE(admin->ensure_journal("cdc-old"));
  EXPECT_TRUE(warnings_.empty());
  indices_are_there_with("0");
  ASSERT_TRUE(admin->ensure_journal("cdc-old"));
  ASSERT_TRUE(admin->ensure_mirror("current-g1", "{}"));
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_TRUE(warnings_[0].starts_with("es.no_replicas: The index old has no replica")) << warnings_[0];
}

TEST_F(IndexAdminTest, AsksTheNodeWhereThereIsNoFrontPage) {
  imposter_.script({400, R"({"error":"no handler found for uri [/] and method [GET]","status":400})"});
  imposter_.script({200, R"({"nodes":{"a":{"version":"8.19.21"}}})"});
  const auto admin = open();
  ASSERT_TRUE(admin) << admin.error().message;
  EXPECT_EQ((*admin)->server().version, "8.19.21");
}

TEST_F(IndexAdminTest, RefusesOldServersAndStrangers) {
  imposter_.script({200, R"({"version":{"number":"6.8.23"}})"});
  EXPECT_EQ(open().error().id, "es.version_unsupported");
  imposter_.script({200, "<html>nginx</html>"});
  EXPECT_EQ(open().error().id, "es.bad_response");
  imposter_.script({503, ""});
  EXPECT_EQ(open().error().id, "es.overloaded");
  imposter_.script({401, ""});
  EXPECT_EQ(open().error().id, "es.unauthorized");
}

TEST_F(IndexAdminTest, OnElasticsearchAWriteCanMakeNoIndex) {
  ASSERT_TRUE(admin_of(kElasticsearch)->ensure_journal("cdc-public_users"));
  const json made = body_of("PUT /_index_template/sluice-journal-cdc-");
  EXPECT_EQ(made["allow_auto_create"], false);
  EXPECT_EQ(made["index_patterns"], json::array({"cdc-*"}));
  EXPECT_EQ(made["template"], body_of("PUT /cdc-public_users"));
}

TEST_F(IndexAdminTest, OpenSearchGetsWhatItKnows) {
  ASSERT_TRUE(admin_of(kOpenSearch)->ensure_journal("cdc-public_users"));
  EXPECT_FALSE(body_of("PUT /_index_template/sluice-journal-cdc-").contains("allow_auto_create"));
  const json index = body_of("PUT /cdc-public_users");
  EXPECT_EQ(index["mappings"]["properties"]["after"], (json{{"type", "flat_object"}}));
}

TEST_F(IndexAdminTest, AnEmptyPrefixMakesNoTemplateForEverybodysIndices) {
  prefix_ = "";
  ASSERT_TRUE(admin_of(kElasticsearch)->ensure_journal("public_users"));
  EXPECT_EQ(body_of("PUT /_index_template/sluice-public_users")["index_patterns"], json::array({"public_users"}));
}

TEST_F(IndexAdminTest, TheMorePreciseTemplateWins) {
  const auto admin = admin_of(kElasticsearch);
  ASSERT_TRUE(admin->ensure_journal("cdc-public_users"));
  ASSERT_TRUE(admin->ensure_mirror("cdc-current_public_users-g1", "{}"));
  EXPECT_LT(body_of("PUT /_index_template/sluice-journal-cdc-")["priority"],
            body_of("PUT /_index_template/sluice-cdc-current_public_users-g1")["priority"]);
}

TEST_F(IndexAdminTest, AMirrorIsHiddenAndHoldsItsBookkeepingBesideTheColumns) {
  ASSERT_TRUE(admin_of(kElasticsearch)->ensure_mirror("current_public_users-g1", R"({"id":{"type":"long"}})"));
  const json index = body_of("PUT /current_public_users-g1");
  EXPECT_EQ(index["settings"]["index"]["hidden"], true);
  EXPECT_EQ(index["settings"]["index"]["translog"]["durability"], "request");
  EXPECT_EQ(index["mappings"]["dynamic"], false);
  EXPECT_EQ(index["mappings"]["properties"]["id"]["type"], "long");
  EXPECT_EQ(index["mappings"]["properties"]["_sluice"]["properties"]["deleted"]["type"], "boolean");
}

TEST_F(IndexAdminTest, ATemplateIsPutOnceForAllJournals) {
  const auto admin = admin_of(kElasticsearch);
  for (const char* index : {"cdc-a", "cdc-b", "cdc-c"}) ASSERT_TRUE(admin->ensure_journal(index));
  EXPECT_EQ(imposter_.requests().size(), 1u + 1u + 3u);
}

TEST_F(IndexAdminTest, AnAliasChangedMeanwhileIsTriedAgain) {
  const auto admin = admin_of(kElasticsearch);
  imposter_.script({200, R"({"old-g1":{"aliases":{"current":{}}}})"});
  imposter_.script({404, R"({"error":{"type":"aliases_not_found_exception","reason":"gone"},"status":404})"});
  const auto published = admin->publish("current", "new-g2");
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().id, "es.alias_moved");
  EXPECT_EQ(published.error().recovery, base::Recovery::Retry);
}

TEST_F(IndexAdminTest, AnAliasIsMovedInOneStep) {
  const auto admin = admin_of(kElasticsearch);
  imposter_.script({200, R"({"old-g1":{"aliases":{"current":{}}},"new-g2":{"aliases":{"current":{}}}})"});
  ASSERT_TRUE(admin->publish("current", "new-g2"));
  const json actions = body_of("POST /_aliases")["actions"];
  ASSERT_EQ(actions.size(), 2u);
  EXPECT_EQ(actions[0]["remove"]["index"], "old-g1");
  EXPECT_EQ(actions[1]["add"]["index"], "new-g2");
  EXPECT_EQ(actions[1]["add"]["filter"].dump(), R"({"bool":{"must_not":{"term":{"_sluice.deleted":true}}}})");
}

TEST_F(IndexAdminTest, AStoreIntoADeletedBookkeepingIndexStops) {
  const auto admin = admin_of(kElasticsearch);
  ASSERT_TRUE(admin->store("g/t-0", "{}"));
  imposter_.script({404, R"({"error":{"type":"index_not_found_exception","reason":"no such index"},"status":404})"});
  EXPECT_EQ(admin->store("g/t-0", "{}").error().id, "es.index_missing");
}

}  // namespace
}  // namespace sluice::elastic
