#include "sluice/postgres/query_result.h"

#include <charconv>
#include <cstdlib>
#include <limits>

#include <fmt/core.h>
#include <libpq-fe.h>

namespace sluice::postgres {

void clear_result(pg_result* result) noexcept { PQclear(result); }

std::optional<std::string_view> RowReader::optional_text() {
  const int column = column_++;
  if (failed_ || column >= PQnfields(result_)) {
    failed_ = true;
    return std::nullopt;
  }
  if (PQgetisnull(result_, row_, column) != 0) return std::nullopt;
  return std::string_view(PQgetvalue(result_, row_, column),
                          static_cast<std::size_t>(PQgetlength(result_, row_, column)));
}

std::string_view RowReader::text() {
  const auto value = optional_text();
  if (!value) failed_ = true;
  return value.value_or("");
}

bool RowReader::boolean() {
  const std::string_view value = text();
  if (value != "t" && value != "f") failed_ = true;
  return value == "t";
}

char RowReader::character() {
  const std::string_view value = text();
  return value.empty() ? '\0' : value.front();
}

template <class T>
T RowReader::number(std::string_view value) {
  T parsed{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
  if (error != std::errc() || end != value.data() + value.size()) {
    failed_ = true;
    return {};
  }
  return parsed;
}

std::uint32_t RowReader::u32() { return number<std::uint32_t>(text()); }
std::uint64_t RowReader::u64() { return number<std::uint64_t>(text()); }
std::int64_t RowReader::i64() { return number<std::int64_t>(text()); }
std::optional<std::int64_t> RowReader::optional_i64() {
  const auto value = optional_text();
  if (!value) return std::nullopt;
  return number<std::int64_t>(*value);
}

double RowReader::f64() { return number<double>(text()); }

change::Lsn RowReader::lsn() {
  const auto value = optional_text();
  if (!value) return {};
  const auto parsed = change::Lsn::parse(*value);
  if (!parsed) failed_ = true;
  return parsed.value_or(change::Lsn());
}

int QueryResult::rows() const { return PQntuples(result_.get()); }

int QueryResult::columns() const { return PQnfields(result_.get()); }

tl::unexpected<base::Error> unexpected_answer(std::string_view question) {
  return base::fail(base::Recovery::Stop, "pg.unexpected_answer",
                    fmt::format("PostgreSQL answered the question for {} in a form that this version does not know. "
                                "Check that the server is PostgreSQL 14 to 18, and report it",
                                question));
}

}  // namespace sluice::postgres
