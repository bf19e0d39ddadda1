#include "sluice/codec/control_record.h"

#include <charconv>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "builtin_types.h"

namespace sluice::codec {
namespace {

// The members stand in the order they are written in. Numbers of 64 bits stand as text: many JSON readers keep only 53.
using Json = nlohmann::ordered_json;

constexpr std::string_view kEpochPrefix = "epoch:";
constexpr std::string_view kSchemaPrefix = "schema:";
constexpr std::string_view kSnapshotPrefix = "snapshot:";

std::string hex_id(std::uint64_t id) { return fmt::format("{:016x}", id); }

/// Names come from the database, which need not be UTF-8.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string_view category_of(change::TypeKind kind) {
  switch (kind) {
    case change::TypeKind::Base: return "base";
    case change::TypeKind::Enum: return "enum";
    case change::TypeKind::Domain: return "domain";
    case change::TypeKind::Array: return "array";
    case change::TypeKind::Composite: return "composite";
    case change::TypeKind::Range: return "range";
    case change::TypeKind::Multirange: return "multirange";
  }
  return "base";
}

struct MadeOf {
  std::string_view name;
  std::string_view category;
};

/// Behind all domains and arrays: what the values are made of.
MadeOf made_of(std::uint32_t oid, const change::TypeDescription* type) {
  if (is_builtin_array(oid)) oid = builtin_element(oid);
  if (const std::string_view builtin = builtin_type_name(oid); !builtin.empty())
    return {builtin, builtin_category(oid)};
  if (type == nullptr) return {{}, "base"};
  const bool has_base = type->kind == change::TypeKind::Domain || type->kind == change::TypeKind::Array;
  if (!has_base || type->element == nullptr) return {type->name, category_of(type->kind)};
  return made_of(type->element->oid, type->element.get());
}

void describe(SchemaRecord::Column& column, const change::TypeDescription* type) {
  const std::string_view builtin = builtin_type_name(column.type_oid);
  if (!builtin.empty()) {
    column.type = is_builtin_array(column.type_oid) ? fmt::format("_{}", builtin) : std::string(builtin);
    column.category = builtin_category(column.type_oid);
  } else {
    column.category = category_of(type != nullptr ? type->kind : change::TypeKind::Base);
    if (type != nullptr) column.type = type->name;
  }
  const MadeOf base = made_of(column.type_oid, type);
  column.base_category = base.category;
  const bool has_base = column.category == "domain" || column.category == "array";
  if (has_base && (type == nullptr || type->element != nullptr)) column.base_type = base.name;
}

Json to_json(const EpochRecord& record) {
  return Json{{"pipeline", record.pipeline},
              {"epoch", record.epoch},
              {"system_id", std::to_string(record.system_id)},
              {"database", record.database},
              {"slot", record.slot}};
}

Json to_json(const SchemaRecord::Column& column) {
  return Json{{"name", column.name},
              {"type_oid", column.type_oid},
              {"type_modifier", column.type_modifier},
              {"type", column.type},
              {"category", column.category},
              {"base_type", column.base_type},
              {"base_category", column.base_category},
              {"identity", column.identity},
              {"primary_key", column.primary_key},
              {"nullable", column.nullable ? Json(*column.nullable) : Json(nullptr)}};
}

Json to_json(const SchemaRecord& record) {
  Json columns = Json::array();
  for (const SchemaRecord::Column& column : record.columns) columns.push_back(to_json(column));
  return Json{{"id", hex_id(record.id)},
              {"oid", record.oid},
              {"schema", record.schema},
              {"table", record.table},
              {"identity", std::string(1, static_cast<char>(record.identity))},
              {"columns", std::move(columns)}};
}

Json to_json(const SnapshotRecord& record) {
  Json tables = Json::array();
  for (const SnapshotRecord::Table& table : record.tables) {
    tables.push_back(Json{{"schema", table.schema},
                          {"table", table.table},
                          {"schema_id", hex_id(table.schema_id)},
                          {"rows", table.rows}});
  }
  Json ranges = Json::array();
  for (const SnapshotRecord::Range& range : record.ranges) {
    ranges.push_back(
        Json{{"topic", range.topic}, {"partition", range.partition}, {"begin", range.begin}, {"end", range.end}});
  }
  return Json{{"pipeline", record.pipeline},
              {"epoch", record.epoch},
              {"lsn", change::to_string(record.lsn)},
              {"tables", std::move(tables)},
              {"ranges", std::move(ranges)}};
}

/// What a record lacks or has of another type. Thrown and caught within this file only, as nlohmann's own errors are.
struct BadRecord {
  std::string what;
};

template <class T>
T unsigned_text(const Json& json, std::string_view name, int base) {
  const auto text = json.at(name).get<std::string>();
  T number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) throw BadRecord{fmt::format("{} is no number", name)};
  return number;
}

/// A number that fits: nlohmann's own get<T>() cuts off silently.
template <class T>
T number(const Json& json, std::string_view name) {
  const Json& value = json.at(name);
  if (!value.is_number_integer()) throw BadRecord{fmt::format("{} is no whole number", name)};
  const bool fits = value.is_number_unsigned() ? std::in_range<T>(value.get<std::uint64_t>())
                                               : std::in_range<T>(value.get<std::int64_t>());
  if (!fits) throw BadRecord{fmt::format("{} is too large", name)};
  return value.get<T>();
}

std::string text(const Json& json, std::string_view name) { return json.at(name).get<std::string>(); }

EpochRecord epoch_from(const Json& json) {
  return {text(json, "pipeline"), number<std::uint32_t>(json, "epoch"),
          unsigned_text<std::uint64_t>(json, "system_id", 10), text(json, "database"), text(json, "slot")};
}

SchemaRecord::Column column_from(const Json& json) {
  SchemaRecord::Column column;
  column.name = text(json, "name");
  column.type_oid = number<std::uint32_t>(json, "type_oid");
  column.type_modifier = number<std::int32_t>(json, "type_modifier");
  column.type = text(json, "type");
  column.category = text(json, "category");
  column.base_type = text(json, "base_type");
  // Records that were written before there was this member have none.
  const MadeOf builtin = made_of(column.type_oid, nullptr);
  const std::string_view known = builtin.name.empty() ? std::string_view(column.category) : builtin.category;
  column.base_category = json.contains("base_category") ? text(json, "base_category") : std::string(known);
  column.identity = json.at("identity").get<bool>();
  column.primary_key = json.at("primary_key").get<bool>();
  if (!json.at("nullable").is_null()) column.nullable = json.at("nullable").get<bool>();
  return column;
}

SchemaRecord schema_from(const Json& json) {
  SchemaRecord record;
  record.id = unsigned_text<std::uint64_t>(json, "id", 16);
  record.oid = number<std::uint32_t>(json, "oid");
  record.schema = text(json, "schema");
  record.table = text(json, "table");
  const std::string identity = text(json, "identity");
  if (identity.size() != 1 || std::string_view("dnfi").find(identity) == std::string_view::npos) {
    throw BadRecord{"identity is none of d, n, f, i"};
  }
  record.identity = static_cast<change::ReplicaIdentity>(identity.front());
  const Json& columns = json.at("columns");
  if (!columns.is_array()) throw BadRecord{"columns is no array"};
  for (const Json& column : columns) record.columns.push_back(column_from(column));
  return record;
}

SnapshotRecord snapshot_from(const Json& json) {
  SnapshotRecord record;
  record.pipeline = text(json, "pipeline");
  record.epoch = number<std::uint32_t>(json, "epoch");
  const base::Result<change::Lsn> lsn = change::Lsn::parse(text(json, "lsn"));
  if (!lsn) throw BadRecord{"lsn is no WAL position"};
  record.lsn = *lsn;
  if (!json.at("tables").is_array() || !json.at("ranges").is_array()) throw BadRecord{"tables or ranges is no array"};
  for (const Json& table : json.at("tables")) {
    record.tables.push_back({text(table, "schema"), text(table, "table"),
                             unsigned_text<std::uint64_t>(table, "schema_id", 16),
                             number<std::uint64_t>(table, "rows")});
  }
  for (const Json& range : json.at("ranges")) {
    record.ranges.push_back({text(range, "topic"), number<std::int32_t>(range, "partition"),
                             number<std::int64_t>(range, "begin"), number<std::int64_t>(range, "end")});
  }
  return record;
}

std::optional<ControlRecord> record_from(std::string_view key, std::string_view value) {
  if (key.starts_with(kEpochPrefix)) return epoch_from(Json::parse(value));
  if (key.starts_with(kSchemaPrefix)) return schema_from(Json::parse(value));
  if (key.starts_with(kSnapshotPrefix)) return snapshot_from(Json::parse(value));
  return std::nullopt;
}

tl::unexpected<base::Error> bad_control_record(std::string_view kind, std::string_view what) {
  return base::fail(
      base::Recovery::Stop, "codec.bad_control_record",
      fmt::format("A record '{}…' of the control topic cannot be read ({}); find out who else writes into that "
                  "topic, or use the version of this program that wrote it",
                  kind, what));
}

}  // namespace

SchemaRecord schema_record(const change::TableSchema& schema) {
  SchemaRecord record;
  record.id = schema.id;
  record.oid = schema.oid;
  record.schema = schema.schema;
  record.table = schema.name;
  record.identity = schema.identity;
  for (const change::Column& from : schema.columns) {
    SchemaRecord::Column& column = record.columns.emplace_back();
    column.name = from.name;
    column.type_oid = from.type_oid;
    column.type_modifier = from.type_modifier;
    column.identity = from.identity;
    column.primary_key = from.primary_key;
    column.nullable = from.nullable;
    describe(column, from.type.get());
  }
  return record;
}

std::string control_key(const ControlRecord& record) {
  if (const auto* epoch = std::get_if<EpochRecord>(&record)) return fmt::format("{}{}", kEpochPrefix, epoch->pipeline);
  if (const auto* schema = std::get_if<SchemaRecord>(&record))
    return fmt::format("{}{}", kSchemaPrefix, hex_id(schema->id));
  const auto& snapshot = std::get<SnapshotRecord>(record);
  return fmt::format("{}{}:{}", kSnapshotPrefix, snapshot.pipeline, snapshot.epoch);
}

std::string control_value(const ControlRecord& record) {
  return std::visit([](const auto& kind) { return dump(to_json(kind)); }, record);
}

base::Result<std::optional<ControlRecord>> parse_control_record(std::string_view key, std::string_view value) {
  const std::string_view kind = key.substr(0, key.find(':') + 1);
  try {
    std::optional<ControlRecord> record = record_from(key, value);
    if (record && control_key(*record) != key) return bad_control_record(kind, "its key and its value contradict");
    return record;
  } catch (const BadRecord& bad) {
    return bad_control_record(kind, bad.what);
  } catch (const Json::exception&) {
    // Its text would repeat what stands in the record.
    return bad_control_record(kind, "it is not JSON, or lacks a member, or has one of another type");
  }
}

}  // namespace sluice::codec
