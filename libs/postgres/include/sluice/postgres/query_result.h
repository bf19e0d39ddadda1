// The rows of one answer, read by type. What the server sends is checked: a reader that meets something it did not
// expect is failed(), gives zeros and empty texts from then on, and is asked once at the end.
//
// Thread rule: one thread. Views live as long as the QueryResult.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/error.h"
#include "sluice/base/handle.h"
#include "sluice/change/lsn.h"

struct pg_result;

namespace sluice::postgres {

void clear_result(pg_result* result) noexcept;
using ResultHandle = base::Handle<pg_result, &clear_result>;

/// Reads the cells of one row from left to right.
class RowReader {
 public:
  RowReader(const pg_result* result, int row) : result_(result), row_(row) {}

  std::string_view text();  ///< null is unexpected
  std::optional<std::string_view> optional_text();
  std::string string() { return std::string(text()); }
  std::string string_or_empty() { return std::string(optional_text().value_or("")); }
  bool boolean();
  char character();  ///< of PostgreSQL's type "char"
  std::uint32_t u32();
  std::uint64_t u64();
  std::int64_t i64();
  std::optional<std::int64_t> optional_i64();
  double f64();
  change::Lsn lsn();  ///< null: 0/0

  bool failed() const { return failed_; }

 private:
  template <class T>
  T number(std::string_view value);

  const pg_result* result_;
  int row_;
  int column_ = 0;
  bool failed_ = false;
};

class QueryResult {
 public:
  explicit QueryResult(ResultHandle result) : result_(std::move(result)) {}

  int rows() const;
  int columns() const;
  RowReader row(int index) const { return {result_.get(), index}; }

 private:
  ResultHandle result_;
};

/// The error of a reader that failed(): pg.unexpected_answer (Stop).
tl::unexpected<base::Error> unexpected_answer(std::string_view question);

}  // namespace sluice::postgres
