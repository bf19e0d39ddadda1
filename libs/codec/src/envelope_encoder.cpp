#include "sluice/codec/envelope_encoder.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "envelope_writer.h"
#include "prepared_table.h"
#include "sluice/base/check.h"
#include "sluice/codec/partitioner.h"

namespace sluice::codec {
namespace {

using change::Cell;
using change::ChangeEvent;
using change::Op;
using change::Row;

/// Byte by byte, as rule P-32 has it.
bool key_changed(const change::TableSchema& schema, const Row& before, const Row& after) {
  for (const std::uint32_t ordinal : schema.key_columns) {
    const Cell& was = before[ordinal];
    const Cell& is = after[ordinal];
    if (was.kind != is.kind || was.bytes != is.bytes) return true;
  }
  return false;
}

[[gnu::cold]] tl::unexpected<base::Error> invalid_text(const ChangeEvent& event) {
  return base::fail(
      base::Recovery::Reject, "codec.invalid_text",
      fmt::format("{} of transaction {} holds text that is no UTF-8, and encoding.invalid_utf8 is halt. Set it to "
                  "replace to have U+FFFD for each invalid piece; or mend the rows and begin anew with replicator slot "
                  "reset --new-epoch",
                  event.table ? "a row of " + change::qualified_name(*event.table) : std::string("a logical message"),
                  event.xid));
}

}  // namespace

class EnvelopeEncoder::Impl {
 public:
  explicit Impl(EncoderOptions options)
      : options_(std::move(options)), messages_(PreparedTable::of_messages(options_)) {}

  base::Result<void> prepare(const change::TableSchemaPtr& schema, Route route);
  base::Result<void> encode(const ChangeEvent& event, std::int64_t now_ms, change::RecordBatch& out);
  std::uint64_t replacements() const { return writer_.replacements(); }

 private:
  using Piece = change::RecordBatch::Piece;

  PreparedTable& table_of(const ChangeEvent& event);
  base::Result<void> write(const ChangeEvent& event);
  base::Result<void> write_changes(PreparedTable& table, const ChangeEvent& event);
  base::Result<void> write_update(PreparedTable& table, const ChangeEvent& event);
  base::Result<void> write_delete(PreparedTable& table, const ChangeEvent& event);
  base::Result<Piece> write_row(PreparedTable& table, const ChangeEvent& event, const RecordImage& image);
  void write_tombstone(const PreparedTable& table, const ChangeEvent& event, Piece key, std::uint32_t part);
  void write_truncate(PreparedTable& table, const ChangeEvent& event);
  void write_message(const ChangeEvent& event);
  change::Record& add(const ChangeEvent& event, Route route, Piece key, Piece value);

  EncoderOptions options_;
  std::unordered_map<const change::TableSchema*, PreparedTable> tables_;
  PreparedTable* last_ = nullptr;
  PreparedTable messages_;
  EnvelopeWriter writer_;
  change::RecordBatch* out_ = nullptr;  ///< of the event at hand
};

base::Result<void> EnvelopeEncoder::Impl::prepare(const change::TableSchemaPtr& schema, Route route) {
  SLUICE_CHECK(schema != nullptr && route.partitions > 0, "a table has a schema and a topic with partitions");
  base::Result<PreparedTable> table = PreparedTable::of_schema(schema, route, options_);
  if (!table) return tl::make_unexpected(std::move(table.error()));
  last_ = nullptr;
  // No event can name a schema that only we hold.
  std::erase_if(tables_, [](const auto& entry) { return entry.second.schema().use_count() == 1; });
  tables_.insert_or_assign(schema.get(), std::move(*table));
  return {};
}

PreparedTable& EnvelopeEncoder::Impl::table_of(const ChangeEvent& event) {
  if (last_ != nullptr && last_->schema() == event.table) return *last_;
  const auto found = tables_.find(event.table.get());
  SLUICE_CHECK(found != tables_.end(), "prepare() comes before encode()");
  last_ = &found->second;
  return *last_;
}

base::Result<void> EnvelopeEncoder::Impl::encode(const ChangeEvent& event, std::int64_t now_ms,
                                                 change::RecordBatch& out) {
  out_ = &out;
  writer_.begin(out.bytes(), now_ms);
  const change::RecordBatch::Mark before = out.mark();
  base::Result<void> written = write(event);
  if (!written) out.cut_back_to(before);
  return written;
}

base::Result<void> EnvelopeEncoder::Impl::write(const ChangeEvent& event) {
  const std::uint64_t replacements = writer_.replacements();
  if (event.op == Op::Message) {
    write_message(event);
  } else {
    SLUICE_TRY(write_changes(table_of(event), event));
  }
  if (writer_.replacements() != replacements && options_.values.invalid_text == InvalidText::Halt) [[unlikely]] {
    return invalid_text(event);
  }
  return {};
}

base::Result<void> EnvelopeEncoder::Impl::write_changes(PreparedTable& table, const ChangeEvent& event) {
  const std::size_t columns = table.columns().size();
  SLUICE_CHECK(event.before.empty() || event.before.size() == columns, "a row has a cell for every column");
  SLUICE_CHECK(event.after.empty() || event.after.size() == columns, "a row has a cell for every column");
  switch (event.op) {
    case Op::Snapshot:
    case Op::Insert: SLUICE_TRY(write_row(table, event, {event.op, event.id.part, nullptr, &event.after})); return {};
    case Op::Update: return write_update(table, event);
    case Op::Delete: return write_delete(table, event);
    case Op::Truncate: write_truncate(table, event); return {};
    case Op::Message: break;
  }
  SLUICE_CHECK(false, "an event has one of the operations above");
  return {};
}

base::Result<void> EnvelopeEncoder::Impl::write_update(PreparedTable& table, const ChangeEvent& event) {
  const std::uint32_t part = event.id.part;
  if (event.before.empty() || !key_changed(*table.schema(), event.before, event.after)) {
    const Row* const before = event.before.empty() ? nullptr : &event.before;
    SLUICE_TRY(write_row(table, event, {Op::Update, part, before, &event.after}));
    return {};
  }
  SLUICE_ASSIGN(const Piece old_key, write_row(table, event, {Op::Delete, part, &event.before, nullptr}));
  SLUICE_TRY(write_row(table, event, {Op::Insert, part + 1, nullptr, &event.after}));
  write_tombstone(table, event, old_key, part + 2);
  return {};
}

base::Result<void> EnvelopeEncoder::Impl::write_delete(PreparedTable& table, const ChangeEvent& event) {
  SLUICE_ASSIGN(const Piece key, write_row(table, event, {Op::Delete, event.id.part, &event.before, nullptr}));
  write_tombstone(table, event, key, event.id.part + 1);
  return {};
}

/// The record's key.
base::Result<EnvelopeEncoder::Impl::Piece> EnvelopeEncoder::Impl::write_row(PreparedTable& table,
                                                                            const ChangeEvent& event,
                                                                            const RecordImage& image) {
  SLUICE_ASSIGN(const Piece key, writer_.write_row_key(table, image));
  SLUICE_ASSIGN(const Piece value, writer_.write_row(table, event, image, key));
  change::Record& record = add(event, table.route(), key, value);
  record.kind = image.op == Op::Snapshot ? change::RecordKind::Snapshot : change::RecordKind::Stream;
  record.id.part = image.part;
  return key;
}

void EnvelopeEncoder::Impl::write_tombstone(const PreparedTable& table, const ChangeEvent& event, Piece key,
                                            std::uint32_t part) {
  // All rows of a table without a key share one: a tombstone would take them all.
  if (options_.tombstones == Tombstones::Off || event.table->key_columns.empty()) return;
  change::Record& record = add(event, table.route(), key, {});
  record.id.part = part;
  record.tombstone = true;
}

void EnvelopeEncoder::Impl::write_truncate(PreparedTable& table, const ChangeEvent& event) {
  const Piece key = writer_.write_truncate_key(table);
  const Piece value = writer_.write_truncate(table, event);
  for (std::int32_t partition = 0; partition < table.route().partitions; ++partition) {
    change::Record& record = out_->add(key, value);
    record.topic = table.route().topic;
    record.partition = partition;
    record.id = event.id;
  }
}

void EnvelopeEncoder::Impl::write_message(const ChangeEvent& event) {
  const Piece key = writer_.write_message_key(event);
  const Piece value = writer_.write_message(messages_, event);
  add(event, messages_.route(), key, value);
}

/// A record of the event's first part, in the partition of its key.
change::Record& EnvelopeEncoder::Impl::add(const ChangeEvent& event, Route route, Piece key, Piece value) {
  change::Record& record = out_->add(key, value);
  record.topic = route.topic;
  record.partition = partition_of(writer_.text_of(key), route.partitions);
  record.id = event.id;
  return record;
}

EnvelopeEncoder::EnvelopeEncoder(EncoderOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
EnvelopeEncoder::~EnvelopeEncoder() = default;
EnvelopeEncoder::EnvelopeEncoder(EnvelopeEncoder&&) noexcept = default;
EnvelopeEncoder& EnvelopeEncoder::operator=(EnvelopeEncoder&&) noexcept = default;

base::Result<void> EnvelopeEncoder::prepare(const change::TableSchemaPtr& schema, Route route) {
  return impl_->prepare(schema, route);
}

base::Result<void> EnvelopeEncoder::encode(const ChangeEvent& event, std::int64_t now_ms, change::RecordBatch& out) {
  return impl_->encode(event, now_ms, out);
}

std::uint64_t EnvelopeEncoder::replacements() const { return impl_->replacements(); }

}  // namespace sluice::codec
