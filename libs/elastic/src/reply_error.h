// What a refused request as a whole means: everything but 2xx, and but the statuses that a caller has its own use for.
//
// Thread rule: pure.
#pragma once

#include <string>
#include <string_view>

#include "http_client.h"
#include "sluice/base/error.h"

namespace sluice::elastic {

/// The type and reason out of `{"error":{"type":…,"reason":…},"status":…}`; of any other body they stay empty.
struct ReplyFault {
  std::string type;
  std::string reason;
};
ReplyFault fault_of(const HttpCall& call);

/// Whether the request could have carried cell values, which Elasticsearch likes to quote in its reasons.
enum class Carries { Values, NoValues };

/// REQUIRES: call.error, or a status that is no success. Errors: those of HttpClient; es.overloaded, es.server_error,
/// es.blocked, es.bad_response (Retry); es.unauthorized, es.forbidden, es.unexpected_reply (Stop).
base::Error reply_error(const HttpCall& call, Carries carries);

/// `reason` cut to a length that fits a log line or a record header, at a character's border.
std::string truncated(std::string_view reason);

}  // namespace sluice::elastic
