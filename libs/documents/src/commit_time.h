// Thread rule: pure.
#pragma once

#include <cstdint>

#include "sluice/codec/envelope_reader.h"

namespace sluice::documents {

/// As Document::commit_time_us: a row of a snapshot was committed at no known time.
inline std::int64_t commit_time_us(const codec::Envelope& envelope) {
  return envelope.origin == codec::EnvelopeOrigin::Snapshot ? 0 : envelope.source_ts_us;
}

}  // namespace sluice::documents
