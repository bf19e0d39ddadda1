// The two catalog queries about tables that facts and schemas share: one row per table, one row per column.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/change/table_schema.h"
#include "sluice/pgoutput/catalog.h"
#include "sluice/pipeline/source_facts.h"
#include "sluice/postgres/connection.h"

namespace sluice::postgres {

/// SQL of a relation (relid oid, attrs int2vector, qual pg_node_tree, listed bool): what a publication gives.
std::string published_tables_sql(const Connection& connection, const std::string& publication_literal);

struct PublishedColumn {
  change::Column column;  ///< name, type OID, modifier, identity; primary_key, nullable
  bool toastable = false;
  bool may_select = false;
};

struct PublishedTable {
  pipeline::TableFacts facts;
  std::vector<PublishedColumn> columns;  ///< published ones, in the order of the table
};

/// Ordered by schema and name.
base::Result<std::vector<PublishedTable>> fetch_published_tables(Connection& connection,
                                                                 const std::string& targets_sql);

struct PublishedSchema {
  pipeline::TableFacts facts;
  change::TableSchemaPtr schema;
};

/// The tables of a publication with their schemas as the stream's Relation messages will give them. `catalog` describes
/// types. Error: pg.publication_missing (Stop).
base::Result<std::vector<PublishedSchema>> fetch_published_schemas(Connection& connection, std::string_view publication,
                                                                   pgoutput::Catalog& catalog);

}  // namespace sluice::postgres
