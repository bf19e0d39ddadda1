#include "sluice/pipeline/table_watch.h"

#include <fmt/format.h>

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
    : on_rewrite_(on_rewrite), current_(std::make_shared<TableStates>(std::move(stored))) {
  ends_.push_back({{}, current_});
}

bool TableWatch::follow(const change::TableSchema& table, change::Lsn at) {
  const std::string name = change::qualified_name(table);
  change::TableForm form = change::form_of(table);
  std::vector<change::SchemaChange> found;
  std::vector<std::string> old_names = take_old_names(table.oid, name);
  const auto known = current_->find(name);
  if (!old_names.empty()) {
    found.push_back({change::SchemaChangeKind::TableRenamed, name, std::move(old_names)});
  } else if (known != current_->end()) {
    if (known->second.form == form) return known->second.halt.has_value();
    change::append_schema_changes(known->second.form, form, name, found);
  }
  TableState& state = writable()[name];
  state.form = std::move(form);
  if (state.halt) return true;
  for (const change::SchemaChange& each : found) {
    if (on_rewrite_ == OnRewrite::Halt && change::rewrites(each.kind))
      state.halt = TableHalt{change::describe(each), at};
  }
  changes_.insert(changes_.end(), found.begin(), found.end());
  return state.halt.has_value();
}

/// Whoever has the old name next is another table, and has no oid in common with what was known under it.
std::vector<std::string> TableWatch::take_old_names(std::uint32_t oid, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [other, state] : *current_) {
    if (state.form.oid == oid && other != name) names.push_back(other);
  }
  for (const std::string& old : names) writable()[old].form.oid = 0;
  return names;
}

void TableWatch::end_transaction(change::Position end) {
  if (current_ != ends_.back().tables) ends_.push_back({end, current_});
}

void TableWatch::halt(const std::string& table, const TableHalt& halt) {
  const auto halt_in = [&](TableStates& tables) {
    std::optional<TableHalt>& known = tables[table].halt;
    if (!known) known = halt;
  };
  halt_in(*current_);
  for (const End& end : ends_) halt_in(*end.tables);
}

const TableStates& TableWatch::as_of(change::Position position) {
  while (ends_.size() > 1 && ends_[1].position <= position) ends_.pop_front();
  return *ends_.front().tables;
}

TableStates& TableWatch::writable() {
  if (current_ == ends_.back().tables) current_ = std::make_shared<TableStates>(*current_);
  return *current_;
}

}  // namespace sluice::pipeline
