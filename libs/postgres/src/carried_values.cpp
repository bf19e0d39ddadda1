#include "sluice/postgres/carried_values.h"

#include <array>
#include <utility>

namespace sluice::postgres {
namespace {

using change::Cell;
using change::CellKind;
using change::ChangeEvent;
using change::Row;

// A row is moved out of line only when it is longer than TOAST_TUPLE_THRESHOLD (a quarter of a page; PostgreSQL,
// heaptoast.h), whatever toast_tuple_target says.
constexpr std::size_t kToastThresholdBytes = 2'000;
constexpr std::size_t kTupleHeaderBytes = 24;
constexpr std::size_t kMaxAlignmentBytes = 8;
// The stored form of text, varchar, bpchar, json, xml and bytea is not longer than its text; of others (arrays of int8,
// jsonb numbers, composites) it can be.
constexpr std::array<std::uint32_t, 6> kPlainTypes{25, 1043, 1042, 114, 142, 17};
constexpr std::uint32_t kMaxGrowth = 12;

std::uint32_t growth_of(const change::Column& column) {
  for (const std::uint32_t plain : kPlainTypes) {
    if (column.type_oid == plain) return 1;
  }
  return kMaxGrowth;
}

// Empty: the row cannot be named.
std::string row_key(const change::TableSchema& table, const Row& row) {
  std::string key;
  if (table.key_columns.empty()) return key;
  for (const std::uint32_t ordinal : table.key_columns) {
    if (ordinal >= row.size() || row[ordinal].kind != CellKind::Text) return {};
    key.append(std::to_string(row[ordinal].bytes.size())).append(1, ':').append(row[ordinal].bytes);
  }
  return std::to_string(table.oid) + '/' + key;
}

}  // namespace

bool CarriedValues::worth_remembering(const ChangeEvent& event) {
  if (event.after.empty() || event.table == nullptr) return false;
  if (event.table != last_table_) {
    last_table_ = event.table;
    growth_.clear();
    for (const change::Column& column : event.table->columns) growth_.push_back(growth_of(column));
  }
  std::size_t stored = kTupleHeaderBytes + event.after.size() * kMaxAlignmentBytes;
  for (std::size_t ordinal = 0; ordinal < event.after.size(); ++ordinal) {
    if (event.after[ordinal].kind == CellKind::Unchanged) return true;
    stored += event.after[ordinal].bytes.size() * growth_[ordinal];
  }
  return stored > kToastThresholdBytes;
}

void CarriedValues::remember(const ChangeEvent& event) {
  std::string key = row_key(*event.table, event.after);
  if (key.empty()) return;
  Remembered remembered{event.table->id, event.after.owned(), key.size()};
  for (const Cell& cell : remembered.row.cells()) remembered.bytes += sizeof(Cell) + cell.bytes.size();
  forgotten_.clear();
  if (bytes_ + remembered.bytes > max_bytes_) {
    forgotten_ = std::exchange(rows_, {});
    bytes_ = 0;
  }
  if (remembered.bytes > max_bytes_) return;
  bytes_ += remembered.bytes;
  Remembered& slot = rows_[std::move(key)];
  bytes_ -= slot.bytes;
  replaced_ = std::move(slot.row);
  slot = std::move(remembered);
}

void CarriedValues::fill(ChangeEvent& event) const {
  if (rows_.empty()) return;
  // A changed key: the values are known under the old one.
  const Row& named = event.before.empty() ? event.after : event.before;
  const auto known = rows_.find(row_key(*event.table, named));
  if (known == rows_.end() || known->second.schema_id != event.table->id) return;
  for (std::size_t ordinal = 0; ordinal < event.after.size(); ++ordinal) {
    if (event.after[ordinal].kind == CellKind::Unchanged) event.after.replace(ordinal, known->second.row[ordinal]);
  }
}

void CarriedValues::clear() {
  if (rows_.empty() && forgotten_.empty()) return;
  rows_.clear();
  forgotten_.clear();
  bytes_ = 0;
}

}  // namespace sluice::postgres
