#include "sluice/postgres/publication.h"

#include <algorithm>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "name_distance.h"
#include "table_columns.h"

namespace sluice::postgres {
namespace {

using base::Recovery;
using base::Result;
using pipeline::PublicationFacts;
using pipeline::TableFacts;

constexpr std::size_t kMaxSuggestions = 3;

Result<std::optional<PublicationFacts>> read_publication(base::Milliseconds patience, Connection& connection,
                                                         const std::string& name_literal) {
  SLUICE_ASSIGN(
      const QueryResult answer,
      connection.query_within(patience, "reading pg_publication",
                              "select pubname, oid, xmin, puballtables, pubinsert, pubupdate, pubdelete, pubtruncate,"
                              " pubviaroot from pg_publication where pubname = " +
                                  name_literal));
  if (answer.rows() == 0) return std::nullopt;
  RowReader row = answer.row(0);
  PublicationFacts facts;
  facts.name = row.string();
  facts.oid = row.u32();
  facts.xmin = row.u32();
  facts.all_tables = row.boolean();
  facts.inserts = row.boolean();
  facts.updates = row.boolean();
  facts.deletes = row.boolean();
  facts.truncates = row.boolean();
  facts.via_partition_root = row.boolean();
  if (row.failed()) return unexpected_answer("pg_publication");
  return facts;
}

std::string members_sql(std::uint32_t version, std::uint32_t publication_oid) {
  std::string sql = fmt::format(
      "select n.nspname || '.' || c.relname, r.oid, r.xmin, c.oid, false from pg_publication_rel r"
      " join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace where r.prpubid = {}",
      publication_oid);
  if (version >= 150'000) {
    sql += fmt::format(
        " union all select n.nspname::text, p.oid, p.xmin, n.oid, true from pg_publication_namespace p"
        " join pg_namespace n on n.oid = p.pnnspid where p.pnpubid = {}",
        publication_oid);
  }
  return sql + " order by 1";
}

Result<void> read_members(base::Milliseconds patience, Connection& connection, PublicationFacts& facts) {
  SLUICE_ASSIGN(const QueryResult answer,
                connection.query_within(patience, "reading the publication's members",
                                        members_sql(connection.server_version_num(), facts.oid)));
  for (int index = 0; index < answer.rows(); ++index) {
    RowReader row = answer.row(index);
    PublicationFacts::Member member;
    member.name = row.string();
    member.oid = row.u32();
    member.xmin = row.u32();
    member.object_oid = row.u32();
    member.is_schema = row.boolean();
    if (row.failed()) return unexpected_answer("the publication's members");
    facts.members.push_back(std::move(member));
  }
  return {};
}

Result<std::vector<std::string>> existing_tables(Connection& connection) {
  SLUICE_ASSIGN(const QueryResult answer,
                connection.query("reading the names of tables",
                                 "select n.nspname || '.' || c.relname from pg_class c"
                                 " join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p')"
                                 " and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') limit 5000"));
  std::vector<std::string> names;
  for (int index = 0; index < answer.rows(); ++index) {
    RowReader row = answer.row(index);
    names.push_back(row.string());
    if (row.failed()) return unexpected_answer("the names of tables");
  }
  return names;
}

Result<void> report_missing(Connection& connection, std::span<const std::string> missing) {
  if (missing.empty()) return {};
  SLUICE_ASSIGN(const std::vector<std::string> existing, existing_tables(connection));
  std::vector<std::string> sentences;
  for (const std::string& name : missing) {
    const std::vector<std::string> near = nearest_names(name, existing, kMaxSuggestions);
    sentences.push_back(near.empty() ? name : fmt::format("{} (is {} meant?)", name, fmt::join(near, " or ")));
  }
  return base::fail(
      Recovery::Stop, "pg.table_missing",
      fmt::format("these tables do not exist in the database: {}. Correct postgres.tables, or create them",
                  fmt::join(sentences, ", ")));
}

std::string values_list(const Connection& connection, std::span<const TableName> tables) {
  std::vector<std::string> rows;
  for (std::size_t index = 0; index < tables.size(); ++index) {
    rows.push_back(fmt::format("({}, {}, {})", index, connection.literal(tables[index].schema),
                               connection.literal(tables[index].name)));
  }
  return fmt::format("{}", fmt::join(rows, ", "));
}

Result<void> require_tables(Connection& connection, std::span<const TableName> tables) {
  if (tables.empty()) return {};
  SLUICE_ASSIGN(const QueryResult answer,
                connection.query("looking for the tables",
                                 fmt::format("select w.nsp || '.' || w.rel from (values {}) w (place, nsp, rel)"
                                             " where not exists (select 1 from pg_class c join pg_namespace n"
                                             " on n.oid = c.relnamespace where n.nspname = w.nsp and c.relname = w.rel"
                                             " and c.relkind in ('r', 'p')) order by w.place",
                                             values_list(connection, tables))));
  std::vector<std::string> missing;
  for (int index = 0; index < answer.rows(); ++index) {
    RowReader row = answer.row(index);
    missing.push_back(row.string());
  }
  return report_missing(connection, missing);
}

std::string create_sql(const Connection& connection, std::string_view publication, std::span<const TableName> tables,
                       std::span<const std::string> operations) {
  std::vector<std::string> names;
  for (const TableName& table : tables) {
    names.push_back(connection.identifier(table.schema) + "." + connection.identifier(table.name));
  }
  return fmt::format("CREATE PUBLICATION {} FOR TABLE {} WITH (publish = {}, publish_via_partition_root = true)",
                     connection.identifier(publication), fmt::join(names, ", "),
                     connection.literal(fmt::format("{}", fmt::join(operations, ", "))));
}

Result<void> run_read_write(Connection& connection, const std::string& attempted, const std::string& sql) {
  SLUICE_TRY(connection.query(attempted, "BEGIN READ WRITE"));
  if (auto done = connection.query(attempted, sql); !done) {
    (void)connection.query(attempted, "ROLLBACK");  // the first error is the one to tell
    return tl::make_unexpected(std::move(done.error()));
  }
  SLUICE_TRY(connection.query(attempted, "COMMIT"));
  return {};
}

}  // namespace

std::string to_string(const TableName& table) { return table.schema + "." + table.name; }

Result<std::optional<PublicationFacts>> fetch_publication_row(base::Milliseconds patience, Connection& connection,
                                                              std::string_view publication) {
  SLUICE_ASSIGN(std::optional<PublicationFacts> facts,
                read_publication(patience, connection, connection.literal(publication)));
  if (facts) SLUICE_TRY(read_members(patience, connection, *facts));
  return facts;
}

Result<std::optional<PublicationFacts>> fetch_publication(Connection& connection, std::string_view publication) {
  SLUICE_ASSIGN(auto facts, fetch_publication_row(connection.options().query_timeout, connection, publication));
  if (!facts) return facts;
  const std::string name = connection.literal(publication);
  SLUICE_ASSIGN(auto tables, fetch_published_tables(connection, published_tables_sql(connection, name)));
  for (PublishedTable& table : tables) facts->tables.push_back(std::move(table.facts));
  return facts;
}

Result<std::vector<TableFacts>> fetch_tables(Connection& connection, std::span<const TableName> tables) {
  if (tables.empty()) return std::vector<TableFacts>();
  SLUICE_TRY(require_tables(connection, tables));
  SLUICE_ASSIGN(
      auto found,
      fetch_published_tables(
          connection,
          fmt::format("select c.oid as relid, null::int2vector as attrs, null::pg_node_tree as qual, false as listed"
                      " from (values {}) w (place, nsp, rel) join pg_namespace n on n.nspname = w.nsp"
                      " join pg_class c on c.relnamespace = n.oid and c.relname = w.rel",
                      values_list(connection, tables))));
  std::vector<TableFacts> facts;
  for (const TableName& wanted : tables) {
    const auto at = std::find_if(found.begin(), found.end(), [&](const PublishedTable& table) {
      return table.facts.schema == wanted.schema && table.facts.name == wanted.name;
    });
    if (at != found.end()) facts.push_back(at->facts);
  }
  return facts;
}

std::vector<TableName> uncovered_tables(const PublicationFacts& publication, std::span<const TableName> tables) {
  std::vector<TableName> uncovered;
  for (const TableName& wanted : tables) {
    const bool covered = std::any_of(
        publication.tables.begin(), publication.tables.end(),
        [&](const TableFacts& table) { return table.schema == wanted.schema && table.name == wanted.name; });
    if (!covered) uncovered.push_back(wanted);
  }
  return uncovered;
}

std::optional<base::Error> refused_updates(std::string_view publication, const TableFacts& table) {
  const std::string name = table.schema + "." + table.name;
  std::string reason;
  std::string remedy;
  if (table.identity_columns.empty() && table.unpublished_identity.empty()) {
    reason = "it has no replica identity (SQLSTATE 55000)";
    remedy = "Give it a primary key, or run ALTER TABLE " + name + " REPLICA IDENTITY FULL";
  } else if (!table.unpublished_identity.empty()) {
    reason = fmt::format("its replica identity has the column {}, which is not published (SQLSTATE 42P10)",
                         table.unpublished_identity.front());
    remedy = "Publish that column, too, or choose an identity without it: ALTER TABLE … REPLICA IDENTITY USING INDEX …";
  } else if (!table.filter_beside_identity.empty()) {
    reason = fmt::format("its row filter asks for the column {}, which the replica identity lacks (SQLSTATE 42P10)",
                         table.filter_beside_identity.front());
    remedy = "Filter by columns of the identity, or run ALTER TABLE " + name + " REPLICA IDENTITY FULL";
  } else {
    return std::nullopt;
  }
  return base::Error{Recovery::Stop, "pg.updates_refused",
                     fmt::format("while the publication {} holds {} and publishes updates and deletes, PostgreSQL "
                                 "refuses these to every application: {}. {}",
                                 publication, name, reason, remedy)};
}

std::optional<base::Error> undecoded_partitions(const TableFacts& table) {
  if (table.foreign_partitions == 0 && table.unlogged_partitions == 0) return std::nullopt;
  return base::Error{
      Recovery::Stop, "pg.table_not_logged",
      fmt::format("{}.{} has partitions whose changes are never in the WAL (foreign tables: {}, unlogged: {}): a "
                  "snapshot reads their rows, and no change of them is ever sent. Make unlogged ones logged (ALTER "
                  "TABLE … SET LOGGED); detach foreign ones, and capture them where they are",
                  table.schema, table.name, table.foreign_partitions, table.unlogged_partitions)};
}

Result<void> create_publication(Connection& connection, std::string_view publication, std::span<const TableName> tables,
                                std::span<const std::string> operations) {
  SLUICE_TRY(require_tables(connection, tables));
  const std::string sql = create_sql(connection, publication, tables, operations);
  auto created = run_read_write(connection, fmt::format("creating the publication {}", publication), sql);
  if (!created && created.error().id == "pg.privilege") {
    created.error().message += fmt::format(". Or let the owner of the tables run it, and start again: {}", sql);
  }
  return created;
}

Result<std::vector<change::TableSchemaPtr>> fetch_schemas(Connection& connection, std::string_view publication,
                                                          pgoutput::Catalog& catalog) {
  SLUICE_ASSIGN(auto tables, fetch_published_schemas(connection, publication, catalog));
  std::vector<change::TableSchemaPtr> schemas;
  for (PublishedSchema& table : tables) schemas.push_back(std::move(table.schema));
  return schemas;
}

}  // namespace sluice::postgres
