#include "relation_cache.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "protocol_violation.h"

namespace sluice::pgoutput {
namespace {

/// Pairs that were found to be the same: a composite may name one type over and over, each with others inside.
using SamePairs = std::set<std::pair<const change::TypeDescription*, const change::TypeDescription*>>;

bool same_type(const change::TypeDescriptionPtr& a, const change::TypeDescriptionPtr& b, SamePairs& same) {
  if (a == b) return true;
  if (a == nullptr || b == nullptr) return false;
  if (same.contains({a.get(), b.get()})) return true;
  const bool is_same = a->oid == b->oid && a->schema == b->schema && a->name == b->name &&
                       a->extension == b->extension && a->kind == b->kind && a->array_delimiter == b->array_delimiter &&
                       same_type(a->element, b->element, same) &&
                       std::equal(a->fields.begin(), a->fields.end(), b->fields.begin(), b->fields.end(),
                                  [&same](const change::TypeField& left, const change::TypeField& right) {
                                    return left.name == right.name && left.type_oid == right.type_oid &&
                                           same_type(left.type, right.type, same);
                                  });
  if (is_same) same.emplace(a.get(), b.get());
  return is_same;
}

/// schema_id() covers what the message says; the rest is what the catalog said.
bool same_version(const change::TableSchema& a, const change::TableSchema& b) {
  SamePairs same;
  return a.id == b.id && std::equal(a.columns.begin(), a.columns.end(), b.columns.begin(), b.columns.end(),
                                    [&same](const change::Column& left, const change::Column& right) {
                                      return left.nullable == right.nullable && left.primary_key == right.primary_key &&
                                             same_type(left.type, right.type, same);
                                    });
}

/// All columns of the key or none: a part of a key names other rows too. (The catalog may know newer names than the
/// message, and a publication's column list may lack some.)
void mark_primary_key(const std::vector<std::string>& primary_key, change::TableSchema& table) {
  std::vector<change::Column*> key;
  for (change::Column& column : table.columns) {
    if (std::find(primary_key.begin(), primary_key.end(), column.name) != primary_key.end()) key.push_back(&column);
  }
  if (key.size() != primary_key.size()) return;
  for (change::Column* column : key) column->primary_key = true;
}

}  // namespace

const change::TableSchemaPtr* RelationCache::find_other(std::uint32_t oid) {
  const auto found = tables_.find(oid);
  if (found == tables_.end()) return nullptr;
  last_ = &found->second;
  return last_;
}

base::Result<void> RelationCache::learn(const Relation& relation) {
  SLUICE_ASSIGN(change::TableSchema table, complete(relation));
  const change::TableSchemaPtr learned = change::finish_schema(std::move(table));
  const change::TableSchemaPtr* const known = find(learned->oid);
  if (known == nullptr || !same_version(**known, *learned)) tables_[learned->oid] = learned;
  return {};
}

base::Result<change::TableSchema> RelationCache::complete(const Relation& relation) {
  change::TableSchema table;
  table.oid = relation.oid;
  table.schema = relation.schema;
  table.name = relation.name;
  table.identity = relation.identity;
  SLUICE_ASSIGN(const TableDetails details, catalog_.table(relation.oid));
  for (const RelationColumn& sent : relation.columns) {
    change::Column column;
    column.name = sent.name;
    column.type_oid = sent.type_oid;
    column.type_modifier = sent.type_modifier;
    column.identity = sent.identity;
    if (const auto known = details.nullable.find(column.name); known != details.nullable.end())
      column.nullable = known->second;
    if (sent.type_oid >= kFirstUnstableTypeOid) {
      SLUICE_ASSIGN(column.type, describe_type(sent.type_oid));
    }
    table.columns.push_back(std::move(column));
  }
  mark_primary_key(details.primary_key, table);
  return table;
}

base::Result<change::TypeDescriptionPtr> RelationCache::describe_type(std::uint32_t type_oid) {
  SLUICE_ASSIGN(change::TypeDescriptionPtr described, catalog_.type(type_oid));
  if (described != nullptr) return described;
  const auto named = types_.find(type_oid);
  if (named == types_.end()) {
    return protocol_violation(
        fmt::format("a RELATION uses type {}, which neither the catalog nor a TYPE describes", type_oid));
  }
  auto fallback = std::make_shared<change::TypeDescription>();
  fallback->oid = type_oid;
  fallback->schema = named->second.schema;
  fallback->name = named->second.name;
  return fallback;
}

}  // namespace sluice::pgoutput
