#include "sluice/codec/envelope_encoder.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

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
  struct Draft {
    change::Record record;
    Piece key;
    Piece value;
  };

  PreparedTable& table_of(const ChangeEvent& event);
  base::Result<void> draft(PreparedTable& table, const ChangeEvent& event);
  base::Result<void> draft_update(PreparedTable& table, const ChangeEvent& event);
  base::Result<void> draft_delete(PreparedTable& table, const ChangeEvent& event);
  base::Result<void> draft_row(PreparedTable& table, const ChangeEvent& event, const RecordImage& image);
  void draft_tombstone(const ChangeEvent& event, Draft deleted, std::uint32_t part);
  void draft_truncate(PreparedTable& table, const ChangeEvent& event);
  void draft_message(const ChangeEvent& event);
  void hand_over(change::RecordBatch& out);

  EncoderOptions options_;
  std::unordered_map<const change::TableSchema*, PreparedTable> tables_;
  PreparedTable* last_ = nullptr;
  PreparedTable messages_;
  EnvelopeWriter writer_;      ///< holds the text of the event at hand, until all of its records are written
  std::vector<Draft> drafts_;  ///< pieces point into the writer's text
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
  writer_.clear();
  writer_.set_now_ms(now_ms);
  drafts_.clear();
  const std::uint64_t replacements = writer_.replacements();
  if (event.op == Op::Message) {
    draft_message(event);
  } else {
    SLUICE_TRY(draft(table_of(event), event));
  }
  if (writer_.replacements() != replacements && options_.values.invalid_text == InvalidText::Halt) [[unlikely]] {
    return invalid_text(event);
  }
  hand_over(out);
  return {};
}

base::Result<void> EnvelopeEncoder::Impl::draft(PreparedTable& table, const ChangeEvent& event) {
  const std::size_t columns = table.columns().size();
  SLUICE_CHECK(event.before.empty() || event.before.size() == columns, "a row has a cell for every column");
  SLUICE_CHECK(event.after.empty() || event.after.size() == columns, "a row has a cell for every column");
  switch (event.op) {
    case Op::Snapshot:
    case Op::Insert: return draft_row(table, event, {event.op, event.id.part, nullptr, &event.after});
    case Op::Update: return draft_update(table, event);
    case Op::Delete: return draft_delete(table, event);
    case Op::Truncate: draft_truncate(table, event); return {};
    case Op::Message: break;
  }
  SLUICE_CHECK(false, "an event has one of the operations above");
  return {};
}

base::Result<void> EnvelopeEncoder::Impl::draft_update(PreparedTable& table, const ChangeEvent& event) {
  const std::uint32_t part = event.id.part;
  if (event.before.empty()) return draft_row(table, event, {Op::Update, part, nullptr, &event.after});
  if (!key_changed(*table.schema(), event.before, event.after)) {
    return draft_row(table, event, {Op::Update, part, &event.before, &event.after});
  }
  SLUICE_TRY(draft_row(table, event, {Op::Delete, part, &event.before, nullptr}));
  const Draft deleted = drafts_.back();
  SLUICE_TRY(draft_row(table, event, {Op::Insert, part + 1, nullptr, &event.after}));
  draft_tombstone(event, deleted, part + 2);
  return {};
}

base::Result<void> EnvelopeEncoder::Impl::draft_delete(PreparedTable& table, const ChangeEvent& event) {
  SLUICE_TRY(draft_row(table, event, {Op::Delete, event.id.part, &event.before, nullptr}));
  draft_tombstone(event, drafts_.back(), event.id.part + 1);
  return {};
}

base::Result<void> EnvelopeEncoder::Impl::draft_row(PreparedTable& table, const ChangeEvent& event,
                                                    const RecordImage& image) {
  const base::Result<Piece> key = writer_.write_row_key(table, image);
  if (!key) return tl::make_unexpected(key.error());
  const base::Result<Piece> value = writer_.write_row(table, event, image, *key);
  if (!value) return tl::make_unexpected(value.error());
  change::Record record;
  record.topic = table.route().topic;
  record.partition = partition_of(writer_.text_of(*key), table.route().partitions);
  record.kind = image.op == Op::Snapshot ? change::RecordKind::Snapshot : change::RecordKind::Stream;
  record.id = event.id;
  record.id.part = image.part;
  drafts_.push_back({record, *key, *value});
  return {};
}

void EnvelopeEncoder::Impl::draft_tombstone(const ChangeEvent& event, Draft deleted, std::uint32_t part) {
  // All rows of a table without a key share one: a tombstone would take them all.
  if (options_.tombstones == Tombstones::Off || event.table->key_columns.empty()) return;
  deleted.record.id.part = part;
  deleted.record.tombstone = true;
  deleted.value = {};
  drafts_.push_back(deleted);
}

void EnvelopeEncoder::Impl::draft_truncate(PreparedTable& table, const ChangeEvent& event) {
  const Piece key = writer_.write_truncate_key(table);
  const Piece value = writer_.write_truncate(table, event);
  for (std::int32_t partition = 0; partition < table.route().partitions; ++partition) {
    change::Record record;
    record.topic = table.route().topic;
    record.partition = partition;
    record.id = event.id;
    drafts_.push_back({record, key, value});
  }
}

void EnvelopeEncoder::Impl::draft_message(const ChangeEvent& event) {
  const Piece key = writer_.write_message_key(event);
  const Piece value = writer_.write_message(messages_, event);
  change::Record record;
  record.topic = messages_.route().topic;
  record.partition = partition_of(writer_.text_of(key), messages_.route().partitions);
  record.id = event.id;
  drafts_.push_back({record, key, value});
}

void EnvelopeEncoder::Impl::hand_over(change::RecordBatch& out) {
  std::string& bytes = out.bytes();
  const std::size_t base = bytes.size();
  bytes.append(writer_.text());
  for (Draft& draft : drafts_) {
    draft.key.begin += base;
    draft.value.begin += base;
    out.add(draft.record, draft.key, draft.value);
  }
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
