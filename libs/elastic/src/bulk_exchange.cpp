#include "bulk_exchange.h"

#include <fmt/core.h>

#include "reply_error.h"
#include "sluice/base/check.h"
#include "sluice/elastic/bulk_request.h"
#include "sluice/elastic/item_verdict.h"

namespace sluice::elastic {
namespace {

using base::Recovery;
using base::Result;
using pipeline::DocumentAction;
using pipeline::ItemOutcome;

ItemOutcome outcome_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::Written: return ItemOutcome::Written;
    case Verdict::Superseded: return ItemOutcome::Superseded;
    case Verdict::Rejected: return ItemOutcome::Rejected;
    case Verdict::Retry:
    case Verdict::Stop: break;
  }
  return ItemOutcome::Retry;
}

std::string_view name_of(DocumentAction action) { return action == DocumentAction::Create ? "create" : "index"; }

}  // namespace

BulkExchange::BulkExchange(pipeline::DocumentBatch batch, std::uint64_t ticket) {
  SLUICE_CHECK(!batch.empty(), "an empty batch is not sent");
  outcome_.ticket = ticket;
  outcome_.items.resize(batch.size());
  ranges_.push_back({0, batch.size()});
  outcome_.documents = std::move(batch);
}

void BulkExchange::fill(Workspace& workspace) {
  workspace.body.clear();
  append_bulk(outcome_.documents, ranges_.back().begin, ranges_.back().end, workspace.body);
  workspace.call.method = Method::Post;
  workspace.call.path = kBulkPath;
  workspace.call.body = workspace.body;
}

Result<Progress> BulkExchange::take(Workspace& workspace) {
  if (!workspace.call.error && workspace.call.status == 200) return take_items(workspace);
  return take_refusal(workspace.call);
}

Result<Progress> BulkExchange::take_items(Workspace& workspace) {
  const Range range = ranges_.back();
  auto replies = workspace.parser.parse(workspace.call.reply, range.end - range.begin);
  if (!replies) return give_up(std::move(replies.error()));
  for (std::size_t i = 0; i < replies->size(); ++i) {
    const ItemReply& reply = (*replies)[i];
    if (reply.action != name_of(outcome_.documents[range.begin + i].action))
      return give_up(
          {Recovery::Retry, "es.bad_response",
           "the answer to a bulk is in another order than the request. Look for a proxy that mixes answers up."});
    SLUICE_TRY(judge(range.begin + i, reply));
  }
  ranges_.pop_back();
  something_is_known_ = true;
  return next();
}

Result<void> BulkExchange::judge(std::size_t ordinal, const ItemReply& reply) {
  pipeline::ItemResult& result = outcome_.items[ordinal];
  if (reply.status == 200 || reply.status == 201) return {};
  const pipeline::Document document = outcome_.documents[ordinal];
  const ItemVerdict verdict = classify(reply.status, reply.error_type, document.action, document.version_type);
  if (verdict.verdict == Verdict::Stop)
    return base::fail(Recovery::Stop, verdict.error_id,
                      fmt::format("a document for index {} was answered status {}, {}: {}", document.index,
                                  reply.status, reply.error_type, remedy(verdict.error_id)));
  result.outcome = outcome_of(verdict.verdict);
  if (verdict.verdict == Verdict::Superseded) return {};
  result.error_type = reply.error_type;
  result.error_reason = truncated(reply.error_reason);
  return {};
}

Result<Progress> BulkExchange::take_refusal(const HttpCall& call) {
  if (!call.error && call.status == 413)
    return split({ItemOutcome::Rejected, "request_too_large",
                  "this document alone is longer than the server's http.max_content_length (or a proxy's limit)"});
  if (!call.error && call.status == 400) {
    const ReplyFault fault = fault_of(call);
    return split(
        {ItemOutcome::Rejected, fault.type.empty() ? "bad_request" : fault.type,
         "the whole request was refused for this document, which is a bug of Sluice: " + truncated(fault.reason)});
  }
  base::Error error = reply_error(call, Carries::Values);
  if (error.recovery == Recovery::Stop) return tl::make_unexpected(std::move(error));
  return give_up(std::move(error));
}

Progress BulkExchange::split(pipeline::ItemResult verdict_if_alone) {
  const Range range = ranges_.back();
  ranges_.pop_back();
  if (range.end - range.begin == 1) {
    outcome_.items[range.begin] = std::move(verdict_if_alone);
    something_is_known_ = true;
    return next();
  }
  const std::size_t middle = range.begin + (range.end - range.begin) / 2;
  ranges_.push_back({middle, range.end});
  ranges_.push_back({range.begin, middle});
  return Progress::Send;
}

/// What is known of other parts of the batch is kept: else a split would have to begin again each time.
Progress BulkExchange::give_up(base::Error error) {
  if (!something_is_known_) {
    outcome_.items.clear();
    outcome_.error = std::move(error);
    return Progress::Finished;
  }
  for (const Range range : ranges_)
    for (std::size_t i = range.begin; i < range.end; ++i)
      outcome_.items[i] = {ItemOutcome::Retry, std::string(error.id), error.message};
  return Progress::Finished;
}

}  // namespace sluice::elastic
