#include "table_columns.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include <fmt/core.h>

namespace sluice::postgres {
namespace {

using base::Result;

// The functions for rights know the catalog of now and say null of what was dropped while the question was answered
// from its snapshot: that is no lack of a right.

// Roots of partitioned tables hold no rows themselves: partitions and estimates are those of their leaves.
constexpr const char* kTableQuery = R"(
with target as ({})
select c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relispartition, c.relreplident,
       coalesce(leaf.leaves, 0), coalesce(leaf.foreigners, 0), coalesce(leaf.unlogged, 0),
       case when c.relkind = 'p' then coalesce(leaf.rows, -1) else c.reltuples end::float8,
       target.listed, coalesce(pg_get_expr(target.qual, c.oid), ''),
       row_security_active(c.oid), coalesce(has_schema_privilege(n.oid, 'USAGE'), true),
       coalesce((select not i.indimmediate from pg_index i where i.indrelid = c.oid and i.indisprimary), false)
  from target join pg_class c on c.oid = target.relid join pg_namespace n on n.oid = c.relnamespace
  left join lateral (select count(*) as leaves, count(*) filter (where l.relkind = 'f') as foreigners,
                            count(*) filter (where l.relpersistence = 'u') as unlogged,
                            case when min(l.reltuples) < 0 then -1 else sum(l.reltuples) end as rows
                       from pg_partition_tree(c.oid) t join pg_class l on l.oid = t.relid
                      where t.isleaf and c.relkind = 'p') leaf on true
 order by n.nspname, c.relname)";

// Identity flags as RelationGetIdentityKeyBitmap() gives them to pgoutput: a deferrable key is none.
constexpr const char* kColumnQuery = R"(
with target as ({})
select a.attrelid, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attgenerated <> '',
       case when target.attrs is null then a.attgenerated = ''
            else a.attnum = any(target.attrs)
                 and (a.attgenerated = '' or current_setting('server_version_num')::int >= 180000) end,
       a.attlen = -1 and a.attstorage in ('x', 'e', 'm'),
       coalesce(has_column_privilege(a.attrelid, a.attnum, 'SELECT'), true),
       c.relreplident = 'f' or exists (
         select 1 from pg_index i where i.indrelid = c.oid and i.indisvalid and i.indisunique and i.indimmediate
            and i.indpred is null and a.attnum = any((i.indkey::int2[])[0:i.indnkeyatts - 1])
            and ((c.relreplident = 'd' and i.indisprimary) or (c.relreplident = 'i' and i.indisreplident))),
       exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisprimary
                  and a.attnum = any((i.indkey::int2[])[0:i.indnkeyatts - 1])),
       coalesce(target.qual::text ~ format(':varattno %s ', a.attnum), false)
  from target join pg_class c on c.oid = target.relid join pg_attribute a on a.attrelid = c.oid
 where a.attnum > 0 and not a.attisdropped
 order by a.attrelid, a.attnum)";

/// From 16 on the server opens a table to list its columns; one that was dropped meanwhile is an internal error to it.
Result<QueryResult> ask(Connection& connection, const std::string& attempted, const std::string& sql) {
  auto answer = connection.query(attempted, sql);
  if (!answer && answer.error().message.find("SQLSTATE XX000") != std::string::npos) {
    answer.error().recovery = base::Recovery::Retry;
  }
  return answer;
}

pipeline::TableFacts read_table(RowReader& row) {
  pipeline::TableFacts table;
  table.oid = row.u32();
  table.schema = row.string();
  table.name = row.string();
  table.kind = row.character();
  table.persistence = row.character();
  table.partition = row.boolean();
  table.identity = static_cast<change::ReplicaIdentity>(row.character());
  table.partitions = row.u32();
  table.foreign_partitions = row.u32();
  table.unlogged_partitions = row.u32();
  table.estimated_rows = row.f64();
  table.column_list = row.boolean();
  table.row_filter = row.string();
  table.row_security = row.boolean();
  table.may_select = row.boolean();
  table.primary_key_deferrable = row.boolean();
  return table;
}

void add_column(PublishedTable& table, PublishedColumn column) {
  pipeline::TableFacts& facts = table.facts;
  const std::string& name = column.column.name;
  facts.columns.push_back(name);
  if (column.column.identity) facts.identity_columns.push_back(name);
  if (column.toastable) facts.toastable_columns.push_back(name);
  facts.may_select = facts.may_select && column.may_select;
  table.columns.push_back(std::move(column));
}

Result<void> read_columns(const QueryResult& answer, std::uint32_t server_version,
                          std::vector<PublishedTable>& tables) {
  // From 18 on a generated column of the identity must be published, too; before none could be.
  const bool publishes_generated = server_version >= 180'000;
  std::unordered_map<std::uint32_t, PublishedTable*> by_oid;
  for (PublishedTable& table : tables) by_oid.emplace(table.facts.oid, &table);
  for (int index = 0; index < answer.rows(); ++index) {
    RowReader row = answer.row(index);
    const auto found = by_oid.find(row.u32());
    PublishedColumn column;
    column.column.name = row.string();
    column.column.type_oid = row.u32();
    column.column.type_modifier = static_cast<std::int32_t>(row.i64());
    column.column.nullable = !row.boolean();
    const bool generated = row.boolean();
    const bool published = row.boolean();
    column.toastable = row.boolean();
    column.may_select = row.boolean();
    column.column.identity = row.boolean();
    column.column.primary_key = row.boolean();
    const bool filters = row.boolean();
    if (row.failed()) return unexpected_answer("the columns of tables");
    if (found == by_oid.end()) continue;  // made between the two questions
    pipeline::TableFacts& facts = found->second->facts;
    const std::string& name = column.column.name;
    if (generated) facts.generated_columns.push_back(name);
    if (column.column.primary_key) facts.primary_key.push_back(name);
    if (column.column.identity && !published && (!generated || publishes_generated)) {
      facts.unpublished_identity.push_back(name);
    }
    if (filters && !column.column.identity) facts.filter_beside_identity.push_back(name);
    if (published) add_column(*found->second, std::move(column));
  }
  return {};
}

// All columns of the key or none, as in the stream's schemas: a part of a key names other rows too.
bool publishes_primary_key(const PublishedTable& table) {
  const auto published = std::count_if(table.columns.begin(), table.columns.end(),
                                       [](const PublishedColumn& column) { return column.column.primary_key; });
  return static_cast<std::size_t>(published) == table.facts.primary_key.size();
}

Result<change::TableSchemaPtr> schema_of(PublishedTable& table, pgoutput::Catalog& catalog) {
  const bool whole_key = publishes_primary_key(table);
  change::TableSchema schema;
  schema.oid = table.facts.oid;
  schema.schema = table.facts.schema;
  schema.name = table.facts.name;
  schema.identity = table.facts.identity;
  for (PublishedColumn& published : table.columns) {
    published.column.primary_key = published.column.primary_key && whole_key;
    if (published.column.type_oid >= pgoutput::kFirstUnstableTypeOid) {
      SLUICE_ASSIGN(published.column.type, catalog.type(published.column.type_oid));
    }
    schema.columns.push_back(std::move(published.column));
  }
  return change::finish_schema(std::move(schema));
}

}  // namespace

std::string published_tables_sql(const Connection& connection, const std::string& publication) {
  // Version 14 knows neither column lists nor row filters.
  if (connection.server_version_num() < 150'000) {
    return fmt::format(
        "select relid, null::int2vector as attrs, null::pg_node_tree as qual, false as listed"
        " from pg_get_publication_tables({})",
        publication);
  }
  return fmt::format(
      "select g.relid, g.attrs, g.qual, exists (select 1 from pg_publication_rel r join pg_publication p on p.oid = "
      "r.prpubid"
      " where p.pubname = {0} and r.prrelid = g.relid and r.prattrs is not null) as listed"
      " from pg_get_publication_tables({0}) g",
      publication);
}

Result<std::vector<PublishedTable>> fetch_published_tables(Connection& connection, const std::string& targets_sql) {
  std::vector<PublishedTable> tables;
  SLUICE_ASSIGN(const QueryResult found,
                ask(connection, "reading the tables", fmt::format(fmt::runtime(kTableQuery), targets_sql)));
  for (int index = 0; index < found.rows(); ++index) {
    RowReader row = found.row(index);
    PublishedTable table;
    table.facts = read_table(row);
    if (row.failed()) return unexpected_answer("the tables");
    tables.push_back(std::move(table));
  }
  SLUICE_ASSIGN(const QueryResult columns,
                ask(connection, "reading the columns", fmt::format(fmt::runtime(kColumnQuery), targets_sql)));
  SLUICE_TRY(read_columns(columns, connection.server_version_num(), tables));
  return tables;
}

Result<std::vector<PublishedSchema>> fetch_published_schemas(Connection& connection, std::string_view publication,
                                                             pgoutput::Catalog& catalog) {
  const std::string name = connection.literal(publication);
  SLUICE_ASSIGN(const QueryResult exists, connection.query("looking for the publication",
                                                           "select 1 from pg_publication where pubname = " + name));
  if (exists.rows() == 0) {
    return base::fail(
        base::Recovery::Stop, "pg.publication_missing",
        fmt::format("the publication {} does not exist. Create it, or correct postgres.publication_name", publication));
  }
  SLUICE_ASSIGN(auto tables, fetch_published_tables(connection, published_tables_sql(connection, name)));
  std::vector<PublishedSchema> schemas;
  for (PublishedTable& table : tables) {
    SLUICE_ASSIGN(change::TableSchemaPtr schema, schema_of(table, catalog));
    schemas.push_back({std::move(table.facts), std::move(schema)});
  }
  return schemas;
}

}  // namespace sluice::postgres
