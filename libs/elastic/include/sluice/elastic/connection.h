// How to reach the search engine: addresses, credentials, trust and patience (feature E7).
//
// Thread rule: values.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/base/secret.h"

namespace sluice::elastic {

struct ConnectionOptions {
  /// `http[s]://host[:port][/prefix]`, without user or password in it. Requests go round among those that answer; one
  /// that failed is left alone for `address_rest`, unless none is better.
  std::vector<std::string> addresses;

  /// Basic authentication; ignored when there is an API key.
  std::string username;
  base::Secret password;
  /// As Elasticsearch printed it (`encoded`, base64 of id:key).
  base::Secret api_key;

  /// PEM file of the authorities to trust; empty: those of the system. There is no way to trust everybody.
  std::string ca_file;

  base::Milliseconds connect_timeout{5'000};
  /// For a whole request. Elasticsearch itself gives a bulk one minute to find its shards.
  base::Milliseconds request_timeout{75'000};
  base::Milliseconds address_rest{10'000};
  /// A longer answer is es.bad_response. A bulk of 10,000 refused items answers about 3 MB.
  std::size_t max_response_bytes = 64 << 20;
};

}  // namespace sluice::elastic
