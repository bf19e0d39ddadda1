// A catalog that answers from memory: tables and types that it was not told of are gone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "sluice/pgoutput/catalog.h"

namespace sluice::testing {

class FakeCatalog : public pgoutput::Catalog {
 public:
  base::Result<pgoutput::TableDetails> table(std::uint32_t relation_oid) override {
    ++table_lookups;
    if (unreachable) return base::fail(base::Recovery::Retry, "pg.connection_lost", "the catalog cannot be reached");
    const auto found = tables.find(relation_oid);
    return found == tables.end() ? pgoutput::TableDetails{} : found->second;
  }

  base::Result<change::TypeDescriptionPtr> type(std::uint32_t type_oid) override {
    const auto found = types.find(type_oid);
    return found == types.end() ? change::TypeDescriptionPtr{} : found->second;
  }

  void add_type(std::uint32_t oid, std::string schema, std::string name, change::TypeKind kind) {
    auto described = std::make_shared<change::TypeDescription>();
    described->oid = oid;
    described->schema = std::move(schema);
    described->name = std::move(name);
    described->kind = kind;
    types[oid] = described;
  }

  std::map<std::uint32_t, pgoutput::TableDetails> tables;
  std::map<std::uint32_t, change::TypeDescriptionPtr> types;
  int table_lookups = 0;
  bool unreachable = false;
};

}  // namespace sluice::testing
