// Whether a transaction that the stream delivered is visible to a query (rules P-25, P-31): a transaction is decoded as
// soon as its commit record is flushed, yet may stay invisible while it waits for a synchronous standby.
//
// Thread rule: values and pure functions.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"

namespace sluice::postgres {

/// What pg_current_snapshot() prints, "731:735:731,733": 64-bit transaction ids.
struct SnapshotIds {
  std::uint64_t xmin = 0;              ///< all below have ended
  std::uint64_t xmax = 0;              ///< all from here on had not ended
  std::vector<std::uint64_t> running;  ///< those in between that had not ended, ascending
};

/// Error: pg.unexpected_answer (Stop).
base::Result<SnapshotIds> parse_snapshot(std::string_view text);

/// Of a committed transaction, whose id the stream gives with 32 bits: the ids nearest to the snapshot are meant.
bool is_visible(std::uint32_t xid, const SnapshotIds& snapshot);

}  // namespace sluice::postgres
