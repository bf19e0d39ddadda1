// The tables of one replication connection: the newest Relation message of each, completed from the catalog.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "sluice/base/error.h"
#include "sluice/change/table_schema.h"
#include "sluice/pgoutput/catalog.h"
#include "sluice/pgoutput/messages.h"

namespace sluice::pgoutput {

class RelationCache {
 public:
  explicit RelationCache(Catalog& catalog) : catalog_(catalog) {}

  /// The table of that oid, or null when no Relation message named it. Valid until the next learn().
  const change::TableSchemaPtr* find(std::uint32_t oid) {
    if (last_ != nullptr && (*last_)->oid == oid) [[likely]]
      return last_;
    return find_other(oid);
  }

  void learn(const Type& type) { types_[type.oid] = {std::string(type.schema), std::string(type.name)}; }

  /// A message that changes nothing keeps the TableSchema, so that nobody has to prepare for it again. Errors: those of
  /// the catalog; pgoutput.protocol_violation.
  base::Result<void> learn(const Relation& relation);

 private:
  struct TypeName {
    std::string schema;
    std::string name;
  };

  const change::TableSchemaPtr* find_other(std::uint32_t oid);
  base::Result<change::TableSchema> complete(const Relation& relation);
  base::Result<change::TypeDescriptionPtr> describe_type(std::uint32_t type_oid);

  Catalog& catalog_;
  std::unordered_map<std::uint32_t, change::TableSchemaPtr> tables_;
  std::unordered_map<std::uint32_t, TypeName> types_;
  const change::TableSchemaPtr* last_ = nullptr;  ///< into tables_: most rows are of the table of the row before
};

}  // namespace sluice::pgoutput
