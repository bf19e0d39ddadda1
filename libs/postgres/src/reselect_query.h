// One question of ReselectSource: the missing columns of some rows of one table, asked without blocking.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/base/error.h"
#include "sluice/change/change_event.h"
#include "sluice/pipeline/waitable.h"
#include "sluice/postgres/connection.h"
#include "sluice/postgres/visibility.h"

namespace sluice::postgres {

/// What values of the column are in an answer, which knows no domains: their base type. Null: the column's type is
/// built in.
const change::TypeDescription* base_type(const change::Column& column);

/// Ordinals of the columns by which the new row can be found: the record key, if the event has all of it.
/// Empty: it cannot be found.
std::vector<std::uint32_t> lookup_columns(const change::ChangeEvent& event);

class ReselectQuery {
 public:
  static base::Result<ReselectQuery> open(Connection connection, base::Milliseconds query_timeout);

  /// REQUIRES: nothing is under way; all events are of one schema, have lookup_columns() and live until the answer is
  /// read.
  base::Result<void> send(std::vector<const change::ChangeEvent*> events);

  struct Answer {
    enum class Status {
      Rows,
      TryAgain,     ///< locked, timed out, cancelled: nothing was read
      NoSuchThing,  ///< table or column are gone
      Refused,      ///< the same question would fail again: `refusal` says why
    } status = Status::Rows;
    std::string refusal;
    bool refused_for_all = false;        ///< whichever rows had been asked for
    SnapshotIds snapshot;                ///< not newer than what the rows were read in
    std::vector<std::uint32_t> columns;  ///< ordinals of the schema, in the order of the values
    std::shared_ptr<pg_result> result;   ///< column 0 is the event's place, then `columns`
    /// Row of `result` that belongs to the n-th event; -1: there is none.
    std::vector<int> row_of;
  };
  /// Nothing: not there yet.
  base::Result<std::optional<Answer>> poll();

  bool under_way() const { return under_way_; }
  const std::vector<const change::ChangeEvent*>& events() const { return events_; }
  pipeline::Wait waits_for() const;

 private:
  ReselectQuery(Connection connection, base::Milliseconds patience)
      : connection_(std::move(connection)), patience_(patience) {}

  std::string sql() const;
  std::string row_sql(std::size_t place) const;
  std::string equals_sql(const change::Column& column) const;
  base::Result<Answer> read(std::vector<ResultHandle> results);

  Connection connection_;
  base::Milliseconds patience_;
  bool under_way_ = false;
  base::Deadline deadline_{};
  std::vector<const change::ChangeEvent*> events_;
  std::vector<std::uint32_t> columns_;  ///< missing in at least one of the events
  std::vector<ResultHandle> results_;
};

}  // namespace sluice::postgres
