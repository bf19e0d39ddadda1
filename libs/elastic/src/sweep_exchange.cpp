#include "sweep_exchange.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "json_text.h"
#include "reply_error.h"
#include "sluice/elastic/bulk_request.h"
#include "sluice/elastic/item_verdict.h"

namespace sluice::elastic {
namespace {

using base::Recovery;
using base::Result;
using pipeline::VersionType;
namespace ondemand = simdjson::ondemand;

// A page of which nothing can be written (all superseded) is possible while others write; many in a row mean that
// `_sluice.v` and the version do not agree, so that it would never end.
constexpr std::size_t kMaxFruitlessPages = 10;

/// `_sluice` without its end, where the key may follow.
std::string soft_delete_mark(const pipeline::Sweep& sweep) {
  std::string mark = fmt::format(R"("_sluice":{{"v":{},"deleted":true,"partition":{},"epoch":{},"lsn":)", sweep.version,
                                 sweep.partition, sweep.epoch);
  append_json_string(sweep.lsn, mark);
  mark += ",\"ts\":";
  append_json_string(sweep.timestamp, mark);
  return mark;
}

base::Error bad_page() {
  return {
      Recovery::Retry, "es.bad_response",
      "the answer to a search is not whole. It is tried again; should this go on, look for a proxy that cuts answers."};
}

bool is_among(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

/// One hit of the search. Values are text of the reply, so that no number changes on its way.
struct SweptRow {
  std::string_view id;
  std::string key_members;      ///< `"id":7,`
  std::string_view mirror_key;  ///< `_sluice.key`, where the id is its hash; else empty
};

namespace {

bool read_key(ondemand::object source, const std::vector<std::string>& key_fields, SweptRow& row) {
  for (auto member : source) {
    std::string_view name;
    ondemand::value value;
    if (member.unescaped_key().get(name) != simdjson::SUCCESS || member.value().get(value) != simdjson::SUCCESS)
      return false;
    if (name == "_sluice") {
      const simdjson::error_code found = simdjson::to_json_string(value["key"]).get(row.mirror_key);
      if (found != simdjson::SUCCESS && found != simdjson::NO_SUCH_FIELD) return false;
      continue;
    }
    // A name with an asterisk has asked for others, too.
    if (!is_among(key_fields, name)) continue;
    std::string_view text;
    if (simdjson::to_json_string(value).get(text) != simdjson::SUCCESS) return false;
    append_json_string(name, row.key_members);
    row.key_members += fmt::format(":{},", text);
  }
  return true;
}

std::optional<SweptRow> read_hit(ondemand::object hit, const std::vector<std::string>& key_fields) {
  SweptRow row;
  if (hit["_id"].get_string().get(row.id) != simdjson::SUCCESS || row.id.empty() || row.id.size() > kMaxIdBytes)
    return std::nullopt;
  ondemand::object source;
  const simdjson::error_code found = hit["_source"].get_object().get(source);
  if (found == simdjson::NO_SUCH_FIELD) return row;
  if (found != simdjson::SUCCESS || !read_key(source, key_fields, row)) return std::nullopt;
  return row;
}

}  // namespace

SweepExchange::SweepExchange(pipeline::Sweep sweep, std::uint64_t ticket, std::size_t page_documents)
    : sweep_(std::move(sweep)), page_documents_(page_documents), soft_delete_(soft_delete_mark(sweep_)) {
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
                  "/_search?allow_partial_search_results=false&filter_path=timed_out,hits.total,hits.hits._id,hits."
                  "hits._source";
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
  body = fmt::format(R"({{"size":{},"_source":["_sluice.key")", page_documents_);
  for (const std::string& field : sweep_.key_fields) {
    body.push_back(',');
    append_json_string(field, body);
  }
  body += fmt::format(R"(],"track_total_hits":true,"sort":["_doc"],"query":{{"bool":{{"filter":[)"
                      R"({{"term":{{"_sluice.partition":{}}}}},{{"term":{{"_sluice.deleted":false}}}},)"
                      R"({{"range":{{"_sluice.v":{{"{}":{}}}}}}}]}}}}}})",
                      sweep_.partition, sweep_.at_or_below ? "lte" : "lt", sweep_.version);
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
  std::int64_t total = 0;
  page_.clear();
  if (!read_page(workspace.call.reply, total)) return give_up(bad_page());
  if (total == 0) return Progress::Finished;
  if (page_.empty()) return give_up(bad_page());
  stage_ = Stage::Write;
  return Progress::Send;
}

bool SweepExchange::read_page(std::string& reply, std::int64_t& total) {
  reply.reserve(reply.size() + simdjson::SIMDJSON_PADDING);
  ondemand::parser parser;
  ondemand::document document;
  ondemand::object hits;
  bool timed_out = true;
  if (parser.iterate(reply.data(), reply.size(), reply.capacity()).get(document) != simdjson::SUCCESS ||
      document["timed_out"].get(timed_out) != simdjson::SUCCESS || timed_out ||
      document["hits"].get_object().get(hits) != simdjson::SUCCESS ||
      hits["total"]["value"].get(total) != simdjson::SUCCESS)
    return false;
  if (total == 0) return true;

  ondemand::array rows;
  if (hits["hits"].get_array().get(rows) != simdjson::SUCCESS) return false;
  for (auto element : rows) {
    ondemand::object hit;
    if (element.get_object().get(hit) != simdjson::SUCCESS) return false;
    const auto row = read_hit(hit, sweep_.key_fields);
    if (!row) return false;
    add_soft_delete(*row);
  }
  return true;
}

void SweepExchange::add_soft_delete(const SweptRow& row) {
  std::string& bytes = page_.bytes();
  const auto append = [&bytes](std::initializer_list<std::string_view> texts) {
    const std::size_t begin = bytes.size();
    for (const std::string_view text : texts) bytes += text;
    return pipeline::DocumentBatch::Piece{begin, bytes.size() - begin};
  };
  pipeline::Document document;
  document.action = pipeline::DocumentAction::Index;
  document.version_type = sweep_.at_or_below ? VersionType::ExternalGte : VersionType::External;
  document.version = sweep_.version;
  const auto index = append({sweep_.index});
  const auto id = append({row.id});
  const std::string_view key_name = row.mirror_key.empty() ? "" : ",\"key\":";
  page_.add(document, index, id, append({"{", row.key_members, soft_delete_, key_name, row.mirror_key, "}}"}));
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
