// Nanoseconds per row of the decoder: what is between the socket and the encoder.
// link: sluice::pgoutput
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "sluice/pgoutput/assembler.h"
#include "sluice/pgoutput/copy_row.h"
#include "sluice/pgoutput/replication_message.h"
#include "unit/pgoutput/fake_catalog.h"
#include "unit/pgoutput/message_writer.h"

using namespace sluice;
using namespace sluice::testing::wire;

namespace {

constexpr std::uint32_t kTable = 16385;
constexpr std::size_t kDistinctRows = 1024;  // about the rows of one receive buffer

Cells narrow_cells(std::size_t row) {
  return {text(std::to_string(1'000'000 + row)), text("user-" + std::to_string(row)), text("12.50"),
          text("2026-11-21 08:00:00.123456+00"), null()};
}

std::vector<Column> narrow_columns() {
  return {key_column("id", 20), {"name", 25}, {"balance", 1700}, {"at", 1184}, {"note", 25}};
}

Cells wide_cells(std::size_t row) {
  Cells cells = {text(std::to_string(row))};
  for (int column = 0; column < 29; ++column) cells.push_back(text(std::string(28, 'w')));
  return cells;
}

std::vector<Column> wide_columns() {
  std::vector<Column> columns = {key_column("id", 20)};
  for (int column = 0; column < 29; ++column) columns.push_back({"column_" + std::to_string(column), 25});
  return columns;
}

std::string enveloped(const std::string& message) {
  return Bytes().character('w').u64(0x90).u64(0x90).u64(kCommitTime).raw(message).str();
}

/// One message after the other through envelope and assembler.
void assemble(benchmark::State& state, const std::vector<Column>& columns, const std::vector<std::string>& messages) {
  sluice::testing::FakeCatalog catalog;
  pgoutput::Assembler assembler(1, catalog);
  const bool ready =
      assembler.apply(begin(0x100), {}) && assembler.apply(relation(kTable, "public", "users", 'd', columns), {});
  if (!ready) std::abort();
  std::vector<std::string> received;
  for (const std::string& message : messages) received.push_back(enveloped(message));
  std::size_t next = 0;
  for (auto _ : state) {
    const auto envelope = pgoutput::parse_replication_message(received[next]);
    const auto& data = std::get<pgoutput::XLogData>(*envelope);
    const auto item = assembler.apply(data.message, data.data_start);
    if (!item) std::abort();
    benchmark::DoNotOptimize(item->has_value());
    next = next + 1 == received.size() ? 0 : next + 1;
  }
  state.SetItemsProcessed(state.iterations());
}

void narrow_insert(benchmark::State& state) {
  std::vector<std::string> messages;
  for (std::size_t row = 0; row < kDistinctRows; ++row) messages.push_back(insert(kTable, narrow_cells(row)));
  assemble(state, narrow_columns(), messages);
}
BENCHMARK(narrow_insert);

void narrow_update_full(benchmark::State& state) {
  std::vector<std::string> messages;
  for (std::size_t row = 0; row < kDistinctRows; ++row)
    messages.push_back(update(kTable, old(narrow_cells(row)), narrow_cells(row)));
  assemble(state, narrow_columns(), messages);
}
BENCHMARK(narrow_update_full);

void wide_insert(benchmark::State& state) {
  std::vector<std::string> messages;
  for (std::size_t row = 0; row < kDistinctRows; ++row) messages.push_back(insert(kTable, wide_cells(row)));
  assemble(state, wide_columns(), messages);
}
BENCHMARK(wide_insert);

/// A transaction of one row: BEGIN, row, COMMIT.
void one_row_transaction(benchmark::State& state) {
  sluice::testing::FakeCatalog catalog;
  pgoutput::Assembler assembler(1, catalog);
  const std::string row = insert(kTable, narrow_cells(1));
  if (!assembler.apply(relation(kTable, "public", "users", 'd', narrow_columns()), {})) std::abort();
  std::uint64_t lsn = 0x100;
  std::string first = begin(lsn);
  std::string last = commit(lsn, lsn + 8);
  const auto put = [](std::string& bytes, std::size_t at, std::uint64_t value) {
    for (std::size_t byte = 0; byte < 8; ++byte) bytes[at + byte] = static_cast<char>(value >> (56 - 8 * byte));
  };
  for (auto _ : state) {
    lsn += 16;
    put(first, 1, lsn);
    put(last, 2, lsn);
    put(last, 10, lsn + 8);
    const bool whole =
        assembler.apply(first, {}) && assembler.apply(row, change::Lsn(lsn)) && assembler.apply(last, {});
    if (!whole) std::abort();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(one_row_transaction);

void parse_copy(benchmark::State& state, const std::vector<std::string>& lines, std::size_t columns) {
  pgoutput::CopyRowParser parser;
  change::Row row;
  std::size_t next = 0;
  for (auto _ : state) {
    if (!parser.parse(lines[next], columns, row)) std::abort();
    benchmark::DoNotOptimize(row.size());
    next = next + 1 == lines.size() ? 0 : next + 1;
  }
  state.SetItemsProcessed(state.iterations());
}

std::vector<std::string> copy_lines(std::string_view last_cell) {
  std::vector<std::string> lines;
  for (std::size_t row = 0; row < kDistinctRows; ++row) {
    lines.push_back(std::to_string(1'000'000 + row) + "\tuser-" + std::to_string(row) +
                    "\t12.50\t2026-11-21 08:00:00.123456+00\t" + std::string(last_cell) + "\n");
  }
  return lines;
}

void copy_narrow(benchmark::State& state) { parse_copy(state, copy_lines("note"), 5); }
BENCHMARK(copy_narrow);

void copy_narrow_with_null(benchmark::State& state) { parse_copy(state, copy_lines("\\N"), 5); }
BENCHMARK(copy_narrow_with_null);

void copy_narrow_with_escapes(benchmark::State& state) { parse_copy(state, copy_lines("two\\nlines\\tand a \\\\"), 5); }
BENCHMARK(copy_narrow_with_escapes);

}  // namespace
