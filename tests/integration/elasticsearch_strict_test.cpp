// What an Elasticsearch refuses that grants little and takes little at once, and what our sink and admin make of it.
// link: sluice::elastic
// servers: own
// together
#include <gtest/gtest.h>

#include "sluice/elastic/bulk_sink.h"
#include "sluice/elastic/index_admin.h"
#include "sluice/testing/documents.h"
#include "sluice/testing/stack.h"

namespace sluice::testing {
namespace {

using pipeline::DocumentBatch;
using pipeline::ItemOutcome;

// One node of its own: small requests only, and a nobody who may look and not touch.
class StrictElasticsearchTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = new Server(Server::own(
        Server::Kind::Elasticsearch,
        {"--heap", "256m", "--set", "http.max_content_length=1mb", "--set", "xpack.security.enabled=true", "--set",
         "xpack.security.http.ssl.enabled=false", "--set", "xpack.security.authc.anonymous.username=nobody", "--set",
         "xpack.security.authc.anonymous.roles=logstash_system"}));
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }

  static elastic::ConnectionOptions connection() {
    elastic::ConnectionOptions options;
    options.addresses = {"http://127.0.0.1:" + std::to_string(server_->port())};
    return options;
  }

  static Server* server_;
};
Server* StrictElasticsearchTest::server_ = nullptr;

TEST_F(StrictElasticsearchTest, MissingRightsStop) {
  const auto admin = elastic::IndexAdmin::open(connection(), {});
  ASSERT_TRUE(admin) << admin.error().message;
  const auto made = (*admin)->ensure_journal("cdc-x");
  EXPECT_EQ(made.error().id, "es.forbidden") << made.error().message;

  const auto sink = std::move(elastic::BulkSink::open(connection(), {}).value());
  DocumentBatch batch;
  add_create(batch, "cdc-x", "1");
  ASSERT_TRUE(sink->submit(std::move(batch), 1));
  const auto outcomes = wait_for_outcomes(*sink, 1);
  EXPECT_EQ(outcomes.error().id, "es.forbidden");
}

TEST_F(StrictElasticsearchTest, AWrongPasswordStops) {
  elastic::ConnectionOptions options = connection();
  options.username = "ada";
  options.password = base::Secret("wrong");
  const auto admin = elastic::IndexAdmin::open(options, {});
  ASSERT_FALSE(admin);
  EXPECT_EQ(admin.error().id, "es.unauthorized");
  EXPECT_EQ(admin.error().message.find("wrong"), std::string::npos);
}

TEST_F(StrictElasticsearchTest, ADocumentTooLongForTheServerIsRejected) {
  // This nobody may not write; but the length is looked at first.
  const auto sink = std::move(elastic::BulkSink::open(connection(), {}).value());
  DocumentBatch batch;
  add_create(batch, "cdc-x", "1", R"({"text":")" + std::string(20 << 20, 'x') + R"("})");
  ASSERT_TRUE(sink->submit(std::move(batch), 1));
  const auto outcomes = wait_for_outcomes(*sink, 1);
  ASSERT_TRUE(outcomes) << outcomes.error().message;
  ASSERT_EQ(outcomes->front().items.size(), 1u);
  EXPECT_EQ(outcomes->front().items[0].outcome, ItemOutcome::Rejected);
  EXPECT_EQ(outcomes->front().items[0].error_type, "request_too_large");
}

}  // namespace
}  // namespace sluice::testing
