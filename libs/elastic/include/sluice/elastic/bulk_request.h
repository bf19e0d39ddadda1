// The body of a _bulk request (newline-delimited JSON: an action line and a document each).
//
// Thread rule: pure.
// Source: Elasticsearch's bulk API; `create` takes no version, `index` an external one; a malformed action line, a
// version beyond 2^63-1 or an id of more than 512 bytes makes the server refuse the whole request (3.2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/pipeline/document_sink.h"

namespace sluice::elastic {

inline constexpr std::size_t kMaxIdBytes = 512;
inline constexpr std::uint64_t kMaxVersion = (std::uint64_t{1} << 63) - 1;

/// Where bulks go.
inline constexpr std::string_view kBulkPath =
    "/_bulk?filter_path=items.*.status,items.*.error.type,items.*.error.reason";

/// Appends the documents [begin, end) of the batch.
/// REQUIRES of each: an id of 1 to 512 bytes, an index, a version <= 2^63-1 and only with Index, a body that is not
/// empty and has no line break.
void append_bulk(const pipeline::DocumentBatch& batch, std::size_t begin, std::size_t end, std::string& out);

}  // namespace sluice::elastic
