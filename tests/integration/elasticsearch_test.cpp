// What a real Elasticsearch does (table 3.2 of the specification) and what our sink and admin make of it.
// link: sluice::elastic
#include <gtest/gtest.h>
#include <unistd.h>

#include "sluice/elastic/bulk_sink.h"
#include "sluice/elastic/index_admin.h"
#include "sluice/testing/documents.h"
#include "sluice/testing/plain_http.h"
#include "sluice/testing/stack.h"

namespace sluice::testing {
namespace {

using nlohmann::json;
using pipeline::DocumentBatch;
using pipeline::ItemOutcome;

constexpr std::string_view kColumns = R"({"id":{"type":"long"},"name":{"type":"keyword"},"at":{"type":"date"}})";

class ElasticsearchTest : public ::testing::Test {
 protected:
  ElasticsearchTest() {
    prefix_ = "it-" + unique_name() + "-";
    connect();
  }

  ~ElasticsearchTest() override {
    const json indices = get("/" + prefix_ + "*/_settings?expand_wildcards=all").body;
    for (const auto& [index, ignored] : indices.items())
      if (index.starts_with(prefix_)) request("DELETE", "/" + index);
    request("DELETE", "/_index_template/sluice*" + prefix_ + "*");
  }

  void connect() {
    elastic::ConnectionOptions connection;
    connection.addresses = {"http://127.0.0.1:" + std::to_string(server_.port())};
    elastic::IndexOptions indices;
    indices.journal_prefix = prefix_ + "cdc-";
    indices.replicas = 0;
    admin_ = std::move(elastic::IndexAdmin::open(connection, indices).value());
    sink_ = std::move(elastic::BulkSink::open(connection, {}).value());
  }

  PlainReply get(const std::string& path) { return http(server_.port(), "GET", path); }
  PlainReply request(const std::string& method, const std::string& path, const json& body = nullptr) {
    return http(server_.port(), method, path, body);
  }

  std::string journal() {
    const std::string index = prefix_ + "cdc-public_users";
    const auto made = admin_->ensure_journal(index);
    EXPECT_TRUE(made) << made.error().message;
    return index;
  }
  std::string mirror(std::string_view columns = kColumns) {
    const std::string index = prefix_ + "current_public_users-g1";
    const auto made = admin_->ensure_mirror(index, columns);
    EXPECT_TRUE(made) << made.error().message;
    return index;
  }

  pipeline::BatchOutcome outcome_of(DocumentBatch batch) {
    EXPECT_TRUE(sink_->submit(std::move(batch), 1));
    auto outcomes = wait_for_outcomes(*sink_, 1);
    if (!outcomes || outcomes->size() != 1 || outcomes->front().error) {
      ADD_FAILURE() << (outcomes ? "unknown outcome" : outcomes.error().message);
      return {};
    }
    return std::move(outcomes->front());
  }

  pipeline::ItemResult result_of(std::string_view index, std::string_view body) {
    DocumentBatch batch;
    static int id = 0;
    add_create(batch, index, std::to_string(++id), body);
    pipeline::BatchOutcome outcome = outcome_of(std::move(batch));
    return outcome.items.empty() ? pipeline::ItemResult{} : std::move(outcome.items.front());
  }

  std::string stop_of(std::string_view index) {
    DocumentBatch batch;
    add_create(batch, index, "1");
    EXPECT_TRUE(sink_->submit(std::move(batch), 1));
    const auto outcomes = wait_for_outcomes(*sink_, 1);
    return outcomes ? "no stop" : std::string(outcomes.error().id);
  }

  std::int64_t count(const std::string& index, const json& query = {{"match_all", json::object()}}) {
    request("POST", "/" + index + "/_refresh");
    return request("POST", "/" + index + "/_count", {{"query", query}}).body.value("count", std::int64_t{-1});
  }

  Server server_ = Server::shared(Server::Kind::Elasticsearch);
  std::string prefix_;
  std::unique_ptr<elastic::IndexAdmin> admin_;
  std::unique_ptr<elastic::BulkSink> sink_;
};

TEST_F(ElasticsearchTest, SaysItsVersion) {
  EXPECT_EQ(admin_->server().product, elastic::Product::Elasticsearch);
  EXPECT_EQ(admin_->server().version, get("/").body["version"]["number"]);
}

TEST_F(ElasticsearchTest, AJournalHasTheDocumentedMappingAndSettings) {
  const std::string index = journal();
  const json mapping = get("/" + index + "/_mapping").body[index]["mappings"];
  EXPECT_EQ(mapping["dynamic"], "false");
  const json& fields = mapping["properties"];
  EXPECT_EQ(fields.size(), 22u) << fields.dump(1);
  EXPECT_EQ(fields["@timestamp"]["type"], "date");
  EXPECT_EQ(fields["tx_id"]["type"], "long");
  EXPECT_EQ(fields["partition"]["type"], "integer");
  EXPECT_EQ(fields["snapshot"]["type"], "boolean");
  EXPECT_EQ(fields["key"], (json{{"type", "keyword"}, {"ignore_above", 8191}}));
  EXPECT_EQ(fields["after"], (json{{"type", "flattened"}, {"ignore_above", 8191}, {"depth_limit", 500}}));
  const json settings = get("/" + index + "/_settings").body[index]["settings"]["index"];
  EXPECT_EQ(settings["translog"]["durability"], "request");
  EXPECT_EQ(settings["number_of_replicas"], "0");
}

TEST_F(ElasticsearchTest, TheJournalTakesWhatRowsHold) {
  const std::string index = journal();
  const std::string long_text(100'000, 'x');
  std::string deep = "1";
  for (int level = 0; level < 300; ++level) deep = R"({"k":)" + deep + "}";
  for (const std::string& after :
       {std::string("null"), R"({"a":1,"b":"text","c":null,"d":[1,"x"],"e":{"f":true}})" + std::string(),
        R"({"long":")" + long_text + R"("})", R"({"deep":)" + deep + "}",
        R"({"wide":")" + std::string(8'000, 'y') + R"("})",
        std::string(R"({"NaN":"NaN","bc":"0044-03-15 BC","dots.in.name":1,"ü😀":"ü😀"})")}) {
    const auto result =
        result_of(index, R"({"@timestamp":"2026-11-21T08:00:00.123456Z","op":"c","after":)" + after + "}");
    EXPECT_EQ(result.outcome, ItemOutcome::Written) << result.error_reason;
  }
  EXPECT_EQ(count(index, {{"term", {{"after.b", "text"}}}}), 1);
  EXPECT_EQ(count(index, {{"term", {{"after.e.f", "true"}}}}), 1);
}

TEST_F(ElasticsearchTest, FourByteCharactersUpToIgnoreAboveFitALuceneTerm) {
  std::string value;
  for (int i = 0; i < 4'095; ++i) value += "😀";
  std::string three;
  for (int i = 0; i < 8'191; ++i) three += "€";
  const std::string index = journal();
  for (const std::string& text : {value, three}) {
    const auto result = result_of(index, R"({"key":")" + text + R"(","after":{"column":")" + text + R"("}})");
    EXPECT_EQ(result.outcome, ItemOutcome::Written) << result.error_type << " " << result.error_reason;
  }
}

TEST_F(ElasticsearchTest, ValuesThatTheMirrorsMappingCannotHoldAreRejectedOneByOne) {
  const std::string index = mirror();
  for (const char* body : {R"({"id":"no number"})", R"({"id":99999999999999999999})", R"({"at":"yesterday"})",
                           R"({"id":NaN})", R"({"id":1,"id":2})", R"({"id":)", R"({"_id":"1"})"}) {
    const auto result = result_of(index, body);
    EXPECT_EQ(result.outcome, ItemOutcome::Rejected) << body;
    EXPECT_EQ(result.error_type, "document_parsing_exception") << body;
  }
  const auto result = result_of(index, R"({"name":")" + std::string(32'767, 'x') + R"("})");
  EXPECT_EQ(result.outcome, ItemOutcome::Rejected);
  EXPECT_EQ(result_of(index, R"({"id":9223372036854775807,"unmapped":"kept"})").outcome, ItemOutcome::Written);
}

TEST_F(ElasticsearchTest, AWriteBlockIsForLater) {
  const std::string index = journal();
  ASSERT_EQ(request("PUT", "/" + index + "/_settings", {{"index.blocks.write", true}}).status, 200);
  const auto result = result_of(index, "{}");
  EXPECT_EQ(result.outcome, ItemOutcome::Retry);
  EXPECT_EQ(result.error_type, "cluster_block_exception");
  ASSERT_EQ(request("PUT", "/" + index + "/_settings", {{"index.blocks.write", false}}).status, 200);
  EXPECT_EQ(result_of(index, "{}").outcome, ItemOutcome::Written);
}

TEST_F(ElasticsearchTest, AClosedIndexStops) {
  const std::string index = journal();
  ASSERT_EQ(request("POST", "/" + index + "/_close").status, 200);
  EXPECT_EQ(stop_of(index), "es.index_closed");
}

TEST_F(ElasticsearchTest, AnIndexDeletedBehindOurBackStopsAndIsNotMadeAgainByAWrite) {
  for (const std::string& index : {journal(), mirror()}) {
    ASSERT_EQ(request("DELETE", "/" + index).status, 200);
    connect();
    EXPECT_EQ(stop_of(index), "es.index_missing");
    EXPECT_EQ(get("/" + index).status, 404);
  }
}

TEST_F(ElasticsearchTest, AnIndexMadeBehindOurBackHasTheRightMapping) {
  const std::string index = journal();
  const std::string other = prefix_ + "cdc-made_by_hand";
  ASSERT_EQ(request("PUT", "/" + other).status, 200);
  EXPECT_EQ(get("/" + other + "/_mapping").body[other], get("/" + index + "/_mapping").body[index]);
}

TEST_F(ElasticsearchTest, TheAliasHidesDeletedRowsAndWildcardsMeetNoGeneration) {
  const std::string index = mirror();
  const std::string alias = prefix_ + "current_public_users";
  ASSERT_TRUE(admin_->publish(alias, index));
  DocumentBatch batch;
  add_index(batch, index, "1", 1, mirror_body(1));
  add_index(batch, index, "2", 1, mirror_body(1, 0, "Bob", true));
  outcome_of(std::move(batch));
  EXPECT_EQ(count(index), 2);
  EXPECT_EQ(count(alias), 1);
  EXPECT_EQ(count(prefix_ + "current*"), 1);            // by the alias only
  EXPECT_EQ(count(prefix_ + "*-g*"), 0);                // hidden
  EXPECT_EQ(get("/" + alias + "/_doc/2").status, 200);  // reading by id does not look at the filter
}

TEST_F(ElasticsearchTest, ANewColumnIsAddedAndAnotherTypeIsAConflict) {
  const std::string index = mirror();
  EXPECT_TRUE(admin_->ensure_mirror(index, R"({"id":{"type":"long"},"added":{"type":"boolean"}})"));
  EXPECT_EQ(get("/" + index + "/_mapping").body[index]["mappings"]["properties"]["added"]["type"], "boolean");
  const auto conflict = admin_->ensure_mirror(index, R"({"id":{"type":"keyword"}})");
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().id, "es.mapping_conflict");
  EXPECT_EQ(conflict.error().recovery, base::Recovery::Stop);
  EXPECT_NE(conflict.error().message.find("[long] to [keyword]"), std::string::npos) << conflict.error().message;
}

TEST_F(ElasticsearchTest, AnIndexThatAnswersBeforeItIsOnDiskIsRefused) {
  const std::string index = journal();
  ASSERT_EQ(request("PUT", "/" + index + "/_settings", {{"index.translog.durability", "async"}}).status, 200);
  EXPECT_EQ(admin_->ensure_journal(index).error().id, "es.durability_weak");
}

TEST_F(ElasticsearchTest, WhatStandsInTheWayIsNamed) {
  const std::string index = journal();
  EXPECT_EQ(admin_->publish(index, mirror()).error().id, "es.alias_refused");
  ASSERT_EQ(request("PUT", "/" + index + "/_alias/" + prefix_ + "cdc-taken").status, 200);
  EXPECT_EQ(admin_->ensure_journal(prefix_ + "cdc-taken").error().id, "es.index_refused");
  const json twin = {{"index_patterns", {prefix_ + "cdc-*"}}, {"priority", 200 + static_cast<int>(prefix_.size()) + 5}};
  ASSERT_EQ(request("PUT", "/_index_template/sluice-twin-" + prefix_, twin).status, 400) << "the priority is ours";
  for (const char* bad : {"", "Upper", "a*", "a,b", "_a", "..", "a b", "a/b", "\xff"})
    EXPECT_EQ(admin_->ensure_journal(bad).error().id, "es.index_name_invalid") << bad;
}

TEST_F(ElasticsearchTest, AnAliasOfTwoIndicesIsAmbiguousUntilPublishedAnew) {
  const std::string first = mirror();
  const std::string second = prefix_ + "current_public_users-g2";
  const std::string alias = prefix_ + "current_public_users";
  ASSERT_TRUE(admin_->ensure_mirror(second, kColumns));
  for (const std::string& index : {first, second})
    ASSERT_EQ(request("PUT", "/" + index + "/_alias/" + alias).status, 200);
  EXPECT_EQ(admin_->published(alias).error().id, "es.alias_ambiguous");
  ASSERT_TRUE(admin_->publish(alias, second));
  EXPECT_EQ(admin_->published(alias).value(), second);
}

TEST_F(ElasticsearchTest, ASweepOfManyPagesLeavesWhatIsNewerAlone) {
  const std::string index = mirror();
  constexpr int kRows = 12'000;
  DocumentBatch batch;
  for (int row = 0; row < kRows; ++row) {
    const std::uint64_t version = row % 10 == 0 ? 100 : 40;
    add_index(batch, index, std::to_string(row), version, mirror_body(version));
  }
  outcome_of(std::move(batch));
  ASSERT_TRUE(sink_->sweep({index, 0, 50, false, 1, "0/50", "2026-11-21T08:00:00Z"}, 2));
  const auto outcomes = wait_for_outcomes(*sink_, 1);
  ASSERT_TRUE(outcomes) << outcomes.error().message;
  EXPECT_FALSE(outcomes->front().error);
  EXPECT_EQ(count(index, {{"term", {{"_sluice.deleted", false}}}}), kRows / 10);
  EXPECT_EQ(count(index, {{"term", {{"_sluice.v", 50}}}}), kRows - kRows / 10);
}

}  // namespace
}  // namespace sluice::testing
