#include "record_clue.h"

#include "sluice/codec/stream_header.h"

namespace sluice::connector {

base::Result<kafka::RecordClue> read_clue(const pipeline::ConsumedRecord& record) {
  using Kind = kafka::RecordClue::Kind;
  if (!record.header.empty()) {
    SLUICE_ASSIGN(const auto decoded, codec::decode_header(record.header));
    if (decoded.marker) return kafka::RecordClue{Kind::Marker, {}, decoded.marker->pipeline};
    const bool is_stream = decoded.header.kind == codec::HeaderKind::Stream;
    return kafka::RecordClue{is_stream ? Kind::Stream : Kind::Follower, decoded.header.last, {}};
  }
  if (const auto id = codec::peek_event_id(record.value)) return kafka::RecordClue{Kind::Stream, *id, {}};
  return kafka::RecordClue{};
}

}  // namespace sluice::connector
