#include "sluice/elastic/item_verdict.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::elastic {
namespace {

using pipeline::DocumentAction;
using pipeline::VersionType;

// What a document can be guilty of. A 400 of any other type is about the index or the request: nobody's dead letter.
constexpr std::array<std::string_view, 7> kGuiltyDocument = {
    "document_parsing_exception",        // 8 and newer: wrong type, bad date, overflow, broken JSON, duplicate key
    "mapper_parsing_exception",          // 7.17 and OpenSearch: the same
    "strict_dynamic_mapping_exception",  // a field that a strict mapping does not know
    "illegal_argument_exception",        // keyword too long, field limit, empty or too long _id
    "action_request_validation_exception",
    "parsing_exception",
    "x_content_parse_exception",
};

constexpr ItemVerdict stop(std::string_view error_id) { return {Verdict::Stop, error_id}; }

ItemVerdict classify_conflict(std::string_view error_type, DocumentAction action, VersionType version_type) {
  const bool one_may_be_there = action == DocumentAction::Create || version_type != VersionType::None;
  if (error_type == "version_conflict_engine_exception" && one_may_be_there) return {Verdict::Superseded, {}};
  return stop("es.unexpected_item");
}

ItemVerdict classify_bad_request(std::string_view error_type) {
  if (error_type == "index_closed_exception") return stop("es.index_closed");
  if (std::ranges::find(kGuiltyDocument, error_type) != kGuiltyDocument.end()) return {Verdict::Rejected, {}};
  return stop("es.unexpected_item");
}

ItemVerdict classify_forbidden(std::string_view error_type) {
  if (error_type == "security_exception") return stop("es.forbidden");
  if (error_type == "cluster_block_exception") return {Verdict::Retry, {}};
  return stop("es.unexpected_item");
}

}  // namespace

ItemVerdict classify(int status, std::string_view error_type, DocumentAction action, VersionType version_type) {
  if (status == 200 || status == 201) return {Verdict::Written, {}};
  if (status == 409) return classify_conflict(error_type, action, version_type);
  if (status == 429 || (status >= 500 && status <= 599)) return {Verdict::Retry, {}};
  if (status == 400) return classify_bad_request(error_type);
  if (status == 401) return stop("es.unauthorized");
  if (status == 403) return classify_forbidden(error_type);
  if (status == 404 && error_type == "index_not_found_exception") return stop("es.index_missing");
  return stop("es.unexpected_item");
}

std::string_view remedy(std::string_view error_id) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kRemedies = {{
      {"es.unauthorized",
       "Elasticsearch knows no such user, password or API key. Check the credentials of `elasticsearch`."},
      {"es.forbidden",
       "the user lacks a right on this index or cluster. Grant `create_index`, `write`, `read`, `manage` on our "
       "indices and "
       "`monitor`, `manage_index_templates` on the cluster."},
      {"es.index_missing",
       "an index that was there at the start is gone. Find out who deleted it; a restart makes it again, empty, and a "
       "mirror then needs a new snapshot."},
      {"es.index_closed", "the index is closed. Open it (POST /<index>/_open) and start again."},
      {"es.unexpected_item",
       "Elasticsearch gave an answer that this version does not know, and guessing could lose documents. Report it "
       "with "
       "the status and type."},
  }};
  const auto found = std::ranges::find(kRemedies, error_id, &std::pair<std::string_view, std::string_view>::first);
  return found == kRemedies.end() ? std::string_view("See the operations table of the README.") : found->second;
}

}  // namespace sluice::elastic
