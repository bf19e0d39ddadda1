#include "prepared_table.h"

#include <fmt/core.h>
#include <xxhash.h>

#include "sluice/base/utf8.h"
#include "sluice/codec/record_key.h"
#include "text_escape.h"

namespace sluice::codec {
namespace {

constexpr std::string_view kOpLead = R"(","op":")";

/// Milliseconds of a time in microseconds, rounded down also before 1970.
std::int64_t milliseconds(std::int64_t time_us) { return time_us / 1000 - (time_us % 1000 < 0 ? 1 : 0); }

tl::unexpected<base::Error> unusable_schema(const change::TableSchema& schema, const change::Column& column) {
  return base::fail(
      base::Recovery::Stop, "codec.unusable_schema",
      fmt::format(
          "Column {} of {} has a type (OID {}) of types that stand in each other more than 8 deep, or with "
          "an attribute whose name is no UTF-8; take the column out of the publication, or give it a simpler type",
          column.name, change::qualified_name(schema), column.type_oid));
}

bool is_utf8(std::string_view name) { return base::first_non_utf8(name) == std::string_view::npos; }

/// U+FFFD in a name would make two columns or tables one.
tl::unexpected<base::Error> invalid_name(const change::TableSchema& schema, std::string_view what) {
  return base::fail(base::Recovery::Stop, "codec.invalid_name",
                    fmt::format("the name of {} is no UTF-8 (table with OID {}); rename it, or take it out of the "
                                "publication, and begin anew with replicator slot reset --new-epoch",
                                what, schema.oid));
}

}  // namespace

PreparedTable::PreparedTable(change::TableSchemaPtr schema, Route route, const EncoderOptions& options)
    : schema_(std::move(schema)), route_(route) {
  const std::string_view schema_name = schema_ ? std::string_view(schema_->schema) : std::string_view();
  const std::string_view table_name = schema_ ? std::string_view(schema_->name) : std::string_view();
  if (schema_) append_table_name(*schema_, key_lead_);
  key_lead_ += ':';
  lead_ = fmt::format(R"(,"source":{{"version":{},"connector":"postgresql","name":{},"ts_ms":)",
                      in_quotes(options.version), in_quotes(options.source_name));
  names_ = fmt::format(R"(","db":{},"schema":{},"table":{},"txId":)", in_quotes(options.database),
                       in_quotes(schema_name), in_quotes(table_name));
  schema_id_ = fmt::format(R"(,"schema_id":{},"xmin":null}},"before":)",
                           schema_ ? fmt::format(R"("{:016x}")", schema_->id) : "null");
  render(rendered_);
}

base::Result<PreparedTable> PreparedTable::of_schema(change::TableSchemaPtr schema, Route route,
                                                     const EncoderOptions& options) {
  if (!is_utf8(schema->schema) || !is_utf8(schema->name)) return invalid_name(*schema, "the table or its schema");
  PreparedTable table(std::move(schema), route, options);
  table.columns_.reserve(table.schema_->columns.size());
  for (const change::Column& column : table.schema_->columns) {
    if (!is_utf8(column.name)) return invalid_name(*table.schema_, "a column");
    std::optional<ValueTypePtr> type = resolve_type(column.type_oid, column.type.get(), options.values);
    if (!type) return unusable_schema(*table.schema_, column);
    const std::string name = in_quotes(column.name);
    table.columns_.push_back({std::move(*type), name, ',' + name + ':'});
  }
  return table;
}

PreparedTable PreparedTable::of_messages(const EncoderOptions& options) {
  return PreparedTable(nullptr, options.messages, options);
}

void PreparedTable::begin(const change::ChangeEvent& event, std::int64_t now_ms) {
  const Moment moment{{event.id.epoch, event.id.commit_lsn, 0, 0},
                      event.op == change::Op::Snapshot,
                      event.xid,
                      event.commit_time_us,
                      now_ms};
  if (moment != rendered_) render(moment);
}

void PreparedTable::append_id(std::uint32_t seq, std::uint32_t part, base::TextBuffer& out) const {
  out.append(id_.view());
  out.append_hex<8>(seq);
  if (part == 0) return;
  out.append('.');
  out.append_hex<4>(part);
}

void PreparedTable::append_snapshot_id(std::string_view row, base::TextBuffer& out) const {
  const XXH128_hash_t hash = XXH3_128bits(row.data(), row.size());  // first: `row` may be text of `out`
  out.append(id_.view());
  out.append("00000000.r");
  out.append_number(schema_->oid);
  out.append('.');
  out.append_hex<16>(hash.high64);
  out.append_hex<16>(hash.low64);
}

void PreparedTable::append_head(const change::ChangeEvent& event, change::Op op, base::TextBuffer& out) const {
  // A snapshot row was read, not logged: it stands at the position of its snapshot.
  const bool read = event.op == change::Op::Snapshot && event.record_lsn.is_zero();
  const change::Lsn lsn = read ? event.id.commit_lsn : event.record_lsn;
  const std::size_t begin = out.size();
  out.append(up_to_lsn_.view());
  out.overwrite(begin + kOpLead.size(), static_cast<char>(op));
  out.append_number(lsn.value());
  out.append(up_to_seq_.view());
  out.append_number(event.id.seq);
  out.append(rest_.view());
}

void PreparedTable::render(const Moment& moment) {
  rendered_ = moment;
  id_.clear();
  id_.append(R"({"id":")");
  id_.append_hex<4>(moment.id.epoch);
  id_.append('-');
  id_.append_hex<16>(moment.id.commit_lsn.value());
  id_.append('-');

  up_to_lsn_.clear();
  up_to_lsn_.append(kOpLead);
  up_to_lsn_.append(R"(?","ts_ms":)");
  up_to_lsn_.append_number(moment.now_ms);
  up_to_lsn_.append(lead_);
  up_to_lsn_.append_number(milliseconds(moment.commit_time_us));
  up_to_lsn_.append(R"(,"ts_us":)");
  up_to_lsn_.append_number(moment.commit_time_us);
  up_to_lsn_.append(R"(,"snapshot":")");
  up_to_lsn_.append(moment.snapshot ? "true" : "false");
  up_to_lsn_.append(names_);
  if (moment.xid == 0) {
    up_to_lsn_.append("null");
  } else {
    up_to_lsn_.append_number(moment.xid);
  }
  up_to_lsn_.append(R"(,"lsn":)");

  up_to_seq_.clear();
  up_to_seq_.append(R"(,"commit_lsn":)");
  up_to_seq_.append_number(moment.id.commit_lsn.value());
  up_to_seq_.append(R"(,"seq":)");

  rest_.clear();
  rest_.append(R"(,"epoch":)");
  rest_.append_number(moment.id.epoch);
  rest_.append(schema_id_);
}

}  // namespace sluice::codec
