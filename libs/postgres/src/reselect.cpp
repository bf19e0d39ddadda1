#include "sluice/postgres/reselect.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <fmt/core.h>
#include <libpq-fe.h>

#include "reselect_query.h"
#include "sluice/base/check.h"

namespace sluice::postgres {
namespace {

using base::Clock;
using base::Result;
using change::CellKind;
using change::ChangeEvent;
using change::Op;
using change::Row;
using change::SourceItem;

// So many items at most are taken from the source in one call while others wait.
constexpr int kMaxReadAhead = 1'000;
constexpr std::size_t kHeldOverheadBytes = 400;

bool has_unchanged(const Row& row) {
  return std::any_of(row.cells().begin(), row.cells().end(),
                     [](const change::Cell& cell) { return cell.kind == CellKind::Unchanged; });
}

bool brings_values(const ChangeEvent& event) { return event.op == Op::Update || event.op == Op::Insert; }

std::size_t bytes_of(const Row& row) {
  std::size_t bytes = row.size() * sizeof(change::Cell);
  for (const change::Cell& cell : row.cells()) bytes += cell.bytes.size();
  return bytes;
}

// Everything but the rows.
void copy_head(const ChangeEvent& from, ChangeEvent& to) {
  to.id = from.id;
  to.op = from.op;
  to.table = from.table;
  to.xid = from.xid;
  to.commit_time_us = from.commit_time_us;
  to.record_lsn = from.record_lsn;
  to.before_is_key_only = from.before_is_key_only;
  to.reselected = from.reselected;
  to.row_identity = from.row_identity;
  to.truncate = from.truncate;
  to.message = from.message;
}

void copy_views(const Row& from, Row& to) {
  to.clear();
  for (const change::Cell& cell : from.cells()) to.add(cell);
}

change::Cell cell_of(const pg_result& result, int row, int column) {
  if (PQgetisnull(&result, row, column) != 0) return {CellKind::Null, {}};
  return {CellKind::Text,
          {PQgetvalue(&result, row, column), static_cast<std::size_t>(PQgetlength(&result, row, column))}};
}

std::uint32_t answered_type(const change::Column& column) {
  const change::TypeDescription* type = base_type(column);
  return type == nullptr ? column.type_oid : type->oid;
}

}  // namespace

/// An item that waits, with bytes of its own.
struct ReselectSource::Held {
  explicit Held(const SourceItem& source_item) : item(source_item) {
    const auto* const* const given = std::get_if<const ChangeEvent*>(&source_item);
    if (given == nullptr) return;
    copy_head(**given, event);
    event.before = (*given)->before.owned();
    event.after = (*given)->after.owned();
    prefix = event.message.prefix;
    content = event.message.content;
    event.message.prefix = prefix;
    event.message.content = content;
    item = &event;
    bytes = bytes_of(event.before) + bytes_of(event.after) + prefix.size() + content.size();
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  /// Fills what is Unchanged out of a row of the answer; how many bytes that were. A column that has another type by
  /// now stays as it is.
  std::size_t take(const ReselectQuery::Answer& answer, int row) {
    std::size_t taken = 0;
    for (std::size_t index = 0; index < answer.columns.size(); ++index) {
      const std::uint32_t ordinal = answer.columns[index];
      const int column = static_cast<int>(index) + 1;  // behind the event's place
      if (event.after[ordinal].kind != CellKind::Unchanged) continue;
      if (PQftype(answer.result.get(), column) != answered_type(event.table->columns[ordinal])) continue;
      const change::Cell cell = cell_of(*answer.result, row, column);
      taken += cell.bytes.size();
      event.after.replace(ordinal, cell);
      event.reselected.push_back(ordinal);
    }
    fetched = answer.result;
    bytes += taken;
    return taken;
  }

  SourceItem item;
  ChangeEvent event;
  std::string prefix;
  std::string content;
  std::shared_ptr<pg_result> fetched;  ///< holds the values that were reselected
  std::size_t bytes = 0;
  bool ready = true;
  bool alone = false;  ///< is asked for in a query of its own
  base::Deadline deadline{};
};

ReselectSource::ReselectSource(pipeline::ChangeSource& source, std::unique_ptr<ReselectQuery> query,
                               ReselectOptions options)
    : source_(source), query_(std::move(query)), options_(options), carried_(options.max_carried_bytes) {}

ReselectSource::~ReselectSource() = default;

Result<std::unique_ptr<ReselectSource>> ReselectSource::open(pipeline::ChangeSource& source, Connection connection,
                                                             ReselectOptions options) {
  SLUICE_ASSIGN(ReselectQuery query, ReselectQuery::open(std::move(connection), options.query_timeout));
  return std::unique_ptr<ReselectSource>(
      new ReselectSource(source, std::make_unique<ReselectQuery>(std::move(query)), options));
}

Result<std::optional<SourceItem>> ReselectSource::next() {
  if (front_given_) {
    held_bytes_ -= held_.front()->bytes + kHeldOverheadBytes;
    held_.pop_front();
    front_given_ = false;
    unread_since_.reset();
  }
  return held_.empty() ? next_through() : next_held();
}

ReselectSource::Item ReselectSource::next_through() {
  SLUICE_ASSIGN(std::optional<SourceItem> item, source_.next());
  if (!item) return std::nullopt;
  if (!carry(*item)) return item;
  hold(*item, true);
  return next_held();
}

bool ReselectSource::carry(SourceItem& item) {
  if (std::holds_alternative<change::TransactionEnd>(item)) carried_.clear();
  const auto* const* const given = std::get_if<const ChangeEvent*>(&item);
  if (given == nullptr || !brings_values(**given) || !carried_.worth_remembering(**given)) return false;
  if (!has_unchanged((*given)->after)) {
    carried_.remember(**given);
    return false;
  }
  copy_head(**given, filled_);
  copy_views((*given)->before, filled_.before);
  copy_views((*given)->after, filled_.after);
  carried_.fill(filled_);
  carried_.remember(filled_);
  item = &filled_;
  const bool complete = !has_unchanged(filled_.after);
  if (complete) ++counters_.carried_events;
  if (complete) return false;
  if (!lookup_columns(filled_).empty()) return true;
  ++counters_.given_up_events;
  return false;
}

void ReselectSource::hold(const SourceItem& item, bool needs_fetch) {
  auto held = std::make_unique<Held>(item);
  held->ready = !needs_fetch;
  held->deadline = Clock::now() + options_.deadline;
  held_bytes_ += held->bytes + kHeldOverheadBytes;
  if (needs_fetch) unfetched_.push_back(held.get());
  held_.push_back(std::move(held));
}

bool ReselectSource::has_room() const {
  return held_.size() < options_.max_held_items && held_bytes_ < options_.max_held_bytes;
}

ReselectSource::Item ReselectSource::next_held() {
  if (!held_.front()->ready) SLUICE_TRY(fill_queue());
  if (!unfetched_.empty()) SLUICE_TRY(work());
  if (!held_.front()->ready) return std::nullopt;
  front_given_ = true;
  return held_.front()->item;
}

// Reading on makes the next query's batch larger.
Result<void> ReselectSource::fill_queue() {
  if (!has_room() && !unread_since_) unread_since_ = Clock::now();
  for (int count = 0; count < kMaxReadAhead && has_room(); ++count) {
    SLUICE_ASSIGN(std::optional<SourceItem> item, source_.next());
    if (!item) return {};
    const bool needs_fetch = carry(*item);
    hold(*item, needs_fetch);
  }
  return {};
}

Result<void> ReselectSource::work() {
  if (query_->under_way()) SLUICE_TRY(take_answer());
  // While much of what was fetched waits to be taken, no more is fetched.
  const bool wants_more = !unfetched_.empty() && (!held_.front()->ready || held_bytes_ < options_.max_held_bytes);
  const bool may_ask = wants_more && !query_->under_way() && Clock::now() >= retry_at_;
  return may_ask ? send_query() : Result<void>();
}

// The events of the query are those at the front of unfetched_ that have the schema of the first.
Result<void> ReselectSource::send_query() {
  const Held& first = *unfetched_.front();
  const std::size_t rows = first.alone ? 1 : options_.max_batch_rows;
  std::vector<const ChangeEvent*> events;
  for (const Held* held : unfetched_) {
    if (events.size() == rows) break;
    if (held->event.table == first.event.table && held->alone == first.alone) events.push_back(&held->event);
  }
  ++counters_.queries;
  return query_->send(std::move(events));
}

Result<void> ReselectSource::take_answer() {
  SLUICE_ASSIGN(const auto answer, query_->poll());
  if (!answer) return {};
  using Status = ReselectQuery::Answer::Status;
  const auto now = Clock::now();
  const auto& asked = query_->events();
  const bool refused = answer->status == Status::Refused;
  // What is wrong with one row must not take the others' values.
  const bool split = refused && !answer->refused_for_all && asked.size() > 1;
  bool again = false;
  std::size_t place = 0;  // of the next event of the query
  for (Held* held : unfetched_) {
    if (place == asked.size()) break;
    if (&held->event != asked[place]) continue;
    const int row = answer->status == Status::Rows ? answer->row_of[place] : -1;
    ++place;
    if (split) {
      held->alone = true;
      continue;
    }
    const bool answered = refused || answer->status == Status::NoSuchThing ||
                          (answer->status == Status::Rows && is_visible(held->event.xid, answer->snapshot));
    if (!answered) {
      if (is_late(*held, now)) time_out(*held);
      again = again || !held->ready;
      continue;
    }
    if (row >= 0) held_bytes_ += held->take(*answer, row);
    if (refused) note_refusal(*held->event.table, answer->refusal);
    settle(*held);
  }
  if (answer->status == Status::TryAgain) time_out_late_ones(asked.front()->table, now);
  std::erase_if(unfetched_, [](const Held* held) { return held->ready; });
  if (again) retry_at_ = now + options_.retry_interval;
  return {};
}

// To ask for each batch only to hear that the table is locked would be a stream of a few rows a second.
void ReselectSource::time_out_late_ones(const change::TableSchemaPtr& table, base::Deadline now) {
  for (Held* held : unfetched_) {
    if (held->event.table == table && !held->ready && is_late(*held, now)) time_out(*held);
  }
}

bool ReselectSource::is_late(const Held& held, base::Deadline now) const {
  return now >= held.deadline || (unread_since_ && now >= *unread_since_ + options_.max_unread);
}

void ReselectSource::time_out(Held& held) {
  ++counters_.timed_out_events;
  const change::TableSchema& table = *held.event.table;
  warn_once(table,
            {base::Recovery::Retry, "pg.reselect_timed_out",
             fmt::format("{0}: a large value that an UPDATE did not touch could not be fetched in time: the table is "
                         "locked, or the transaction waits for a synchronous standby. The event {1} goes on without "
                         "it, and so may others: it is named in `unavailable`, and a mirror lacks it until the row is "
                         "updated again. Look for what holds the lock, and update such rows afterwards. Against the "
                         "next time: a longer postgres.reselect_timeout, or ALTER TABLE {0} REPLICA IDENTITY FULL",
                         change::qualified_name(table), change::to_string(held.event.id))});
  settle(held);
}

void ReselectSource::note_refusal(const change::TableSchema& table, const std::string& refusal) {
  ++counters_.refused_events;
  const std::string name = change::qualified_name(table);
  warn_once(table,
            {base::Recovery::Retry, "pg.reselect_impossible",
             fmt::format("{0}: {1}. Without them it goes on: they are named in `unavailable`, and a mirror lacks "
                         "them. To have them in the stream: ALTER TABLE {0} REPLICA IDENTITY FULL",
                         name, refusal)});
}

void ReselectSource::warn_once(const change::TableSchema& table, base::Error warning) {
  if (warned_.emplace(table.oid, warning.id).second) warnings_.push_back(std::move(warning));
}

void ReselectSource::settle(Held& held) {
  held.ready = true;
  if (!held.event.reselected.empty()) ++counters_.reselected_events;
  if (has_unchanged(held.event.after)) ++counters_.given_up_events;
}

pipeline::Wait ReselectSource::waits_for() const {
  if (held_.empty()) return source_.waits_for();
  // Nothing can be given before the answer; what the source has by then makes the next batch.
  if (query_->under_way()) return query_->waits_for();
  return {-1, 0, retry_at_};
}

}  // namespace sluice::postgres
