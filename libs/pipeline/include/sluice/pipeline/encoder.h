// Port: a change becomes zero or more records. Filters, transforms and schema registries will stand here.
//
// Thread rule: the pipeline's thread. Does no I/O.
#pragma once

#include <string_view>

#include "sluice/base/error.h"
#include "sluice/change/change_event.h"
#include "sluice/change/record.h"

namespace sluice::pipeline {

class Encoder {
 public:
  virtual ~Encoder() = default;

  /// Makes ready for a schema and appends the records that must be acknowledged before the first event that names it
  /// (the control topic's `schema:<id>`), unless they are there already. Called once for every schema version and
  /// connection.
  virtual base::Result<void> prepare(const change::TableSchemaPtr& schema, change::RecordBatch& announcement) = 0;

  /// Appends the records of one change. REQUIRES: prepare() succeeded for its schema.
  /// Errors: Reject when the change cannot be represented.
  virtual base::Result<void> encode(const change::ChangeEvent& event, change::RecordBatch& out) = 0;

  /// Value of the header `sluice` that records other than stream events carry (rule K-9), so that a reader at the end
  /// of a partition finds the last stream record in one step. `last` is its id; epoch 0: none. Valid until the next
  /// call.
  virtual std::string_view header(change::RecordKind kind, const change::EventId& last) = 0;
};

}  // namespace sluice::pipeline
