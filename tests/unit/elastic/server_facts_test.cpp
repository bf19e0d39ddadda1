#include "sluice/elastic/server_facts.h"

#include <gtest/gtest.h>

namespace sluice::elastic {
namespace {

std::string answer(std::string_view version, std::string_view distribution = {}) {
  std::string json = R"({"name":"n","version":{"number":")" + std::string(version) + "\"";
  if (!distribution.empty()) json += R"(,"distribution":")" + std::string(distribution) + "\"";
  return json + R"(},"tagline":"You Know, for Search"})";
}

TEST(ServerFacts, TellTheProductAndItsVersion) {
  EXPECT_EQ(read_server_facts(answer("9.4.3")).value(), (ServerFacts{Product::Elasticsearch, "9.4.3"}));
  EXPECT_EQ(read_server_facts(answer("3.8.0", "opensearch")).value(), (ServerFacts{Product::OpenSearch, "3.8.0"}));
  EXPECT_EQ(read_node_facts(R"({"nodes":{"yXkJ":{"version":"8.19.21"}}})").value(),
            (ServerFacts{Product::Elasticsearch, "8.19.21"}));
}

TEST(ServerFacts, OldServersAreRefused) {
  for (const char* version : {"7.16.3", "6.8.23", "2.4.0", "x", ""}) {
    const auto facts = read_server_facts(answer(version));
    ASSERT_FALSE(facts) << version;
    EXPECT_EQ(facts.error().id, "es.version_unsupported");
    EXPECT_EQ(facts.error().recovery, base::Recovery::Stop);
  }
  EXPECT_TRUE(read_server_facts(answer("7.17.0")));
  EXPECT_TRUE(read_server_facts(answer("8.0.0-rc1")));
  EXPECT_TRUE(read_server_facts(answer("1.0.0", "opensearch")));
}

TEST(ServerFacts, WhatIsNoSearchEngineIsAskedAgain) {
  for (const char* json :
       {"", "{}", "<html>", R"({"version":"9"})", R"({"version":{"number":9}})", R"({"nodes":{}})"}) {
    EXPECT_EQ(read_server_facts(json).error().id, "es.bad_response") << json;
    EXPECT_EQ(read_node_facts(json).error().id, "es.bad_response") << json;
  }
}

}  // namespace
}  // namespace sluice::elastic
