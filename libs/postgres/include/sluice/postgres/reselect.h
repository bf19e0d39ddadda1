// Fetches out-of-line values that a message left out because they had not changed (rule P-31, policy `reselect`).
//
// A decorator of the stream. Events without Unchanged cells pass through untouched, as long as nothing waits in front
// of them. The others wait, owned, while one query per table and batch is under way on a connection of its own; what
// comes behind them queues up in order, within bounds. confirm() goes straight through: feedback never waits for a
// query.
//
// What was fetched is named in ChangeEvent::reselected: it is the value of now, not of then. A cell stays Unchanged
// when the row, column or table is gone, when the table has no key, when PostgreSQL refuses the question, or when
// nothing could be read in time (the table is locked, or the transaction waits for a synchronous standby): to wait
// without end would hold up all tables, and leave the server with a reader that does not read (rule P-15). The last two
// are told.
//
// Thread rule: one thread.
// Errors of next(): those of the source; pg.privilege (Stop: no SELECT on the table), pg.connection_lost (Retry),
// pg.unexpected_answer (Stop).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/base/error.h"
#include "sluice/change/change_event.h"
#include "sluice/pipeline/change_source.h"
#include "sluice/postgres/carried_values.h"
#include "sluice/postgres/connection.h"

namespace sluice::postgres {

struct ReselectOptions {
  std::size_t max_batch_rows = 100;     ///< in one query
  std::size_t max_held_items = 10'000;  ///< waiting; then the source is not read
  std::size_t max_held_bytes = 16'000'000;
  std::size_t max_carried_bytes = 8'000'000;  ///< see CarriedValues
  base::Milliseconds query_timeout{5'000};    ///< statement_timeout of a query; it is tried again until `deadline`
  base::Milliseconds retry_interval{50};      ///< after a query that did not see the transaction, or failed
  base::Milliseconds deadline{30'000};        ///< of an event; then its cells stay Unchanged
  base::Milliseconds max_unread{20'000};      ///< so long may the source wait for room; then events are late, too
};

struct ReselectCounters {
  std::uint64_t queries = 0;
  std::uint64_t reselected_events = 0;
  std::uint64_t carried_events = 0;    ///< filled from an earlier message of the same transaction
  std::uint64_t given_up_events = 0;   ///< at least one cell stayed Unchanged
  std::uint64_t refused_events = 0;    ///< of those: PostgreSQL refuses the question
  std::uint64_t timed_out_events = 0;  ///< of those: nothing could be read in time, though the row may be there
};

class ReselectQuery;

class ReselectSource : public pipeline::ChangeSource {
 public:
  /// Takes over an SQL connection. REQUIRES: `source` outlives this.
  static base::Result<std::unique_ptr<ReselectSource>> open(pipeline::ChangeSource& source, Connection connection,
                                                            ReselectOptions options = {});
  ~ReselectSource() override;

  base::Result<std::optional<change::SourceItem>> next() override;
  base::Result<void> confirm(change::Position durable) override { return source_.confirm(durable); }
  pipeline::Wait waits_for() const override;

  const ReselectCounters& counters() const { return counters_; }
  /// What came up since the last call, of each table once: pg.reselect_impossible,
  /// pg.reselect_timed_out.
  std::vector<base::Error> take_warnings() { return std::exchange(warnings_, {}); }
  std::size_t held_items() const { return held_.size(); }

 private:
  struct Held;
  using Item = base::Result<std::optional<change::SourceItem>>;

  ReselectSource(pipeline::ChangeSource& source, std::unique_ptr<ReselectQuery> query, ReselectOptions options);

  Item next_through();
  Item next_held();
  base::Result<void> fill_queue();
  /// The item as it is, or with carried values; true when cells are still Unchanged and can be fetched.
  bool carry(change::SourceItem& item);
  void hold(const change::SourceItem& item, bool needs_fetch);
  base::Result<void> work();
  base::Result<void> take_answer();
  base::Result<void> send_query();
  void settle(Held& held);
  bool is_late(const Held& held, base::Deadline now) const;
  void time_out(Held& held);
  void time_out_late_ones(const change::TableSchemaPtr& table, base::Deadline now);
  void note_refusal(const change::TableSchema& table, const std::string& refusal);
  void warn_once(const change::TableSchema& table, base::Error warning);
  bool has_room() const;

  pipeline::ChangeSource& source_;
  std::unique_ptr<ReselectQuery> query_;
  ReselectOptions options_;
  CarriedValues carried_;
  change::ChangeEvent filled_;  ///< the event at hand with carried values
  std::deque<std::unique_ptr<Held>> held_;
  std::deque<Held*> unfetched_;  ///< in order; those of the query under way at its front
  std::size_t held_bytes_ = 0;
  bool front_given_ = false;
  base::Deadline retry_at_{};
  std::optional<base::Deadline> unread_since_;  ///< no room since then
  ReselectCounters counters_;
  std::vector<base::Error> warnings_;
  std::set<std::pair<std::uint32_t, std::string_view>> warned_;  ///< tables, ids
};

}  // namespace sluice::postgres
