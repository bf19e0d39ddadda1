// A stream of messages, those of transactions in progress too, to the assembler. The input is a list of messages, each
// with its size in front (two bytes, big endian); pgoutput_corpus.py makes the corpus of real captures.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/base/byte_reader.h"
#include "sluice/base/check.h"
#include "sluice/pgoutput/assembler.h"
#include "sluice/pgoutput/streamed_transactions.h"
#include "unit/pgoutput/fake_catalog.h"
#include "unit/pgoutput/memory_spill.h"

using namespace sluice;

namespace {

/// What a consumer relies on, whatever the server sent.
class Witness {
 public:
  void see(const change::SourceItem& item, std::string_view message) {
    if (const auto* event = std::get_if<const change::ChangeEvent*>(&item)) {
      see_event(**event, message);
    } else if (const auto* end = std::get_if<change::TransactionEnd>(&item)) {
      pass(end->end);
    }
  }

  void pass(change::Position position) {
    SLUICE_CHECK(position > position_, "positions increase");
    position_ = position;
  }

 private:
  void see_event(const change::ChangeEvent& event, std::string_view message) {
    SLUICE_CHECK(event.id > last_ || last_.epoch == 0, "ids increase");
    last_ = event.id;
    SLUICE_CHECK((event.table == nullptr) == (event.op == change::Op::Message), "every row has a table");
    if (event.table == nullptr) return;
    const std::size_t columns = event.table->columns.size();
    see_row(event.before, columns, message);
    see_row(event.after, columns, message);
  }

  static void see_row(const change::Row& row, std::size_t columns, std::string_view message) {
    SLUICE_CHECK(row.empty() || row.size() == columns, "a row has its table's columns");
    for (const change::Cell& cell : row.cells()) {
      if (cell.kind == change::CellKind::Null || cell.kind == change::CellKind::Unchanged) continue;
      const bool inside = cell.bytes.data() >= message.data() &&
                          cell.bytes.data() + cell.bytes.size() <= message.data() + message.size();
      SLUICE_CHECK(inside, "a cell is a view into its message");
    }
  }

  change::EventId last_;
  change::Position position_;
};

}  // namespace

namespace {

/// False: the message was refused, and the stream ends.
bool apply(pgoutput::Assembler& assembler, Witness& witness, std::string_view message, change::Lsn data_start) {
  const auto item = assembler.apply(message, data_start);
  if (!item) return false;
  for (auto next = *item; next; next = assembler.next_pending()) witness.see(*next, message);
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  testing::FakeCatalog catalog;
  testing::MemorySpill spill;
  pgoutput::Assembler assembler(1, catalog);
  pgoutput::StreamedTransactions streamed(spill, {.memory_bytes = 500, .total_bytes = 100'000});
  Witness witness;
  base::ByteReader input(std::string_view(reinterpret_cast<const char*>(data), size));
  while (input.remaining() > 0) {
    const std::size_t message_size = input.u16();
    const std::string message(input.bytes(message_size < input.remaining() ? message_size : input.remaining()));
    const change::Lsn place(message_size);
    if (streamed.is_between_transactions()) {
      if (const auto heartbeat = assembler.keepalive(place)) witness.pass(heartbeat->position);
    }
    const auto kept = streamed.take(message, place);
    if (!kept) return 0;
    if (!*kept && !apply(assembler, witness, message, place)) return 0;
    for (auto next = streamed.next(); next && *next; next = streamed.next()) {
      if (!apply(assembler, witness, (*next)->message, (*next)->data_start)) return 0;
    }
  }
  return 0;
}
