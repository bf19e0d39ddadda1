// Answers to a bulk: any bytes are read or refused, and what is read keeps the promises of ItemReply.
// The first byte is the number of items that were sent.
// link: sluice::elastic sluice::pipeline
#include <cstddef>
#include <cstdint>
#include <string>

#include "sluice/base/check.h"
#include "sluice/elastic/bulk_response.h"
#include "sluice/elastic/item_verdict.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static elastic::BulkResponseParser parser;  // used again and again, as by the sink
  if (size == 0) return 0;
  const std::size_t sent = data[0];
  std::string json(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto replies = parser.parse(json, sent);
  if (!replies) {
    SLUICE_CHECK(replies.error().recovery == base::Recovery::Retry,
                 "what is not understood is unknown, and sent again");
    return 0;
  }
  SLUICE_CHECK(replies->size() == sent, "one reply for each item");
  for (const elastic::ItemReply& reply : *replies) {
    const bool success = reply.status >= 200 && reply.status < 300;
    SLUICE_CHECK(reply.status >= 100 && reply.status <= 599, "a status of HTTP");
    SLUICE_CHECK(success == reply.error_type.empty(), "an error has a type, a success has none");
    for (const auto action : {pipeline::DocumentAction::Create, pipeline::DocumentAction::Index}) {
      const auto verdict = elastic::classify(reply.status, reply.error_type, action, pipeline::VersionType::External);
      SLUICE_CHECK((verdict.verdict == elastic::Verdict::Stop) == !verdict.error_id.empty(), "a stop has an id");
      SLUICE_CHECK(verdict.verdict != elastic::Verdict::Written || success, "an error is never a success");
    }
  }
  return 0;
}
