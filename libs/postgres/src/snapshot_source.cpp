#include "sluice/postgres/snapshot_source.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <libpq-fe.h>

#include "sluice/postgres/error_mapping.h"
#include "table_columns.h"

namespace sluice::postgres {
namespace {

using base::Recovery;
using base::Result;
using change::SourceItem;

std::string select_list(const Connection& connection, const pipeline::TableFacts& table) {
  std::vector<std::string> names;
  for (const std::string& column : table.columns) names.push_back(connection.identifier(column));
  return fmt::format("{}", fmt::join(names, ", "));
}

bool has_key(const change::TableSchema& schema) { return !schema.key_columns.empty(); }

// COPY of a plain table is a tenth faster than COPY of a query. ONLY: an inheritance child is a member of its own.
// Behind the columns of a table without a key stands what tells its rows from their equals (rule P-25).
std::string copy_sql(const Connection& connection, const PublishedSchema& published, const std::string& name) {
  const pipeline::TableFacts& table = published.facts;
  std::string columns = select_list(connection, table);
  const bool plain = table.kind == 'r' && table.row_filter.empty() && has_key(*published.schema);
  if (plain) return fmt::format("COPY {} ({}) TO STDOUT", name, columns);
  if (!has_key(*published.schema)) {
    columns += fmt::format("{}tableoid::text || ':' || ctid::text", columns.empty() ? "" : ", ");
  }
  const std::string filter = table.row_filter.empty() ? "" : " WHERE " + table.row_filter;
  return fmt::format("COPY (SELECT {} FROM {}{}{}) TO STDOUT", columns, table.kind == 'p' ? "" : "ONLY ", name, filter);
}

// pg_class is seen through the snapshot, the name and pg_relation_filenode() as they are now: they differ when the
// table was made again, rewritten or truncated in between. COPY's lock still holds, so that nothing can change behind
// the check.
std::string check_sql(const Connection& connection, const pipeline::TableFacts& table, const std::string& name) {
  return fmt::format(
      "SELECT {}::regclass::oid = {} AND NOT EXISTS (SELECT 1 FROM (SELECT {}::oid AS id UNION SELECT relid::oid FROM "
      "pg_partition_tree({})) t JOIN pg_class c ON c.oid = t.id WHERE c.relkind = 'r' AND pg_relation_filenode(c.oid) "
      "IS "
      "DISTINCT FROM c.relfilenode)",
      connection.literal(name), table.oid, table.oid, table.oid);
}

// One round trip a table. The savepoint lets go of the table's lock when the next one begins, for a lock held through a
// long snapshot would queue every ALTER TABLE, and behind it everybody else.
std::string table_sql(const Connection& connection, const PublishedSchema& published) {
  const pipeline::TableFacts& table = published.facts;
  const std::string name = connection.identifier(table.schema) + "." + connection.identifier(table.name);
  return fmt::format(
      "SAVEPOINT sluice_table; {}; {}; ROLLBACK TO SAVEPOINT sluice_table; RELEASE SAVEPOINT sluice_table",
      copy_sql(connection, published, name), check_sql(connection, table, name));
}

bool means_changed(std::string_view sqlstate) {
  constexpr std::array<std::string_view, 3> kStates{"42P01", "42703", "3F000"};  // table, column, schema: gone
  return std::find(kStates.begin(), kStates.end(), sqlstate) != kStates.end();
}

}  // namespace

void SnapshotSource::BufferDeleter::operator()(char* buffer) const noexcept { PQfreemem(buffer); }

SnapshotSource::SnapshotSource(Connection connection, const SnapshotOptions& options)
    : connection_(std::move(connection)) {
  event_.op = change::Op::Snapshot;
  event_.id.epoch = options.epoch;
  event_.id.commit_lsn = options.begin;
}

SnapshotSource::~SnapshotSource() = default;

Result<std::unique_ptr<SnapshotSource>> SnapshotSource::open(Connection connection, const SnapshotOptions& options,
                                                             pgoutput::Catalog& catalog) {
  std::unique_ptr<SnapshotSource> source(new SnapshotSource(std::move(connection), options));
  SLUICE_TRY(source->import(options));
  SLUICE_TRY(source->plan(options, catalog));
  return source;
}

Result<void> SnapshotSource::import(const SnapshotOptions& options) {
  SLUICE_TRY(connection_.query("beginning the snapshot", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  const auto imported = connection_.query("importing the snapshot",
                                          "SET TRANSACTION SNAPSHOT " + connection_.literal(options.snapshot_name));
  if (!imported && imported.error().recovery == Recovery::Stop) {
    return base::fail(
        Recovery::Retry, "pg.snapshot_gone",
        "the snapshot that was exported with the slot is gone, as the connection that exported it has ended "
        "or moved on. The slot is made again");
  }
  if (!imported) return tl::make_unexpected(imported.error());
  SLUICE_ASSIGN(const QueryResult answer,
                connection_.query("asking the time", "select (extract(epoch from now()) * 1000000)::bigint"));
  RowReader row = answer.row(0);
  event_.commit_time_us = row.i64();
  if (row.failed()) return unexpected_answer("the time");
  return {};
}

Result<void> SnapshotSource::plan(const SnapshotOptions& options, pgoutput::Catalog& catalog) {
  SLUICE_ASSIGN(auto tables, fetch_published_schemas(connection_, options.publication, catalog));
  for (PublishedSchema& table : tables) {
    commands_.push_back(table_sql(connection_, table));
    progress_.push_back({std::move(table.schema), table.facts.estimated_rows, 0, 0, false});
  }
  return {};
}

Result<std::optional<SourceItem>> SnapshotSource::next() {
  row_ready_ = false;
  while (phase_ != Phase::End) {
    SLUICE_ASSIGN(const bool advanced, advance());
    if (row_ready_) return SourceItem(&event_);
    if (!advanced) return std::nullopt;
  }
  return SourceItem(change::EndOfSource{});
}

Result<void> SnapshotSource::confirm(change::Position) { return {}; }

pipeline::Wait SnapshotSource::waits_for() const { return {PQsocket(connection_.raw()), POLLIN, std::nullopt}; }

Result<bool> SnapshotSource::advance() {
  switch (phase_) {
    case Phase::NextTable: return start_table();
    case Phase::Starting:
    case Phase::Checking: return read_result();
    case Phase::Copying: return read_row();
    case Phase::End: break;
  }
  return true;
}

Result<bool> SnapshotSource::start_table() {
  if (current_ == progress_.size()) {
    phase_ = Phase::End;
    return true;
  }
  event_.table = progress_[current_].table;
  event_.row_identity = {};
  if (PQsendQuery(connection_.raw(), commands_[current_].c_str()) == 0) return failure_of(nullptr);
  phase_ = Phase::Starting;
  return true;
}

// Reads what has arrived. False: nothing more to do before the socket has something.
Result<bool> SnapshotSource::receive() {
  if (PQconsumeInput(connection_.raw()) == 0) return failure_of(nullptr);
  return PQisBusy(connection_.raw()) == 0;
}

Result<bool> SnapshotSource::read_result() {
  if (PQisBusy(connection_.raw()) != 0) {
    SLUICE_ASSIGN(const bool ready, receive());
    if (!ready) return false;
  }
  const ResultHandle result(PQgetResult(connection_.raw()));
  if (result == nullptr) {
    progress_[current_++].finished = true;
    phase_ = Phase::NextTable;
    return true;
  }
  switch (PQresultStatus(result.get())) {
    case PGRES_COMMAND_OK: return true;
    case PGRES_COPY_OUT: phase_ = Phase::Copying; return true;
    case PGRES_TUPLES_OK: {
      RowReader row(result.get(), 0);
      if (PQntuples(result.get()) != 1 || !row.boolean()) return table_changed();
      return true;
    }
    default: return failure_of(result.get());
  }
}

Result<bool> SnapshotSource::read_row() {
  char* buffer = nullptr;
  int size = PQgetCopyData(connection_.raw(), &buffer, 1);
  if (size == 0) {
    if (PQconsumeInput(connection_.raw()) == 0) return failure_of(nullptr);
    size = PQgetCopyData(connection_.raw(), &buffer, 1);
  }
  line_.reset(buffer);
  if (size == 0) return false;
  if (size < -1) return failure_of(nullptr);
  if (size == -1) {
    phase_ = Phase::Checking;
    return true;
  }
  TableProgress& progress = progress_[current_];
  const auto bytes = static_cast<std::size_t>(size);
  SLUICE_TRY(parse_row({buffer, bytes}, *progress.table));
  ++progress.rows;
  progress.bytes += bytes;
  row_ready_ = true;
  return true;
}

Result<void> SnapshotSource::parse_row(std::string_view line, const change::TableSchema& table) {
  if (has_key(table)) return parser_.parse(line, table.columns.size(), event_.after);
  SLUICE_TRY(parser_.parse(line, table.columns.size() + 1, identified_));
  event_.after.clear();
  for (std::size_t ordinal = 0; ordinal < table.columns.size(); ++ordinal) event_.after.add(identified_[ordinal]);
  event_.row_identity = identified_[table.columns.size()].bytes;
  return {};
}

tl::unexpected<base::Error> SnapshotSource::table_changed() const {
  return base::fail(
      Recovery::Retry, "pg.table_changed",
      fmt::format("the table {} was altered, rewritten, truncated or made again while the snapshot was read, "
                  "so that its old rows cannot be had any more. The snapshot begins again",
                  change::qualified_name(*progress_[current_].table)));
}

tl::unexpected<base::Error> SnapshotSource::failure_of(const pg_result* result) {
  const char* state = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* primary = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (state != nullptr && means_changed(state)) return table_changed();
  const std::string message =
      primary == nullptr ? connection_.last_message() : scrubbed(primary, connection_.options());
  const std::string attempted = fmt::format("the snapshot of {}", change::qualified_name(*progress_[current_].table));
  return tl::make_unexpected(query_error(state == nullptr ? "" : state, message, attempted));
}

}  // namespace sluice::postgres
