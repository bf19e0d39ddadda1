// Port: what one record of Kafka becomes in the search engine.
//
// Thread rule: the pipeline's thread. make() does no I/O; prepare() and after_checkpoint() may block, bounded by the
// request time-outs of what they ask.
#pragma once

#include <string>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/pipeline/document_sink.h"
#include "sluice/pipeline/record_source.h"
#include "sluice/pipeline/replication_status.h"

namespace sluice::pipeline {

enum class MakeStatus {
  Made,      ///< everything was appended; nothing at all is fine: the record is skipped by rule, and is finished
  NotReady,  ///< nothing was appended: call prepare(), then make() the same record again
};

/// What a maker counts of one table.
struct IndexedCounters {
  TableCounters events;     ///< by the operation of the event
  TableCounters documents;  ///< made of these
};

class DocumentMaker {
 public:
  virtual ~DocumentMaker() = default;

  /// Appends the documents of one record, and the sweeps that it asks for (a sweep is a barrier in its partition).
  /// The same record gives the same documents and sweeps in the same order whenever it is made again; a later time may
  /// only leave off trailing ones (a retired generation). At most 32 of both together.
  /// Errors: Reject when this record can never become a document; Stop. After an error the caller cuts what was
  /// appended.
  virtual base::Result<MakeStatus> make(const Partition& partition, const ConsumedRecord& record,
                                        DocumentBatch& documents, std::vector<Sweep>& sweeps) = 0;

  /// The record that make() made last is taken, for the first time: the moment to count it. It may have been made
  /// before when there was no room for it, and is made again for what is refused of it.
  virtual void taken() {}

  /// Makes ready what the last make() found missing: an index, a mapping, a schema of the control topic.
  virtual base::Result<void> prepare() = 0;

  /// The event id of a record as far as it can be read; empty when it has none.
  virtual std::string event_id(const ConsumedRecord& record) const = 0;

  /// Called once in every checkpoint interval, after the finished offsets of this member were stored: the moment to
  /// look whether a generation of a mirror has become complete (rule E-10).
  virtual base::Result<void> after_checkpoint() = 0;
};

}  // namespace sluice::pipeline
