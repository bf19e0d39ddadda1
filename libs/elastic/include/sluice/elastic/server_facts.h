// Which search engine answers, in which version.
//
// Thread rule: values, and a pure function.
#pragma once

#include <string>
#include <string_view>

#include "sluice/base/error.h"

namespace sluice::elastic {

enum class Product { Elasticsearch, OpenSearch };

struct ServerFacts {
  Product product = Product::Elasticsearch;
  std::string version;  ///< as it calls itself, such as 9.4.3
  friend bool operator==(const ServerFacts&, const ServerFacts&) = default;
};

/// Reads the answer to `GET /` and checks the version: Elasticsearch 7.17 or newer, OpenSearch 1 or newer.
/// Errors: es.bad_response (Retry), es.version_unsupported (Stop).
base::Result<ServerFacts> read_server_facts(std::string_view json);

/// The same out of `GET /_nodes/_local?filter_path=nodes.*.version`, for servers without `GET /`.
base::Result<ServerFacts> read_node_facts(std::string_view json);

}  // namespace sluice::elastic
