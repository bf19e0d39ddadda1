#include "sluice/elastic/bulk_response.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <vector>

namespace sluice::elastic {
namespace {

namespace dom = simdjson::dom;

struct Malformed {
  std::string_view why;
};

tl::unexpected<base::Error> bad_response(std::string_view why) {
  return base::fail(
      base::Recovery::Retry, "es.bad_response",
      fmt::format("the answer to a bulk {}. It is sent again; should this go on, look for a proxy that cuts or "
                  "changes answers.",
                  why));
}

/// A member that must be a string; absent: empty.
tl::expected<std::string_view, Malformed> text_of(const dom::object& object, std::string_view name) {
  dom::element value;
  if (object.at_key(name).get(value) == simdjson::NO_SUCH_FIELD) return std::string_view();
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS)
    return tl::unexpected(Malformed{"has an error whose type or reason is no text"});
  return text;
}

tl::expected<void, Malformed> read_error(const dom::object& outcome, ItemReply& reply) {
  dom::element value;
  const bool there = outcome.at_key("error").get(value) != simdjson::NO_SUCH_FIELD;
  const bool success = reply.status >= 200 && reply.status < 300;
  if (there == success) return tl::unexpected(Malformed{"has an item whose status and error contradict each other"});
  if (!there) return {};
  dom::object error;
  if (value.get(error) != simdjson::SUCCESS) return tl::unexpected(Malformed{"has an item error of unknown form"});
  auto type = text_of(error, "type");
  auto reason = text_of(error, "reason");
  if (!type || !reason) return tl::unexpected(!type ? type.error() : reason.error());
  if (type->empty()) return tl::unexpected(Malformed{"has an item error without a type"});
  reply.error_type = *type;
  reply.error_reason = *reason;
  return {};
}

tl::expected<ItemReply, Malformed> read_item(dom::element element) {
  dom::object item;
  if (element.get(item) != simdjson::SUCCESS || item.size() != 1)
    return tl::unexpected(Malformed{"has an item that is no object of one action"});
  const dom::key_value_pair action = *item.begin();
  dom::object outcome;
  if (action.value.get(outcome) != simdjson::SUCCESS)
    return tl::unexpected(Malformed{"has an item without an outcome"});
  std::int64_t status = 0;
  if (outcome["status"].get(status) != simdjson::SUCCESS || status < 100 || status > 599)
    return tl::unexpected(Malformed{"has an item without a valid status"});
  ItemReply reply{action.key, static_cast<int>(status), {}, {}};
  if (auto read = read_error(outcome, reply); !read) return tl::unexpected(read.error());
  return reply;
}

}  // namespace

struct BulkResponseParser::State {
  dom::parser parser;
  std::vector<ItemReply> replies;
};

BulkResponseParser::BulkResponseParser() : state_(std::make_unique<State>()) {}
BulkResponseParser::~BulkResponseParser() = default;

base::Result<std::span<const ItemReply>> BulkResponseParser::parse(std::string& json, std::size_t expected_items) {
  json.reserve(json.size() + simdjson::SIMDJSON_PADDING);
  dom::element document;
  if (state_->parser.parse(json.data(), json.size(), false).get(document) != simdjson::SUCCESS)
    return bad_response("is no whole JSON document");
  dom::array items;
  if (document["items"].get(items) != simdjson::SUCCESS) return bad_response("has no list of items");
  state_->replies.clear();
  for (const dom::element element : items) {
    auto reply = read_item(element);
    if (!reply) return bad_response(reply.error().why);
    state_->replies.push_back(*reply);
  }
  if (state_->replies.size() != expected_items)
    return bad_response(fmt::format("has {} items for {} documents", state_->replies.size(), expected_items));
  return std::span<const ItemReply>(state_->replies);
}

}  // namespace sluice::elastic
