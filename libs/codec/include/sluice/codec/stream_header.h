// The binary header `sluice` (rule K-9). It stands on every record that is no stream event (snapshot rows, markers) and
// on every stream record whose value has no id to read (tombstones): after a crash the walk back from the end of a
// partition to its last stream event then is one step. Ordinary stream records carry none: each header costs 0.6 us in
// librdkafka.
//
// Also here: the marker record that begins a walk back.
//
// Format, version 1, big endian: u8 version, u8 kind, u32 epoch, u64 commit LSN, u32 seq, u32 part (22 bytes);
// of a marker followed by u32 epoch of the pipeline, u16 size and bytes of its name, u16 size and bytes of the
// fingerprint.
//
// Thread rule: values and pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/error.h"
#include "sluice/change/event_id.h"
#include "sluice/change/record.h"

namespace sluice::codec {

inline constexpr std::string_view kStreamHeaderName = "sluice";
inline constexpr std::string_view kMarkerPrefix = "sluice.resume";

enum class HeaderKind : std::uint8_t {
  Stream = 0,    ///< a stream event whose value does not say its id; `last` is its own
  Snapshot = 1,  ///< a snapshot row
  Marker = 2,
  Control = 3,  ///< a record that belongs to the control topic
};

struct StreamHeader {
  HeaderKind kind = HeaderKind::Snapshot;
  /// Of the last stream event of the partition when the record was enqueued. EventId{}: none was known; a marker never
  /// knows, since it is written to find out.
  change::EventId last;
  friend bool operator==(const StreamHeader&, const StreamHeader&) = default;
};

/// Who wrote a marker.
struct MarkerOrigin {
  std::string pipeline;
  std::uint32_t epoch = 0;
  std::string fingerprint;  ///< of everything that decides id, topic and partition (rule P-5)
  friend bool operator==(const MarkerOrigin&, const MarkerOrigin&) = default;
};

inline constexpr std::size_t kStreamHeaderSize = 22;
using StreamHeaderBytes = std::array<char, kStreamHeaderSize>;

/// Of all kinds but Marker.
StreamHeaderBytes encode_header(const StreamHeader& header);
/// REQUIRES: pipeline and fingerprint are shorter than 64 KiB.
std::string encode_marker_header(const MarkerOrigin& origin);

struct DecodedHeader {
  StreamHeader header;
  std::optional<MarkerOrigin> marker;  ///< there exactly when the kind is Marker
};

/// Error: codec.bad_header (Reject): not written by us, or by a newer version.
base::Result<DecodedHeader> decode_header(std::string_view bytes);

/// What `source` of a marker says beside its origin.
struct MarkerSource {
  std::string version;  ///< of this program
  std::string name;     ///< EncoderOptions::source_name
  std::string database;
};

/// Appends the marker for one partition: key `sluice:marker`, op `m`, message.prefix `sluice.resume`, message.content
/// JSON with pipeline, epoch and fingerprint. `header` is encode_marker_header(origin) and must outlive the use of the
/// record.
void append_marker(const MarkerOrigin& origin, const MarkerSource& source, std::string_view header, std::int64_t now_ms,
                   change::TopicIndex topic, std::int32_t partition, change::RecordBatch& out);

/// The id at the beginning of a value in the envelope `sluice`, without parsing the rest: for the walk back. Nothing:
/// no envelope of a stream event (a snapshot row, a marker, a foreign record).
std::optional<change::EventId> peek_event_id(std::string_view value);

}  // namespace sluice::codec
