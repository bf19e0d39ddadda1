// The publication: what it publishes, whether it covers what was asked for, and making it.
//
// Thread rule: one thread per connection. All work on both kinds of connection.
// Errors of all: those of Connection::query(), pg.unexpected_answer (Stop).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/change/table_schema.h"
#include "sluice/pgoutput/catalog.h"
#include "sluice/pipeline/source_facts.h"
#include "sluice/postgres/connection.h"

namespace sluice::postgres {

struct TableName {
  std::string schema;
  std::string name;
  friend auto operator<=>(const TableName&, const TableName&) = default;
};

/// "sales.orders".
std::string to_string(const TableName& table);

/// Nothing: there is no publication of this name.
base::Result<std::optional<pipeline::PublicationFacts>> fetch_publication(Connection& connection,
                                                                          std::string_view publication);

/// The same without `tables`: cheap enough for a running pipeline. Each of two questions has this patience.
base::Result<std::optional<pipeline::PublicationFacts>> fetch_publication_row(base::Milliseconds patience,
                                                                              Connection& connection,
                                                                              std::string_view publication);

/// Facts of tables as if they were published with all columns, in the order of `tables`.
/// Error: pg.table_missing (Stop), with the nearest names that exist.
base::Result<std::vector<pipeline::TableFacts>> fetch_tables(Connection& connection, std::span<const TableName> tables);

/// Which of `tables` the publication does not publish under their own names (a leaf of a published root is not).
std::vector<TableName> uncovered_tables(const pipeline::PublicationFacts& publication,
                                        std::span<const TableName> tables);

/// PostgreSQL refuses every UPDATE and DELETE of the table, whoever wants it, while a publication of such changes holds
/// it: pg.updates_refused (Stop), with the reason. Nothing: it does not.
std::optional<base::Error> refused_updates(std::string_view publication, const pipeline::TableFacts& table);

/// Partitions whose rows a snapshot reads, and whose changes are never in the WAL (rule P-35): pg.table_not_logged.
/// Nothing: there are none.
std::optional<base::Error> undecoded_partitions(const pipeline::TableFacts& table);

/// CREATE PUBLICATION … FOR TABLE … WITH (publish_via_partition_root = true). Before the slot, always (rule P-20).
/// Errors: pg.table_missing (Stop), pg.privilege (Stop; the message has the command for the DBA).
/// `operations`: insert, update, delete, truncate.
base::Result<void> create_publication(Connection& connection, std::string_view publication,
                                      std::span<const TableName> tables, std::span<const std::string> operations);

/// The tables of a publication as the stream's Relation messages will describe them: the same columns, flags and so the
/// same schema_id. `catalog` adds what Relation messages do not say.
/// Error: pg.publication_missing (Stop).
base::Result<std::vector<change::TableSchemaPtr>> fetch_schemas(Connection& connection, std::string_view publication,
                                                                pgoutput::Catalog& catalog);

}  // namespace sluice::postgres
