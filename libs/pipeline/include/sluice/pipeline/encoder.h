// Port: a change becomes zero or more records. Filters, transforms and schema registries will stand here.
//
// Thread rule: the pipeline's thread. Does no I/O.
#pragma once

#include "sluice/base/error.h"
#include "sluice/change/change_event.h"
#include "sluice/change/record.h"

namespace sluice::pipeline {

class Encoder {
 public:
  virtual ~Encoder() = default;

  /// Makes ready for a schema and appends the records that must be acknowledged before the first event that names it
  /// (the control topic's `schema:<id>`). Called once for every schema version.
  virtual base::Result<void> prepare(const change::TableSchemaPtr& schema, change::RecordBatch& announcement) = 0;

  /// Appends the records of one change. REQUIRES: prepare() succeeded for its schema.
  /// Errors: Reject when the change cannot be represented.
  virtual base::Result<void> encode(const change::ChangeEvent& event, change::RecordBatch& out) = 0;
};

}  // namespace sluice::pipeline
