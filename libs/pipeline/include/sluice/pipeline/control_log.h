// Port: the control topic as a reader of events sees it: all its records, without being a member of a group.
//
// Thread rule: made, used and destroyed by the pipeline's thread.
#pragma once

#include <string>
#include <vector>

#include "sluice/base/error.h"

namespace sluice::pipeline {

struct ControlEntry {
  std::string key;
  std::string value;
  bool tombstone = false;
};

class ControlLog {
 public:
  virtual ~ControlLog() = default;

  /// What the topic has beyond the last call, up to its end as it was when called; the first call begins at the begin.
  /// So whatever was acknowledged before the call is in what the calls have given so far. Blocks, bounded.
  /// Errors are the adapter's; after one the next call goes on where the last good one ended.
  virtual base::Result<std::vector<ControlEntry>> read() = 0;
};

}  // namespace sluice::pipeline
