#include "sluice/elastic/index_admin.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "http_client.h"
#include "index_bodies.h"
#include "reply_error.h"

namespace sluice::elastic {
namespace {

using base::Recovery;
using base::Result;
using nlohmann::json;

constexpr std::string_view kBookkeeping = "sluice-checkpoints";
constexpr std::size_t kMaxNameBytes = 255;

bool succeeded(const HttpCall& call) { return !call.error && call.status >= 200 && call.status < 300; }

void send(HttpClient& client, HttpCall& call, Method method, std::string path, std::string_view body = {}) {
  call.method = method;
  call.path = std::move(path);
  call.body = body;
  client.run(call);
}

tl::unexpected<base::Error> failed(const HttpCall& call, Carries carries = Carries::NoValues) {
  return tl::make_unexpected(reply_error(call, carries));
}

/// A 400 means that the request itself is refused, for the reason that Elasticsearch gives; others mean what they
/// always do.
tl::unexpected<base::Error> refused(const HttpCall& call, std::string_view id, std::string_view what,
                                    std::string_view advice) {
  if (call.error || call.status != 400) return failed(call);
  const ReplyFault fault = fault_of(call);
  return base::fail(Recovery::Stop, id,
                    fmt::format("{}: {}: {}. {}", what, fault.type, truncated(fault.reason), advice));
}

/// Elasticsearch's rules for names; wildcards and lists would reach other people's indices.
Result<void> check_name(std::string_view name) {
  const auto allowed = [](char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte > 0x20 && byte != 0x7F && !(byte >= 'A' && byte <= 'Z') &&
           std::string_view(R"(\/*?"<>|,#:)").find(character) == std::string_view::npos;
  };
  const bool good = !name.empty() && name.size() <= kMaxNameBytes && name != "." && name != ".." &&
                    std::string_view("-_+").find(name.front()) == std::string_view::npos &&
                    std::ranges::all_of(name, allowed) && simdjson::validate_utf8(name.data(), name.size());
  if (good) return {};
  return base::fail(
      Recovery::Stop, "es.index_name_invalid",
      fmt::format("`{}` is no name for an index: lower case, at most 255 bytes, no blank and none of "
                  "\\ / * ? \" < > | , # :, not begun by - _ +. Choose another prefix or leave the table out.",
                  name));
}

Result<ServerFacts> ask_for_facts(HttpClient& client, HttpCall& call) {
  send(client, call, Method::Get, "/");
  if (succeeded(call)) return read_server_facts(call.reply);
  const bool no_such_page = !call.error && (call.status == 404 || call.status == 405 || call.status == 400);
  if (!no_such_page) return failed(call);
  send(client, call, Method::Get, "/_nodes/_local?filter_path=nodes.*.version");
  if (!succeeded(call)) return failed(call);
  return read_node_facts(call.reply);
}

}  // namespace

IndexAdmin::IndexAdmin(std::unique_ptr<HttpClient> client, IndexOptions options, ServerFacts facts, Warn warn)
    : client_(std::move(client)),
      call_(std::make_unique<HttpCall>()),
      options_(std::move(options)),
      facts_(std::move(facts)),
      warn_(std::move(warn)) {
  if (options_.replicas == 0) warn_of_no_replicas("New indices have");
}
IndexAdmin::~IndexAdmin() = default;

Result<std::unique_ptr<IndexAdmin>> IndexAdmin::open(ConnectionOptions connection, IndexOptions options, Warn warn) {
  SLUICE_ASSIGN(auto client, HttpClient::open(std::move(connection)));
  HttpCall call;
  SLUICE_ASSIGN(ServerFacts facts, ask_for_facts(*client, call));
  return std::unique_ptr<IndexAdmin>(
      new IndexAdmin(std::move(client), std::move(options), std::move(facts), std::move(warn)));
}

Result<void> IndexAdmin::ensure_journal(std::string_view index) {
  SLUICE_TRY(check_name(index));
  const std::string mapping = mapping_body(IndexKind::Journal, facts_.product, {});
  const std::string body = index_body(IndexKind::Journal, options_, mapping);
  const bool one_for_all = !options_.journal_prefix.empty() && index.starts_with(options_.journal_prefix);
  const std::string name = one_for_all ? "sluice-journal-" + options_.journal_prefix : fmt::format("sluice-{}", index);
  const std::string pattern = one_for_all ? options_.journal_prefix + "*" : std::string(index);
  SLUICE_TRY(ensure_template(name, template_body(pattern, facts_.product, body)));
  return ensure_index(index, body, mapping);
}

Result<void> IndexAdmin::ensure_mirror(std::string_view index, std::string_view properties) {
  SLUICE_TRY(check_name(index));
  const std::string mapping = mapping_body(IndexKind::Mirror, facts_.product, properties);
  const std::string body = index_body(IndexKind::Mirror, options_, mapping);
  // Its columns may have become more since it was put by this object.
  const std::string name = fmt::format("sluice-{}", index);
  templates_.erase(name);
  SLUICE_TRY(ensure_template(name, template_body(index, facts_.product, body)));
  return ensure_index(index, body, mapping);
}

Result<void> IndexAdmin::ensure_template(const std::string& name, const std::string& body) {
  if (templates_.contains(name)) return {};
  send(*client_, *call_, Method::Put, "/_index_template/" + path_segment(name), body);
  if (!succeeded(*call_))
    return refused(*call_, "es.template_refused", fmt::format("the index template {} is refused", name),
                   "Look which other template has the same pattern and priority, and remove or change it.");
  templates_.insert(name);
  return {};
}

Result<void> IndexAdmin::ensure_index(std::string_view index, const std::string& body, const std::string& mapping) {
  send(*client_, *call_, Method::Put, "/" + path_segment(index), body);
  if (succeeded(*call_)) return {};
  const bool there =
      !call_->error && call_->status == 400 && fault_of(*call_).type == "resource_already_exists_exception";
  if (!there)
    return refused(*call_, "es.index_refused", fmt::format("index {} cannot be made", index),
                   "Remove what is in the way, or choose another prefix.");
  SLUICE_TRY(ensure_mapping(index, mapping));
  return check_settings(index);
}

Result<void> IndexAdmin::ensure_mapping(std::string_view index, const std::string& mapping) {
  send(*client_, *call_, Method::Put, fmt::format("/{}/_mapping", path_segment(index)), mapping);
  if (succeeded(*call_)) return {};
  return refused(
      *call_, "es.mapping_conflict", fmt::format("index {} has a mapping that does not fit", index),
      "A type cannot be changed in place: give a mirror a new generation (replicator slot reset --new-epoch), and "
      "move a journal away by another indexPrefix or by deleting it.");
}

/// E-13: what a bulk answers as written must be on disk, and better on two.
Result<void> IndexAdmin::check_settings(std::string_view index) {
  send(*client_, *call_, Method::Get,
       fmt::format("/{}/_settings/index.translog.durability,index.number_of_replicas?flat_settings=true",
                   path_segment(index)));
  if (!succeeded(*call_)) return failed(*call_);
  const json settings = json::parse(call_->reply, nullptr, false);
  if (!settings.is_object())
    return base::fail(Recovery::Retry, "es.bad_response",
                      "the answer about an index's settings is not whole. It is asked again.");
  for (const auto& [name, of_index] : settings.items()) {
    const auto setting = [&of_index = of_index](std::string_view key, std::string_view if_absent) {
      const json::json_pointer pointer(fmt::format("/settings/{}", key));
      return of_index.contains(pointer) ? of_index[pointer] : json(if_absent);
    };
    if (setting("index.number_of_replicas", "1") == "0") warn_of_no_replicas(fmt::format("The index {} has", name));
    const json durability = setting("index.translog.durability", "request");  // the server's own default
    if (durability.is_string() && (durability == "request" || durability == "REQUEST")) continue;
    return base::fail(
        Recovery::Stop, "es.durability_weak",
        fmt::format("index {} acknowledges writes before they are on disk, so a crash of the node could lose them. "
                    "Run: PUT /{}/_settings {{\"index.translog.durability\":\"request\"}}",
                    name, name));
  }
  return {};
}

void IndexAdmin::warn_of_no_replicas(std::string_view which) {
  if (const Warn warn = std::exchange(warn_, {}))
    warn(
        "es.no_replicas",
        fmt::format("{} no replica, so the loss of one disk is the loss of documents. With more than one node set "
                    "elasticsearch.number_of_replicas to 1, and for indices that are there run: PUT /<index>/_settings "
                    "{{\"index.number_of_replicas\":1}}",
                    which));
}

Result<void> IndexAdmin::publish(std::string_view alias, std::string_view index) {
  SLUICE_TRY(check_name(alias));
  SLUICE_TRY(check_name(index));
  send(*client_, *call_, Method::Get, "/_alias/" + path_segment(alias));
  if (!succeeded(*call_) && (call_->error || call_->status != 404)) return failed(*call_);
  const json found = call_->status == 404 ? json::object() : json::parse(call_->reply, nullptr, false);
  if (!found.is_object())
    return base::fail(Recovery::Retry, "es.bad_response", "the answer about an alias is not whole. It is asked again.");

  json actions = json::array();
  for (const auto& [old, ignored] : found.items())
    if (old != index) actions.push_back({{"remove", {{"index", old}, {"alias", alias}}}});
  const json visible = {{"bool", {{"must_not", {{"term", {{"_sluice.deleted", true}}}}}}}};
  actions.push_back({{"add", {{"index", index}, {"alias", alias}, {"filter", visible}}}});
  const std::string body = json{{"actions", std::move(actions)}}.dump();
  send(*client_, *call_, Method::Post, "/_aliases", body);
  if (succeeded(*call_)) return {};
  if (!call_->error && call_->status == 404)  // an index of before is gone, or the new one is
    return base::fail(Recovery::Retry, "es.alias_moved",
                      fmt::format("alias {} was changed by somebody else meanwhile. It is tried again.", alias));
  return refused(*call_, "es.alias_refused", fmt::format("alias {} cannot be made", alias),
                 "An index of that name is usually in the way: remove it, or choose another mirrorPrefix.");
}

Result<std::optional<std::string>> IndexAdmin::published(std::string_view alias) {
  SLUICE_TRY(check_name(alias));
  send(*client_, *call_, Method::Get, "/_alias/" + path_segment(alias));
  if (!call_->error && call_->status == 404) return std::nullopt;
  if (!succeeded(*call_)) return failed(*call_);
  const json found = json::parse(call_->reply, nullptr, false);
  if (!found.is_object())
    return base::fail(Recovery::Retry, "es.bad_response", "the answer about an alias is not whole. It is asked again.");
  if (found.size() == 1) return found.begin().key();
  if (found.empty()) return std::nullopt;
  return base::fail(
      Recovery::Stop, "es.alias_ambiguous",
      fmt::format("alias {} leads to {} indices. Leave only the generation that is complete.", alias, found.size()));
}

Result<void> IndexAdmin::refresh(std::string_view index) {
  SLUICE_TRY(check_name(index));
  send(*client_, *call_, Method::Post, fmt::format("/{}/_refresh", path_segment(index)));
  if (succeeded(*call_)) return {};
  return failed(*call_);
}

Result<void> IndexAdmin::ensure_bookkeeping() {
  if (bookkeeping_is_there_) return {};
  const std::string mapping = mapping_body(IndexKind::Bookkeeping, facts_.product, {});
  const std::string body = index_body(IndexKind::Bookkeeping, options_, mapping);
  const std::string name(kBookkeeping);
  SLUICE_TRY(ensure_template(name, template_body(kBookkeeping, facts_.product, body)));
  SLUICE_TRY(ensure_index(kBookkeeping, body, mapping));
  bookkeeping_is_there_ = true;
  return {};
}

Result<void> IndexAdmin::store(std::string_view id, std::string_view body) {
  SLUICE_TRY(ensure_bookkeeping());
  send(*client_, *call_, Method::Put, fmt::format("/{}/_doc/{}", kBookkeeping, path_segment(id)), body);
  if (succeeded(*call_)) return {};
  if (!call_->error && call_->status == 404)
    return base::fail(
        Recovery::Stop, "es.index_missing",
        fmt::format("index {} is gone. Find out who deleted it; a restart makes it again and reads the topics from "
                    "their beginning.",
                    kBookkeeping));
  return failed(*call_, Carries::Values);
}

Result<std::optional<std::string>> IndexAdmin::load(std::string_view id) {
  send(*client_, *call_, Method::Get, fmt::format("/{}/_source/{}", kBookkeeping, path_segment(id)));
  if (!call_->error && call_->status == 404) return std::nullopt;
  if (!succeeded(*call_)) return failed(*call_, Carries::Values);
  return call_->reply;
}

}  // namespace sluice::elastic
