#include "encoder_port.h"

#include <ctime>
#include <utility>

#include "sluice/codec/control_record.h"

namespace sluice::connector {
namespace {

/// Milliseconds are enough for ts_ms, and the coarse clock costs a tenth.
std::int64_t wall_clock_ms() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return std::int64_t{now.tv_sec} * 1'000 + now.tv_nsec / 1'000'000;
}

}  // namespace

EncoderPort::EncoderPort(codec::EncoderOptions options, codec::Route route, Announced announced)
    : encoder_(std::move(options)), route_(route), announced_(std::move(announced)) {}

base::Result<void> EncoderPort::prepare(const change::TableSchemaPtr& schema, change::RecordBatch& announcement) {
  SLUICE_TRY(encoder_.prepare(schema, route_));
  const codec::SchemaRecord record = codec::schema_record(*schema);
  const std::string key = codec::control_key(record);
  const std::string value = codec::control_value(record);
  std::string& known = announced_[key];
  if (known == value) return {};
  known = value;
  const change::RecordBatch::Piece key_piece = announcement.append(key);
  change::Record& control = announcement.add(key_piece, announcement.append(value));
  control.topic = change::kControlTopic;
  control.kind = change::RecordKind::Control;
  return {};
}

base::Result<void> EncoderPort::encode(const change::ChangeEvent& event, change::RecordBatch& out) {
  return encoder_.encode(event, wall_clock_ms(), out);
}

std::string_view EncoderPort::header(change::RecordKind kind, const change::EventId& last) {
  const auto header_kind =
      kind == change::RecordKind::Snapshot ? codec::HeaderKind::Snapshot : codec::HeaderKind::Stream;
  header_ = codec::encode_header({header_kind, last});
  return {header_.data(), header_.size()};
}

}  // namespace sluice::connector
