// The stable name of a stream event (rule P-5): the same change has the same id in every re-delivery, restart and
// protocol mode, and the order of ids is commit order.
//
// Thread rule: values.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/base/error.h"
#include "sluice/change/lsn.h"

namespace sluice::change {

struct EventId {
  std::uint32_t epoch = 0;  ///< of the source: a new slot or a restored server begins a new one; 0 names no event
  Lsn commit_lsn;           ///< where the commit record begins
  std::uint32_t seq = 0;    ///< 1-based ordinal of the row-change message in its transaction
  std::uint32_t part = 0;   ///< 0-based ordinal of the record made of that message

  friend constexpr auto operator<=>(const EventId&, const EventId&) = default;
};

/// Appends `eeee-cccccccccccccccc-ssssssss`, for part > 0 with `.pppp` behind it: lower-case hex, so that lexicographic
/// order is commit order.
void append_text(const EventId& id, std::string& out);
std::string to_string(const EventId& id);

/// Reads what append_text() writes. Error: change.bad_event_id (Reject).
base::Result<EventId> parse_event_id(std::string_view text);

/// Elasticsearch's external version of the document that a stream event writes (rule P-5):
/// ((commit LSN mod 2^50) >> 3) << 16 | min(seq, 65535).
std::uint64_t external_version(Lsn commit_lsn, std::uint32_t seq);

/// The same of a snapshot row that is as old as `v`: below every streamed change of the same or a later transaction.
std::uint64_t snapshot_version(Lsn v);

/// From this seq on versions tie, and the writer uses version_type external_gte.
inline constexpr std::uint32_t kSaturatedSeq = 65'535;

}  // namespace sluice::change
