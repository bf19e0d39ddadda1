// Nanoseconds per row of the codec: an event into its envelope, and an envelope into its members.
// link: sluice::codec
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "sluice/codec/envelope_encoder.h"
#include "sluice/codec/envelope_reader.h"
#include "sluice/codec/partitioner.h"

using namespace sluice;

namespace {

constexpr std::size_t kDistinctRows = 1024;  // about the rows of one receive buffer
constexpr std::int64_t kNowMs = 1'700'000'000'123;

struct Column {
  std::string name;
  std::uint32_t type_oid;
};

change::TableSchemaPtr table_of(const std::vector<Column>& columns) {
  change::TableSchema table;
  table.oid = 16'385;
  table.schema = "public";
  table.name = "users";
  for (const Column& from : columns) {
    change::Column column;
    column.name = from.name;
    column.type_oid = from.type_oid;
    column.identity = table.columns.empty();
    table.columns.push_back(column);
  }
  return change::finish_schema(std::move(table));
}

change::TableSchemaPtr narrow_table() {
  return table_of({{"id", 20}, {"name", 25}, {"balance", 1700}, {"active", 16}, {"at", 1184}, {"note", 25}});
}

change::TableSchemaPtr wide_table() {
  std::vector<Column> columns = {{"id", 20}};
  for (int group = 0; group < 6; ++group) {
    const std::string suffix = std::to_string(group);
    columns.push_back({"title_" + suffix, 25});
    columns.push_back({"count_" + suffix, 23});
    columns.push_back({"price_" + suffix, 1700});
    columns.push_back({"changed_at_" + suffix, 1184});
  }
  columns.push_back({"doc", 3802});
  return table_of(columns);
}

std::vector<std::string> cells_of(const change::TableSchema& table, std::size_t row) {
  std::vector<std::string> cells;
  for (const change::Column& column : table.columns) {
    switch (column.type_oid) {
      case 20: cells.push_back(std::to_string(1'000'000 + row)); break;
      case 23: cells.push_back(std::to_string(row * 7)); break;
      case 16: cells.push_back(row % 2 == 0 ? "t" : "f"); break;
      case 1700: cells.push_back(std::to_string(row) + ".50"); break;
      case 1184: cells.push_back("2026-11-21 08:00:00.123456+00"); break;
      case 3802: cells.push_back(R"({"k": [1, 2, {"deep": "value"}], "name": "some text", "n": 12.5})"); break;
      default: cells.push_back("user-" + std::to_string(row) + " with some text");
    }
  }
  return cells;
}

/// Events of ten rows a transaction, as the stream gives them.
class Events {
 public:
  explicit Events(change::TableSchemaPtr table)
      : table_(std::move(table)), texts_(kDistinctRows), events_(kDistinctRows) {
    for (std::size_t row = 0; row < kDistinctRows; ++row) {
      texts_[row] = cells_of(*table_, row);
      change::ChangeEvent& event = events_[row];
      event.id = {1, change::Lsn(0x1693E28 + row / kRowsOfTransaction * 0x1000),
                  static_cast<std::uint32_t>(row % kRowsOfTransaction) + 1, 0};
      event.table = table_;
      event.xid = static_cast<std::uint32_t>(700 + row / kRowsOfTransaction);
      event.commit_time_us = 1'700'000'000'000'456;
      event.record_lsn = change::Lsn(0x1693D18 + row * 0x100);
      for (const std::string& text : texts_[row]) event.after.add({change::CellKind::Text, text});
    }
  }
  const change::TableSchemaPtr& table() const { return table_; }
  const change::ChangeEvent& operator[](std::size_t row) const { return events_[row % kDistinctRows]; }

 private:
  static constexpr std::size_t kRowsOfTransaction = 10;
  change::TableSchemaPtr table_;
  std::vector<std::vector<std::string>> texts_;
  std::vector<change::ChangeEvent> events_;
};

codec::EnvelopeEncoder encoder_for(const Events& events) {
  codec::EncoderOptions options;
  options.version = "0.1.0";
  options.source_name = "sluice";
  options.database = "mydb";
  codec::EnvelopeEncoder encoder(std::move(options));
  if (!encoder.prepare(events.table(), {0, 3})) std::abort();
  return encoder;
}

void encode(benchmark::State& state, change::TableSchemaPtr table) {
  const Events events(std::move(table));
  codec::EnvelopeEncoder encoder = encoder_for(events);
  change::RecordBatch batch;
  std::size_t row = 0;
  std::size_t bytes = 0;
  for (auto _ : state) {
    batch.clear();
    if (!encoder.encode(events[row++], kNowMs, batch)) std::abort();
    bytes += batch[0].value.size();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
  state.counters["value_bytes"] = static_cast<double>(bytes) / static_cast<double>(row);
}

void read(benchmark::State& state, change::TableSchemaPtr table) {
  const Events events(std::move(table));
  codec::EnvelopeEncoder encoder = encoder_for(events);
  change::RecordBatch batch;
  for (std::size_t row = 0; row < kDistinctRows; ++row) {
    if (!encoder.encode(events[row], kNowMs, batch)) std::abort();
  }
  codec::EnvelopeReader reader;
  std::size_t row = 0;
  for (auto _ : state) {
    const change::Record record = batch[row++ % kDistinctRows];
    const auto envelope = reader.read(record.key, record.value);
    if (!envelope) std::abort();
    benchmark::DoNotOptimize((*envelope)->after.data());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(row));
}

void encode_narrow(benchmark::State& state) { encode(state, narrow_table()); }
void encode_wide(benchmark::State& state) { encode(state, wide_table()); }
void read_narrow(benchmark::State& state) { read(state, narrow_table()); }
void read_wide(benchmark::State& state) { read(state, wide_table()); }

void changed_names(benchmark::State& state) {
  const Events events(narrow_table());
  codec::EnvelopeEncoder encoder = encoder_for(events);
  change::RecordBatch batch;
  for (const std::size_t row : {std::size_t{1}, std::size_t{2}}) {
    if (!encoder.encode(events[row], kNowMs, batch)) std::abort();
  }
  codec::EnvelopeReader readers[2];
  const auto before = readers[0].read(batch[0].key, batch[0].value);
  const auto after = readers[1].read(batch[1].key, batch[1].value);
  if (!before || !after) std::abort();
  std::vector<std::string_view> names;
  for (auto _ : state) {
    names.clear();
    codec::append_changed_names((*before)->after, (*after)->after, names);
    benchmark::DoNotOptimize(names.data());
  }
}

void partition(benchmark::State& state) {
  const std::string key = "public.users:1000042";
  for (auto _ : state) benchmark::DoNotOptimize(codec::partition_of(key, 3));
}

BENCHMARK(encode_narrow);
BENCHMARK(encode_wide);
BENCHMARK(read_narrow);
BENCHMARK(read_wide);
BENCHMARK(changed_names);
BENCHMARK(partition);

}  // namespace
