#include "sweep_exchange.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "json_text.h"
#include "reply_error.h"
#include "sluice/elastic/bulk_request.h"
#include "sluice/elastic/item_verdict.h"

namespace sluice::elastic {
namespace {

using base::Recovery;
using base::Result;
using pipeline::VersionType;

// A page of which nothing can be written (all superseded) is possible while others write; many in a row mean that
// `_sluice.v` and the version do not agree, so that it would never end.
constexpr std::size_t kMaxFruitlessPages = 10;

std::string soft_delete_body(const pipeline::Sweep& sweep) {
  std::string body = fmt::format(R"({{"_sluice":{{"v":{},"deleted":true,"partition":{},"epoch":{},"lsn":)",
                                 sweep.version, sweep.partition, sweep.epoch);
  append_json_string(sweep.lsn, body);
  body += ",\"ts\":";
  append_json_string(sweep.timestamp, body);
  body += "}}";
  return body;
}

base::Error bad_page() {
  return {
      Recovery::Retry, "es.bad_response",
      "the answer to a search is not whole. It is tried again; should this go on, look for a proxy that cuts answers."};
}

}  // namespace

SweepExchange::SweepExchange(pipeline::Sweep sweep, std::uint64_t ticket, std::size_t page_documents)
    : sweep_(std::move(sweep)), page_documents_(page_documents), soft_delete_(soft_delete_body(sweep_)) {
  outcome_.ticket = ticket;
}

void SweepExchange::fill(Workspace& workspace) {
  HttpCall& call = workspace.call;
  call.method = Method::Post;
  workspace.body.clear();
  switch (stage_) {
    case Stage::Refresh: call.path = "/" + path_segment(sweep_.index) + "/_refresh"; break;
    case Stage::Search:
      call.path = "/" + path_segment(sweep_.index) +
                  "/_search?allow_partial_search_results=false&filter_path=timed_out,hits.total,hits.hits._id";
      render_search(workspace.body);
      break;
    case Stage::Write:
      call.path = kBulkPath;
      append_bulk(page_, 0, page_.size(), workspace.body);
      break;
  }
  call.body = workspace.body;
}

void SweepExchange::render_search(std::string& body) const {
  body =
      fmt::format(R"({{"size":{},"_source":false,"track_total_hits":true,"sort":["_doc"],"query":{{"bool":{{"filter":[)"
                  R"({{"term":{{"_sluice.partition":{}}}}},{{"term":{{"_sluice.deleted":false}}}},)"
                  R"({{"range":{{"_sluice.v":{{"{}":{}}}}}}}]}}}}}})",
                  page_documents_, sweep_.partition, sweep_.at_or_below ? "lte" : "lt", sweep_.version);
}

Result<Progress> SweepExchange::take(Workspace& workspace) {
  if (workspace.call.error || workspace.call.status != 200) return take_refusal(workspace.call);
  switch (stage_) {
    case Stage::Refresh: stage_ = Stage::Search; return Progress::Send;
    case Stage::Search: return take_page(workspace);
    case Stage::Write: return take_items(workspace);
  }
  return Progress::Finished;
}

Result<Progress> SweepExchange::take_page(Workspace& workspace) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  std::string& reply = workspace.call.reply;
  if (parser.parse(reply.data(), reply.size(), true).get(document) != simdjson::SUCCESS) return give_up(bad_page());
  bool timed_out = true;
  std::int64_t total = 0;
  if (document["timed_out"].get(timed_out) != simdjson::SUCCESS || timed_out ||
      document["hits"]["total"]["value"].get(total) != simdjson::SUCCESS)
    return give_up(bad_page());
  if (total == 0) return Progress::Finished;

  simdjson::dom::array hits;
  if (document["hits"]["hits"].get(hits) != simdjson::SUCCESS) return give_up(bad_page());
  page_.clear();
  for (const simdjson::dom::element hit : hits) {
    std::string_view id;
    if (hit["_id"].get(id) != simdjson::SUCCESS || id.empty() || id.size() > kMaxIdBytes) return give_up(bad_page());
    add_soft_delete(id);
  }
  if (page_.empty()) return give_up(bad_page());
  stage_ = Stage::Write;
  return Progress::Send;
}

void SweepExchange::add_soft_delete(std::string_view id) {
  const auto append = [this](std::string_view text) {
    pipeline::DocumentBatch::Piece piece{page_.bytes().size(), text.size()};
    page_.bytes() += text;
    return piece;
  };
  pipeline::Document document;
  document.action = pipeline::DocumentAction::Index;
  document.version_type = sweep_.at_or_below ? VersionType::ExternalGte : VersionType::External;
  document.version = sweep_.version;
  const auto index = append(sweep_.index);
  const auto key = append(id);
  page_.add(document, index, key, append(soft_delete_));
}

Result<Progress> SweepExchange::take_items(Workspace& workspace) {
  auto replies = workspace.parser.parse(workspace.call.reply, page_.size());
  if (!replies) return give_up(std::move(replies.error()));
  std::size_t written = 0;
  for (const ItemReply& reply : *replies) {
    const ItemVerdict verdict =
        classify(reply.status, reply.error_type, pipeline::DocumentAction::Index, VersionType::External);
    if (verdict.verdict == Verdict::Retry)
      return give_up({Recovery::Retry, "es.overloaded",
                      fmt::format("a soft delete was put off ({}). The sweep begins again.", reply.error_type)});
    if (verdict.verdict == Verdict::Stop || verdict.verdict == Verdict::Rejected) {
      const std::string_view id = verdict.verdict == Verdict::Stop ? verdict.error_id : "es.sweep_refused";
      return base::fail(
          Recovery::Stop, id,
          fmt::format("a soft delete in index {} was answered status {}, {}: {}", sweep_.index, reply.status,
                      reply.error_type,
                      verdict.verdict == Verdict::Stop
                          ? remedy(id)
                          : "the index has another mapping than ours. Give the mirror a new generation."));
    }
    if (verdict.verdict == Verdict::Written) ++written;
  }
  fruitless_pages_ = written == 0 ? fruitless_pages_ + 1 : 0;
  if (fruitless_pages_ == kMaxFruitlessPages)
    return base::fail(
        Recovery::Stop, "es.sweep_stuck",
        fmt::format("documents of index {} have a version that does not agree with their _sluice.v, so that "
                    "somebody else has written to them. Give the mirror a new generation.",
                    sweep_.index));
  stage_ = Stage::Refresh;
  return Progress::Send;
}

Result<Progress> SweepExchange::take_refusal(const HttpCall& call) {
  if (!call.error && call.status == 404)
    return base::fail(Recovery::Stop, "es.index_missing",
                      fmt::format("index {}: {}", sweep_.index, remedy("es.index_missing")));
  base::Error error = reply_error(call, Carries::Values);
  if (error.recovery == Recovery::Stop) return tl::make_unexpected(std::move(error));
  return give_up(std::move(error));
}

Progress SweepExchange::give_up(base::Error error) {
  outcome_.error = std::move(error);
  return Progress::Finished;
}

}  // namespace sluice::elastic
