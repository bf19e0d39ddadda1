#include "sluice/admin/fetch.h"

#include <chrono>

#include <fmt/core.h>
#include <httplib.h>

#include "address.h"

namespace sluice::admin {
namespace {

constexpr std::chrono::seconds kPatience{2};

std::string host_to_ask(const std::string& listens_on) {
  if (listens_on == "0.0.0.0") return "127.0.0.1";
  return listens_on == "::" ? "::1" : listens_on;
}

}  // namespace

base::Result<Reply> fetch(const std::string& address, const std::string& path, const base::Secret& token) {
  const auto no_answer = [&address] {
    return base::fail(base::Recovery::Retry, "admin.no_answer",
                      fmt::format("nothing answers at {}. Is the program running, with admin.enabled on?", address));
  };
  const auto parsed = parse_address(address);
  if (!parsed) return no_answer();
  httplib::Client client(host_to_ask(parsed->host), parsed->port);
  client.set_connection_timeout(kPatience);
  client.set_read_timeout(kPatience);
  client.set_write_timeout(kPatience);
  if (!token.empty()) client.set_bearer_token_auth(token.reveal());
  const auto result = client.Get(path);
  if (!result) return no_answer();
  return Reply{result->status, result->body};
}

}  // namespace sluice::admin
