// Documents of the journal: one per change event, its id the event's id, written with `create`, so that writing it
// again changes nothing (README, What arrives in Elasticsearch; rule P-5).
//
// Members, in this order: @timestamp event_id op schema table db tx_id lsn commit_lsn seq snapshot key before after
// changed unavailable reselected as_text topic partition offset lag_ms. tx_id is null for a snapshot row, key for a
// truncate and for a table without a key. `changed` is there when both versions of the row are whole; `unavailable` and
// `reselected` when they name something. before, after are the envelope's bytes but for columns that a search engine
// would refuse, which are strings and named in `as_text` (row_fitter.h).
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sluice/codec/envelope_reader.h"
#include "sluice/documents/row_fitter.h"
#include "sluice/pipeline/document_sink.h"
#include "sluice/pipeline/record_source.h"

namespace sluice::documents {

/// Where a record stood in Kafka.
struct RecordPlace {
  std::string_view topic;
  std::int32_t partition = 0;
  pipeline::Offset offset = 0;
};

class JournalMaker {
 public:
  /// REQUIRES: the envelope is of a row or a truncate. `now_ms`: milliseconds since 1970.
  void append(const codec::Envelope& envelope, const RecordPlace& place, std::string_view index, std::int64_t now_ms,
              pipeline::DocumentBatch& out);

 private:
  void append_as_text(std::string& out);

  std::vector<std::string_view> changed_;
  std::vector<std::string_view> as_text_;
  RowFitter before_;
  RowFitter after_;
};

}  // namespace sluice::documents
