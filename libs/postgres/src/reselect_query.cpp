#include "reselect_query.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <libpq-fe.h>

#include "sluice/base/check.h"
#include "sluice/postgres/error_mapping.h"

namespace sluice::postgres {
namespace {

using base::Recovery;
using base::Result;
using change::CellKind;
using change::ChangeEvent;

// The server's statement_timeout answers first; this is for a server that does not answer at all.
constexpr base::Milliseconds kGrace{5'000};

std::vector<std::uint32_t> missing_columns(const std::vector<const ChangeEvent*>& events) {
  std::vector<std::uint32_t> columns;
  for (std::uint32_t ordinal = 0; ordinal < events.front()->table->columns.size(); ++ordinal) {
    const bool missing = std::any_of(events.begin(), events.end(), [ordinal](const ChangeEvent* event) {
      return event->after[ordinal].kind == CellKind::Unchanged;
    });
    if (missing) columns.push_back(ordinal);
  }
  return columns;
}

bool is_gone(std::string_view sqlstate) { return sqlstate == "42P01" || sqlstate == "42703" || sqlstate == "3F000"; }

// Names and types are wrong whatever the rows are.
bool is_about_the_statement(std::string_view sqlstate) { return sqlstate.substr(0, 2) == "42"; }

}  // namespace

const change::TypeDescription* base_type(const change::Column& column) {
  const change::TypeDescription* type = column.type.get();
  while (type != nullptr && type->kind == change::TypeKind::Domain && type->element != nullptr) {
    type = type->element.get();
  }
  return type;
}

std::vector<std::uint32_t> lookup_columns(const ChangeEvent& event) {
  const auto& key = event.table->key_columns;
  const bool complete = std::all_of(key.begin(), key.end(), [&event](std::uint32_t ordinal) {
    return ordinal < event.after.size() && event.after[ordinal].kind == CellKind::Text;
  });
  return complete ? key : std::vector<std::uint32_t>();
}

Result<ReselectQuery> ReselectQuery::open(Connection connection, base::Milliseconds query_timeout) {
  SLUICE_TRY(
      connection.query("preparing the session",
                       fmt::format("SET statement_timeout = {0}; SET lock_timeout = {0}", query_timeout.count())));
  return ReselectQuery(std::move(connection), query_timeout + kGrace);
}

Result<void> ReselectQuery::send(std::vector<const ChangeEvent*> events) {
  SLUICE_CHECK(!under_way_ && !events.empty(), "one query at a time, about something");
  events_ = std::move(events);
  columns_ = missing_columns(events_);
  results_.clear();
  if (PQsendQuery(connection_.raw(), sql().c_str()) == 0) {
    return tl::make_unexpected(query_error("", connection_.last_message(), "fetching unchanged columns"));
  }
  under_way_ = true;
  deadline_ = base::Clock::now() + patience_;
  return {};
}

// The snapshot is asked for in a statement before: what was visible to the first is visible to the second.
std::string ReselectQuery::sql() const {
  std::string text = "SELECT pg_current_snapshot(); ";
  for (std::size_t place = 0; place < events_.size(); ++place) {
    if (place > 0) text += " UNION ALL ";
    text += row_sql(place);
  }
  return text;
}

// Untyped literals take the type of the key's columns, so that the key's index serves. A table made again under the
// same name has another oid; of a partitioned table the leaves have theirs.
std::string ReselectQuery::row_sql(std::size_t place) const {
  const ChangeEvent& event = *events_[place];
  std::string text = fmt::format("SELECT {}", place);
  for (const std::uint32_t ordinal : columns_) {
    text += ", t." + connection_.identifier(event.table->columns[ordinal].name);
  }
  text += fmt::format(" FROM {}.{} t WHERE (t.tableoid = {} OR (SELECT relkind FROM pg_class WHERE oid = {}) = 'p')",
                      connection_.identifier(event.table->schema), connection_.identifier(event.table->name),
                      event.table->oid, event.table->oid);
  for (const std::uint32_t ordinal : lookup_columns(event)) {
    const change::Column& column = event.table->columns[ordinal];
    text += fmt::format(" AND t.{} {} {}", connection_.identifier(column.name), equals_sql(column),
                        connection_.literal(event.after[ordinal].bytes));
  }
  return text;
}

// The search path is empty. An extension has its operators beside its types; all other types compare with those of
// pg_catalog.
std::string ReselectQuery::equals_sql(const change::Column& column) const {
  const change::TypeDescription* type = base_type(column);
  const bool has_own = type != nullptr && type->kind == change::TypeKind::Base && !type->extension.empty();
  return has_own ? fmt::format("OPERATOR({}.=)", connection_.identifier(type->schema)) : "=";
}

Result<std::optional<ReselectQuery::Answer>> ReselectQuery::poll() {
  pg_conn* const raw = connection_.raw();
  if (PQisBusy(raw) != 0 && PQconsumeInput(raw) == 0) {
    return tl::make_unexpected(query_error("", connection_.last_message(), "fetching unchanged columns"));
  }
  while (PQisBusy(raw) == 0) {
    ResultHandle result(PQgetResult(raw));
    if (result == nullptr) {
      under_way_ = false;
      SLUICE_ASSIGN(Answer answer, read(std::move(results_)));
      return answer;
    }
    results_.push_back(std::move(result));
  }
  if (base::Clock::now() >= deadline_) {
    return base::fail(
        Recovery::Retry, "pg.timeout",
        "PostgreSQL does not answer the query for unchanged columns. It is tried again; look at the server");
  }
  return std::nullopt;
}

Result<ReselectQuery::Answer> ReselectQuery::read(std::vector<ResultHandle> results) {
  Answer answer;
  for (const ResultHandle& result : results) {
    if (PQresultStatus(result.get()) == PGRES_TUPLES_OK) continue;
    const char* field = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
    const std::string_view state = field == nullptr ? "" : field;
    answer.status = Answer::Status::NoSuchThing;
    if (is_gone(state)) return answer;
    const char* primary = PQresultErrorField(result.get(), PG_DIAG_MESSAGE_PRIMARY);
    const std::string message = scrubbed(primary == nullptr ? "" : primary, connection_.options());
    base::Error error = query_error(state, message, "fetching unchanged columns");
    if (error.id != "pg.query_failed") return tl::make_unexpected(std::move(error));
    answer.status = error.recovery == Recovery::Retry ? Answer::Status::TryAgain : Answer::Status::Refused;
    answer.refusal = std::move(error.message);
    answer.refused_for_all = is_about_the_statement(state);
    return answer;
  }
  if (results.size() != 2 || PQntuples(results[0].get()) != 1) return unexpected_answer("unchanged columns");
  SLUICE_ASSIGN(answer.snapshot, parse_snapshot(PQgetvalue(results[0].get(), 0, 0)));
  answer.columns = columns_;
  answer.row_of.assign(events_.size(), -1);
  answer.result = std::move(results[1]);
  for (int index = 0; index < PQntuples(answer.result.get()); ++index) {
    RowReader row(answer.result.get(), index);
    const std::uint64_t place = row.u64();
    if (row.failed() || place >= events_.size()) return unexpected_answer("unchanged columns");
    answer.row_of[place] = index;
  }
  return answer;
}

pipeline::Wait ReselectQuery::waits_for() const { return {PQsocket(connection_.raw()), POLLIN, deadline_}; }

}  // namespace sluice::postgres
