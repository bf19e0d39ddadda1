// A little language for tables, rows and events: what the codec's tests talk in.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sluice/change/change_event.h"
#include "sluice/change/record.h"
#include "sluice/codec/envelope_encoder.h"

namespace sluice::codec::testing {

inline constexpr std::uint32_t kBool = 16;
inline constexpr std::uint32_t kInt4 = 23;
inline constexpr std::uint32_t kText = 25;
inline constexpr std::uint32_t kJsonb = 3802;
inline constexpr std::uint32_t kTextArray = 1009;
inline constexpr std::uint32_t kTimestamptz = 1184;
inline constexpr std::uint32_t kNumeric = 1700;

/// Table("public", "users").key("id", kInt4).column("name", kText).done()
class Table {
 public:
  Table(std::string schema, std::string name) {
    table_.oid = 16'384;
    table_.schema = std::move(schema);
    table_.name = std::move(name);
  }
  Table& key(std::string name, std::uint32_t type_oid) {
    column(std::move(name), type_oid);
    table_.columns.back().identity = true;
    table_.columns.back().primary_key = true;
    return *this;
  }
  Table& column(std::string name, std::uint32_t type_oid) {
    change::Column column;
    column.name = std::move(name);
    column.type_oid = type_oid;
    table_.columns.push_back(std::move(column));
    return *this;
  }
  Table& full_identity() {
    table_.identity = change::ReplicaIdentity::Full;
    for (change::Column& column : table_.columns) column.identity = true;
    return *this;
  }
  change::TableSchemaPtr done() { return change::finish_schema(table_); }
  /// With the id of the schema as a golden file has it.
  change::TableSchemaPtr done(std::uint64_t id) {
    auto schema = std::make_shared<change::TableSchema>(*change::finish_schema(table_));
    schema->id = id;
    return schema;
  }

 private:
  change::TableSchema table_;
};

/// A cell: text, kNull or kUnchanged.
struct CellText {
  CellText(const char* text) : cell{change::CellKind::Text, text} {}
  CellText(std::string_view text) : cell{change::CellKind::Text, text} {}
  CellText(change::CellKind kind) : cell{kind, {}} {}
  change::Cell cell;
};
inline constexpr change::CellKind kNull = change::CellKind::Null;
inline constexpr change::CellKind kUnchanged = change::CellKind::Unchanged;

inline change::Row row(std::initializer_list<CellText> cells) {
  change::Row row;
  for (const CellText& text : cells) row.add(text.cell);
  return row;
}

/// Event number 1 of the transaction of the README's example.
inline change::ChangeEvent event(change::Op op, change::TableSchemaPtr table) {
  change::ChangeEvent event;
  event.id = {1, change::Lsn(0x1693E28), 1, 0};
  event.op = op;
  event.table = std::move(table);
  event.xid = 771;
  event.commit_time_us = 1'700'000'000'000'456;
  event.record_lsn = change::Lsn(23'674'136);
  return event;
}

inline change::ChangeEvent inserted(change::TableSchemaPtr table, change::Row after) {
  change::ChangeEvent made = event(change::Op::Insert, std::move(table));
  made.after = std::move(after);
  return made;
}

inline change::ChangeEvent updated(change::TableSchemaPtr table, change::Row after) {
  change::ChangeEvent made = event(change::Op::Update, std::move(table));
  made.after = std::move(after);
  return made;
}

/// The old tuple 'K': only the key columns have values.
inline change::ChangeEvent with_old_key(change::ChangeEvent made, change::Row before) {
  made.before = std::move(before);
  made.before_is_key_only = true;
  return made;
}

/// The old tuple 'O'.
inline change::ChangeEvent with_old_row(change::ChangeEvent made, change::Row before) {
  made.before = std::move(before);
  return made;
}

inline change::ChangeEvent snapshot_row(change::TableSchemaPtr table, change::Row after) {
  change::ChangeEvent made = event(change::Op::Snapshot, std::move(table));
  made.id = {1, change::Lsn(0x1693E28), 0, 0};
  made.xid = 0;
  made.record_lsn = {};
  made.after = std::move(after);
  return made;
}

inline constexpr std::int64_t kNowMs = 1'700'000'000'123;

inline EncoderOptions example_options() {
  EncoderOptions options;
  options.version = "0.1.0";
  options.source_name = "sluice";
  options.database = "mydb";
  options.messages = {0, 3};
  return options;
}

/// An encoder for one table, and the records of the last event.
class Encoded {
 public:
  explicit Encoded(change::TableSchemaPtr table, EncoderOptions options = example_options(), Route route = {0, 3})
      : table_(std::move(table)), encoder_(std::move(options)) {
    prepared_ = encoder_.prepare(table_, route).has_value();
  }

  bool prepared() const { return prepared_; }
  const change::TableSchemaPtr& table() const { return table_; }
  EnvelopeEncoder& encoder() { return encoder_; }

  base::Result<void> encode(const change::ChangeEvent& made) {
    batch_.clear();
    return encoder_.encode(made, kNowMs, batch_);
  }
  change::RecordBatch& records(const change::ChangeEvent& made) {
    if (const base::Result<void> done = encode(made); !done) throw std::runtime_error(done.error().message);
    return batch_;
  }
  change::RecordBatch& batch() { return batch_; }

 private:
  change::TableSchemaPtr table_;
  EnvelopeEncoder encoder_;
  change::RecordBatch batch_;
  bool prepared_ = false;
};

}  // namespace sluice::codec::testing
