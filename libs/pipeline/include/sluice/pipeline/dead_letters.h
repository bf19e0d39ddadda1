// Port: where records go that can never be processed (rule E-12).
//
// Thread rule: the pipeline's thread.
#pragma once

#include "sluice/base/error.h"
#include "sluice/pipeline/record_source.h"

namespace sluice::pipeline {

struct DeadLetter {
  Partition partition;
  ConsumedRecord record;
  std::string id;  ///< event id, as far as it could be read
  std::string error_type;
  std::string error_reason;
  std::uint32_t attempts = 1;
};

class DeadLetters {
 public:
  virtual ~DeadLetters() = default;
  /// Returns only when the letter is durable, within a bounded time. Errors: kafka.dlq_failed (Retry); Stop
  /// when it can never be written: the record is not finished then.
  virtual base::Result<void> put(const DeadLetter& letter) = 0;
};

}  // namespace sluice::pipeline
