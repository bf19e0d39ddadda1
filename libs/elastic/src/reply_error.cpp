#include "reply_error.h"

#include <fmt/core.h>
#include <simdjson.h>

#include "sluice/base/check.h"
#include "sluice/elastic/item_verdict.h"

namespace sluice::elastic {
namespace {

using base::Recovery;

constexpr std::size_t kMaxReasonBytes = 300;

std::string words_of(const HttpCall& call, const ReplyFault& fault, Carries carries) {
  std::string words = fmt::format("status {}", call.status);
  if (!fault.type.empty()) words += ", " + fault.type;
  if (!fault.reason.empty() && carries == Carries::NoValues) words += ": " + truncated(fault.reason);
  return words;
}

}  // namespace

std::string truncated(std::string_view reason) {
  if (reason.size() <= kMaxReasonBytes) return std::string(reason);
  std::size_t end = kMaxReasonBytes;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xC0) == 0x80) --end;
  return std::string(reason.substr(0, end)) + "…";
}

ReplyFault fault_of(const HttpCall& call) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  ReplyFault fault;
  if (parser.parse(call.reply.data(), call.reply.size(), true).get(document) != simdjson::SUCCESS) return fault;
  std::string_view text;
  if (document["error"]["type"].get(text) == simdjson::SUCCESS) fault.type = text;
  if (document["error"]["reason"].get(text) == simdjson::SUCCESS) fault.reason = text;
  return fault;
}

base::Error reply_error(const HttpCall& call, Carries carries) {
  if (call.error) return *call.error;
  const ReplyFault fault = fault_of(call);
  const std::string words = words_of(call, fault, carries);
  const auto error = [&](Recovery recovery, std::string_view id, std::string_view advice) {
    return base::Error{recovery, id, fmt::format("Elasticsearch answered {}: {}", words, advice)};
  };
  switch (call.status) {
    case 401: return error(Recovery::Stop, "es.unauthorized", remedy("es.unauthorized"));
    case 403:
      if (fault.type == "cluster_block_exception")
        return error(Recovery::Retry, "es.blocked",
                     "the index or cluster is blocked for now. Remove the block (often a full disk).");
      return error(Recovery::Stop, "es.forbidden", remedy("es.forbidden"));
    case 408:
    case 429:
    case 502:
    case 503:
    case 504:
      return error(Recovery::Retry, "es.overloaded",
                   "it is overloaded or not ready. It is tried again; look at the cluster's health.");
    default: break;
  }
  if (call.status >= 500)
    return error(Recovery::Retry, "es.server_error", "it failed inside. It is tried again; look at the node's log.");
  if (call.status >= 200 && call.status < 300)
    return error(Recovery::Retry, "es.bad_response",
                 "the answer has not the expected form. Look for a proxy in between.");
  return error(
      Recovery::Stop, "es.unexpected_reply",
      "nothing that it should answer. Check that the address leads to Elasticsearch 7.17 or newer, or to OpenSearch.");
}

}  // namespace sluice::elastic
