#include "checks.h"
#include "key.h"

namespace sluice::config {
namespace {

std::vector<Key> connection_keys(ElasticsearchSettings& s) {
  return {
      {.name = "addresses",
       .field = &s.addresses,
       .check = check_address,
       .need = Need::EsConsumer,
       .known_as = "hosts",
       .example = "http://localhost:9200",
       .doc = "http:// or https:// addresses of one cluster; when one does not answer the next is tried."},
      {.name = "username",
       .field = &s.username,
       .check = check_not_empty,
       .example = "elastic",
       .doc = "User for basic authentication."},
      {.name = "password", .field = &s.password, .example = "${ELASTIC_PASSWORD}", .doc = "Its password."},
      {.name = "password_file",
       .field = &s.password_file,
       .check = check_not_empty,
       .example = "/etc/sluice/elastic.password",
       .doc = "File with the password, readable by its owner only."},
      {.name = "api_key",
       .field = &s.api_key,
       .example = "${ELASTIC_API_KEY}",
       .doc = "API key in its encoded form, in the place of a user: it can be limited to our indices."},
      {.name = "api_key_file",
       .field = &s.api_key_file,
       .check = check_not_empty,
       .example = "/etc/sluice/elastic.api_key",
       .doc = "File with the API key, readable by its owner only."},
      {.name = "ca_file",
       .field = &s.ca_file,
       .check = check_not_empty,
       .example = "/etc/sluice/elastic-ca.pem",
       .doc = "Certificates of the authorities to believe. Absent: those of the system."},
  };
}

std::vector<Key> index_keys(ElasticsearchSettings& s) {
  return {
      {.name = "journal", .field = on_off(s.journal), .doc = "One document for each event: the history of every row."},
      {.name = "mirror",
       .field = on_off(s.mirror),
       .doc = "One document for each row: the table as it is now. Needs tables with a key."},
      {.name = "indexPrefix",
       .field = &s.indexPrefix,
       .check = check_index_prefix,
       .doc = "Journal indices are called <indexPrefix><schema>_<table>."},
      {.name = "mirrorPrefix",
       .field = &s.mirrorPrefix,
       .check = check_index_prefix,
       .doc = "Mirror aliases are called <mirrorPrefix><schema>_<table>."},
      {.name = "number_of_shards",
       .field = &s.number_of_shards,
       .min = 1,
       .max = 1'024,
       .doc = "Of indices made by us. One is enough up to some 50 GB."},
      {.name = "number_of_replicas",
       .field = &s.number_of_replicas,
       .min = 0,
       .max = 100,
       .doc = "Copies of each shard. Without one a lost node is lost data."},
      {.name = "refresh_interval",
       .field = &s.refresh_interval,
       .min = 100,
       .max = 3'600'000,
       .doc = "How soon a written document can be found. Longer is cheaper."},
  };
}

std::vector<Key> bulk_keys(ElasticsearchSettings& s) {
  return {
      {.name = "bulk_max_bytes",
       .field = &s.bulk_max_bytes,
       .min = 1 << 16,
       .max = 100 << 20,
       .doc = "Largest bulk request. Elasticsearch takes 100 MB, and gains nothing above about 10."},
      {.name = "bulk_max_actions",
       .field = &s.bulk_max_actions,
       .min = 1,
       .max = 100'000,
       .doc = "Most documents in a bulk: 4,000 small ones are as fast as more."},
      {.name = "bulk_max_age",
       .field = &s.bulk_max_age,
       .min = 1,
       .max = 60'000,
       .doc = "A bulk that is not full goes out after so long: latency against fewer, larger requests."},
      {.name = "max_in_flight_bulks",
       .field = &s.max_in_flight_bulks,
       .min = 1,
       .max = 64,
       .doc = "Bulks under way at once. The second hides the round trip; more load the cluster."},
      {.name = "connect_timeout",
       .field = &s.connect_timeout,
       .min = 100,
       .max = 300'000,
       .doc = "Longest wait for a connection."},
      {.name = "request_timeout",
       .field = &s.request_timeout,
       .min = 1'000,
       .max = 3'600'000,
       .doc = "Longest wait for an answer; then the same documents are sent again, which is harmless."},
  };
}

}  // namespace

Section elasticsearch_keys(ElasticsearchSettings& s) {
  return {.name = "elasticsearch",
          .read_by = Need::EsConsumer,
          .doc = "Where es_consumer writes: Elasticsearch 7.17, 8, 9, OpenSearch 1, 2, 3.",
          .keys = joined({connection_keys(s), index_keys(s), bulk_keys(s)})};
}

}  // namespace sluice::config
