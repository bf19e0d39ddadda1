// What the answer to one bulk item means (rule E-3): the only place that knows.
//
// Thread rule: pure.
#pragma once

#include <string_view>

#include "sluice/pipeline/document_sink.h"

namespace sluice::elastic {

enum class Verdict {
  Written,
  Superseded,  ///< `create`: it is there already; external version: something as new or newer is
  Retry,       ///< refused for now: queue full, breaker, disk, block, shard away
  Rejected,    ///< this document can never be written
  Stop,        ///< no document is guilty: an operator has to act
};

struct ItemVerdict {
  Verdict verdict = Verdict::Stop;
  std::string_view
      error_id;  ///< of a Stop: es.unauthorized, es.forbidden, es.index_missing, es.index_closed, es.unexpected_item
  friend bool operator==(const ItemVerdict&, const ItemVerdict&) = default;
};

/// `status` and `error_type` as Elasticsearch or OpenSearch gave them for the item; `error_type` is empty for a
/// success.
ItemVerdict classify(int status, std::string_view error_type, pipeline::DocumentAction action,
                     pipeline::VersionType version_type);

/// The sentence for people that belongs to a Stop; ends with what to do.
std::string_view remedy(std::string_view error_id);

}  // namespace sluice::elastic
