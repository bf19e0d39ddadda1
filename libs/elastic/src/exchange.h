// One thing under way at the sink: a bulk or a sweep. It takes one or more requests, one after the other. No I/O here:
// who drives it sends what fill() wrote and gives the reply to take().
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <string>

#include "http_client.h"
#include "sluice/base/error.h"
#include "sluice/elastic/bulk_response.h"
#include "sluice/pipeline/document_sink.h"

namespace sluice::elastic {

enum class Progress { Send, Finished };

/// Buffers that outlive one exchange, so that they are allocated once.
struct Workspace {
  HttpCall call;
  std::string body;
  BulkResponseParser parser;
};

class Exchange {
 public:
  virtual ~Exchange() = default;
  /// Writes the next request into the workspace.
  virtual void fill(Workspace& workspace) = 0;
  /// Takes its reply. Send: call fill() again. An error is a Stop: no document is guilty, none is finished.
  virtual base::Result<Progress> take(Workspace& workspace) = 0;
  /// REQUIRES: take() said Finished.
  virtual pipeline::BatchOutcome outcome() = 0;
};

}  // namespace sluice::elastic
