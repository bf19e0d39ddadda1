#include "index_bodies.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sluice/base/check.h"

namespace sluice::elastic {
namespace {

using nlohmann::json;

// 8191 UTF-16 units are at most 24,573 bytes of UTF-8, which leaves room for a flattened field's path within Lucene's
// 32,766 bytes for a term.
constexpr int kIgnoreAbove = 8191;
// jsonb inside of `before` and `after` may be nested deeper than the default of 20, and would be refused.
constexpr int kFlattenedDepth = 500;

json of_type(std::string_view type) { return {{"type", type}}; }

json row_field(Product product) {
  if (product == Product::OpenSearch) return of_type("flat_object");
  return {{"type", "flattened"}, {"ignore_above", kIgnoreAbove}, {"depth_limit", kFlattenedDepth}};
}

json journal_properties(Product product) {
  json properties;
  properties["@timestamp"] = of_type("date");
  for (const char* name : {"event_id", "op", "schema", "table", "db", "lsn", "commit_lsn", "changed", "unavailable",
                           "reselected", "as_text", "topic"})
    properties[name] = of_type("keyword");
  for (const char* name : {"tx_id", "seq", "offset", "lag_ms"}) properties[name] = of_type("long");
  properties["partition"] = of_type("integer");
  properties["snapshot"] = of_type("boolean");
  properties["key"] = {{"type", "keyword"}, {"ignore_above", kIgnoreAbove}};
  properties["before"] = row_field(product);
  properties["after"] = row_field(product);
  return properties;
}

json sluice_field() {
  return {{"dynamic", false},
          {"properties",
           {{"v", of_type("long")},
            {"deleted", of_type("boolean")},
            {"partition", of_type("integer")},
            {"epoch", of_type("long")},
            {"lsn", of_type("keyword")},
            {"ts", of_type("date")},
            {"key", {{"type", "keyword"}, {"ignore_above", kIgnoreAbove}}},
            {"incomplete", of_type("keyword")},
            {"as_text", of_type("keyword")}}}};
}

int priority_of(std::string_view pattern) {
  constexpr int kAboveBuiltIn = 200;  // Elasticsearch's own templates have 100 to 200
  constexpr int kExact = 500;
  const bool exact = pattern.find('*') == std::string_view::npos;
  return exact ? kExact : kAboveBuiltIn + static_cast<int>(std::min<std::size_t>(pattern.size(), 255));
}

}  // namespace

std::string mapping_body(IndexKind kind, Product product, std::string_view properties) {
  json mapping = {{"dynamic", false}};
  if (kind == IndexKind::Journal) mapping["properties"] = journal_properties(product);
  if (kind == IndexKind::Mirror) {
    mapping["properties"] = json::parse(properties, nullptr, false);
    SLUICE_CHECK(mapping["properties"].is_object(), "field mappings are a JSON object of our own making");
    mapping["properties"]["_sluice"] = sluice_field();
  }
  return mapping.dump();
}

std::string index_body(IndexKind kind, const IndexOptions& options, const std::string& mapping) {
  json settings = {{"number_of_shards", kind == IndexKind::Bookkeeping ? 1 : options.shards},
                   {"number_of_replicas", options.replicas},
                   {"refresh_interval", fmt::format("{}ms", options.refresh_interval.count())},
                   {"translog", {{"durability", "request"}}}};
  if (kind == IndexKind::Mirror) settings["hidden"] = true;
  return json{{"settings", {{"index", std::move(settings)}}}, {"mappings", json::parse(mapping)}}.dump();
}

std::string template_body(std::string_view pattern, Product product, const std::string& index_body) {
  json body = {{"index_patterns", json::array({std::string(pattern)})},
               {"priority", priority_of(pattern)},
               {"template", json::parse(index_body)},
               {"_meta", {{"made_by", "sluice"}}}};
  if (product == Product::Elasticsearch) body["allow_auto_create"] = false;
  return body.dump();
}

}  // namespace sluice::elastic
