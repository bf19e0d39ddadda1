#include "sluice/elastic/server_facts.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <charconv>
#include <utility>

namespace sluice::elastic {
namespace {

using base::Recovery;
using base::Result;

tl::unexpected<base::Error> not_a_search_engine() {
  return base::fail(Recovery::Retry, "es.bad_response",
                    "the server does not say which version it is. Check that the address leads to Elasticsearch.");
}

/// `9.4.3-SNAPSHOT` → 9, 4.
std::pair<int, int> numbers_of(std::string_view version) {
  int major = 0;
  int minor = 0;
  const char* const end = version.data() + version.size();
  const auto first = std::from_chars(version.data(), end, major);
  if (first.ec == std::errc() && first.ptr != end && *first.ptr == '.') std::from_chars(first.ptr + 1, end, minor);
  return {major, minor};
}

Result<ServerFacts> checked(ServerFacts facts) {
  const auto numbers = numbers_of(facts.version);
  const bool old = facts.product == Product::Elasticsearch ? numbers < std::pair(7, 17) : numbers < std::pair(1, 0);
  if (!old) return facts;
  return base::fail(Recovery::Stop, "es.version_unsupported",
                    fmt::format("the server is version {}. Use Elasticsearch 7.17 or newer, or OpenSearch 1 or newer.",
                                facts.version));
}

}  // namespace

Result<ServerFacts> read_server_facts(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  std::string_view number;
  if (parser.parse(json.data(), json.size(), true).get(document) != simdjson::SUCCESS ||
      document["version"]["number"].get(number) != simdjson::SUCCESS)
    return not_a_search_engine();
  std::string_view distribution;
  const bool named = document["version"]["distribution"].get(distribution) == simdjson::SUCCESS;
  const bool opensearch = named && distribution == "opensearch";
  return checked({opensearch ? Product::OpenSearch : Product::Elasticsearch, std::string(number)});
}

Result<ServerFacts> read_node_facts(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  simdjson::dom::object nodes;
  if (parser.parse(json.data(), json.size(), true).get(document) != simdjson::SUCCESS ||
      document["nodes"].get(nodes) != simdjson::SUCCESS || nodes.size() != 1)
    return not_a_search_engine();
  std::string_view version;
  if ((*nodes.begin()).value["version"].get(version) != simdjson::SUCCESS) return not_a_search_engine();
  return checked({Product::Elasticsearch, std::string(version)});
}

}  // namespace sluice::elastic
