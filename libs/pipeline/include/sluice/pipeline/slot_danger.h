// Whether a slot is about to be lost (rule P-16).
//
// Thread rule: a pure function.
#pragma once

#include <optional>

#include "sluice/base/error.h"
#include "sluice/pipeline/source_facts.h"

namespace sluice::pipeline {

/// pg.slot_in_danger (Retry): PostgreSQL has removed WAL that the slot needs or will at its next checkpoint, or four
/// fifths of what max_slot_wal_keep_size lets it keep are used.
std::optional<base::Error> slot_in_danger(const SlotFacts& slot);

}  // namespace sluice::pipeline
