// The value of one entry: what a checkpoint looks like on disk.
//
//   u32  format version, now 2          all numbers little-endian
//   u64  number of the LMDB transaction that wrote it
//   u64  XXH3-64 of the pipeline's name, a NUL, the two numbers above and the JSON
//   JSON one object, UTF-8
//
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/base/error.h"
#include "sluice/pipeline/checkpoint.h"

namespace sluice::offsets {

std::string encode_checkpoint(const pipeline::Checkpoint& checkpoint, std::string_view pipeline,
                              std::uint64_t transaction);

/// The transaction that wrote this entry. Errors: offsets.corrupt, offsets.unreadable (Stop).
base::Result<std::uint64_t> transaction_of(std::string_view value, std::string_view pipeline);

/// Errors: offsets.corrupt (Stop); offsets.unreadable (Stop): a newer program wrote it.
base::Result<pipeline::Checkpoint> decode_checkpoint(std::string_view value, std::string_view pipeline);

}  // namespace sluice::offsets
