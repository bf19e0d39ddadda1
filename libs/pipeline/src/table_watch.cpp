#include "sluice/pipeline/table_watch.h"

#include <fmt/core.h>

namespace sluice::pipeline {

base::Error table_halted(const std::string& table, const TableHalt& halt) {
  return {base::Recovery::Retry, "pg.table_halted",
          fmt::format("{0} is halted since {1}: {2}. Its events are not sent, since PostgreSQL tells no event of what "
                      "became of the rows that were there; all other tables go on. To have it whole again, with all "
                      "others: replicator slot reset --new-epoch. To go on with the gap: stop, then replicator tables "
                      "--resume {0} --accept-gap",
                      table, change::to_string(halt.since), halt.reason)};
}

TableWatch::TableWatch(TableStates stored, OnRewrite on_rewrite)
    : on_rewrite_(on_rewrite), stored_(std::move(stored)), current_(stored_) {}

bool TableWatch::follow(const change::TableSchema& table, change::Lsn at) {
  const std::string name = change::qualified_name(table);
  change::TableForm form = change::form_of(table);
  std::vector<change::SchemaChange> found;
  std::vector<std::string> old_names = take_old_names(table.oid, name);
  const auto known = current_.find(name);
  if (!old_names.empty()) {
    found.push_back({change::SchemaChangeKind::TableRenamed, name, std::move(old_names)});
  } else if (known != current_.end()) {
    if (known->second.form == form) return known->second.halt.has_value();
    change::append_schema_changes(known->second.form, form, name, found);
  }
  TableState state{std::move(form), known == current_.end() ? std::nullopt : known->second.halt};
  if (!state.halt) {
    for (const change::SchemaChange& each : found) {
      const bool halts = on_rewrite_ == OnRewrite::Halt && change::rewrites(each.kind);
      if (halts) state.halt = TableHalt{change::describe(each), at};
    }
    changes_.insert(changes_.end(), found.begin(), found.end());
  }
  const bool is_halted = state.halt.has_value();
  learn(name, std::move(state));
  return is_halted;
}

void TableWatch::learn(const std::string& table, TableState state) {
  current_[table] = state;
  lessons_.push_back({table, std::move(state), {}});
}

/// Whoever has the old name next is another table, and has no oid in common with what was known under it.
std::vector<std::string> TableWatch::take_old_names(std::uint32_t oid, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [other, state] : current_) {
    if (state.form.oid == oid && other != name) names.push_back(other);
  }
  for (const std::string& old : names) {
    TableState state = current_[old];
    state.form.oid = 0;
    learn(old, std::move(state));
  }
  return names;
}

void TableWatch::end_transaction(change::Position end) {
  for (; whole_lessons_ < lessons_.size(); ++whole_lessons_) lessons_[whole_lessons_].end = end;
}

void TableWatch::rewind() {
  if (whole_lessons_ == lessons_.size()) return;
  lessons_.resize(whole_lessons_);
  current_ = stored_;
  for (const Lesson& lesson : lessons_) current_[lesson.table] = lesson.state;
}

void TableWatch::halt(const std::string& table, const TableHalt& halt) {
  const auto halt_in = [&halt](TableState& state) { state.halt = state.halt.value_or(halt); };
  halt_in(stored_[table]);
  halt_in(current_[table]);
  for (Lesson& lesson : lessons_) {
    if (lesson.table == table) halt_in(lesson.state);
  }
}

const TableStates& TableWatch::as_of(change::Position position) {
  for (; whole_lessons_ > 0 && lessons_.front().end <= position; --whole_lessons_) {
    stored_[lessons_.front().table] = std::move(lessons_.front().state);
    lessons_.pop_front();
  }
  return stored_;
}

}  // namespace sluice::pipeline
