#include "sluice/documents/mirror_columns.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

namespace sluice::documents {
namespace {

using nlohmann::ordered_json;

/// Fields that Elasticsearch or OpenSearch refuse inside of a document, or give a meaning of their own.
constexpr std::array<std::string_view, 19> kMetadataFields = {"_id",
                                                              "_index",
                                                              "_source",
                                                              "_type",
                                                              "_routing",
                                                              "_ignored",
                                                              "_field_names",
                                                              "_size",
                                                              "_doc_count",
                                                              "_tier",
                                                              "_version",
                                                              "_seq_no",
                                                              "_primary_term",
                                                              "_nested_path",
                                                              "_feature",
                                                              "_ignored_source",
                                                              "_data_stream_timestamp",
                                                              "_inference_fields",
                                                              "_tsid"};

constexpr int kIgnoreAbove = 8191;

ordered_json keyword() { return {{"type", "keyword"}, {"ignore_above", kIgnoreAbove}}; }
ordered_json not_searchable() { return {{"type", "object"}, {"enabled", false}}; }
ordered_json number(std::string_view type) { return {{"type", type}}; }
ordered_json lenient(std::string_view type) { return {{"type", type}, {"ignore_malformed", true}}; }

ordered_json with_copy(ordered_json field, std::string_view name, ordered_json copy) {
  field["fields"] = ordered_json{{std::string(name), std::move(copy)}};
  return field;
}

ordered_json mapping_of_time(std::string_view type, const codec::ValueOptions& values) {
  const bool is_number =
      type == "timestamptz" ? values.time == codec::TimeForm::Micros : values.time != codec::TimeForm::Iso;
  // In a long "infinity" and years beyond its range have no place, but must not cost the row.
  if (is_number) return lenient("long");
  return {{"type", "date"}, {"format", "strict_date_optional_time"}, {"ignore_malformed", true}};
}

ordered_json mapping_of_numeric(const codec::ValueOptions& values) {
  if (values.decimal == codec::DecimalForm::Double) return lenient("double");
  return with_copy(keyword(), "n", lenient("double"));
}

ordered_json mapping_of_base(std::string_view type, const codec::ValueOptions& values) {
  if (type == "int2") return number("short");
  if (type == "int4") return number("integer");
  if (type == "int8" || type == "oid") return number("long");
  if (type == "float4") return lenient("float");
  if (type == "float8") return lenient("double");
  if (type == "numeric") return mapping_of_numeric(values);
  if (type == "bool") return number("boolean");
  if (type == "date" || type == "timestamp" || type == "timestamptz") return mapping_of_time(type, values);
  if (type == "text" || type == "varchar" || type == "bpchar") return with_copy(keyword(), "text", number("text"));
  if (type == "json" || type == "jsonb" || type == "hstore") return not_searchable();
  if (type == "vector" || type == "halfvec" || type == "sparsevec") return not_searchable();
  const bool is_geometry = type == "geometry" || type == "geography";
  if (is_geometry && values.geometry == codec::GeometryForm::GeoJson) return not_searchable();
  if (type == "inet") return with_copy(keyword(), "ip", lenient("ip"));
  if (type == "bytea" && values.bytea == codec::BytesForm::Base64) return {{"type", "binary"}};
  return keyword();
}

struct RangeType {
  std::string_view range;
  std::string_view multirange;
  std::string_view bound;
};
constexpr RangeType kRangeTypes[] = {
    {"int4range", "int4multirange", "int4"},  {"int8range", "int8multirange", "int8"},
    {"numrange", "nummultirange", "numeric"}, {"daterange", "datemultirange", "date"},
    {"tsrange", "tsmultirange", "timestamp"}, {"tstzrange", "tstzmultirange", "timestamptz"}};

/// The bounds are fields of their own: a field of Elasticsearch's range types would refuse the empty range, infinite
/// bounds and NaN.
ordered_json mapping_of_range(std::string_view type, const codec::ValueOptions& values) {
  const auto known = std::find_if(std::begin(kRangeTypes), std::end(kRangeTypes),
                                  [&](const RangeType& of) { return of.range == type || of.multirange == type; });
  // A bound of more than 1,000 digits makes the whole value a text, which such an object has no place for.
  const bool has_long_numbers = type.starts_with("num") && values.decimal == codec::DecimalForm::Number;
  if (known == std::end(kRangeTypes) || has_long_numbers) return not_searchable();
  ordered_json bounds = {{"empty", number("boolean")}};
  for (const char* name : {"gte", "gt", "lte", "lt"}) bounds[name] = mapping_of_base(known->bound, values);
  return {{"properties", std::move(bounds)}};
}

ordered_json mapping_of(const codec::SchemaRecord::Column& column, const codec::ValueOptions& values) {
  if (values.form == codec::ValueForm::Text) return with_copy(keyword(), "text", number("text"));
  const std::string_view made_of = column.base_category;
  if (made_of == "composite") return not_searchable();
  if (made_of == "enum") return keyword();
  const bool has_base = column.category == "domain" || column.category == "array";
  std::string_view type = has_base && !column.base_type.empty() ? column.base_type : column.type;
  // The name of an array type: a domain over one, or an array of which nothing says what its elements are ("_int4").
  if (has_base && type.starts_with('_')) type.remove_prefix(1);
  if (made_of == "range" || made_of == "multirange") return mapping_of_range(type, values);
  return mapping_of_base(type, values);
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos; }

}  // namespace

bool is_reserved_field(std::string_view column) {
  return column == "_sluice" || column.find('.') != std::string_view::npos || is_blank(column) ||
         std::find(kMetadataFields.begin(), kMetadataFields.end(), column) != kMetadataFields.end();
}

std::string field_name(std::string_view column) {
  if (!is_reserved_field(column)) return std::string(column);
  std::string name = fmt::format("column_{}", column);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

base::Result<MirrorColumns> MirrorColumns::of(const codec::SchemaRecord& schema) {
  MirrorColumns columns;
  std::set<std::string> names;
  const bool by_primary_key = schema.identity == change::ReplicaIdentity::Full;
  for (const codec::SchemaRecord::Column& column : schema.columns) {
    if (is_reserved_field(column.name)) columns.plain_ = false;
    if (by_primary_key ? column.primary_key : column.identity) columns.key_.push_back(column.name);
    if (names.insert(field_name(column.name)).second) continue;
    return base::fail(
        base::Recovery::Stop, "es.column_collision",
        fmt::format("Two columns of {}.{} would be the field {} of the mirror. Rename one of them, or leave "
                    "the table out of the publication",
                    schema.schema, schema.table, field_name(column.name)));
  }
  if (!columns.key_.empty()) return columns;
  return base::fail(
      base::Recovery::Stop, "es.mirror_no_key",
      fmt::format("The table {}.{} has no key that its changes carry, so it cannot have a mirror. Give it a "
                  "primary key or a replica identity (ALTER TABLE … REPLICA IDENTITY USING INDEX …), leave "
                  "it out of the publication, or set elasticsearch.mirror: off",
                  schema.schema, schema.table));
}

bool MirrorColumns::is_key(std::string_view column) const {
  return std::find(key_.begin(), key_.end(), column) != key_.end();
}

std::string mirror_mapping(const codec::SchemaRecord& schema, const codec::ValueOptions& values) {
  ordered_json properties = ordered_json::object();
  for (const codec::SchemaRecord::Column& column : schema.columns)
    properties[field_name(column.name)] = mapping_of(column, values);
  return properties.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace sluice::documents
