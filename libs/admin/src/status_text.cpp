#include <fmt/core.h>

#include "sluice/admin/fetch.h"
#include "status_json.h"

namespace sluice::admin {
namespace {

constexpr std::size_t kValueColumn = 34;

std::string value_text(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_string()) return value.get<std::string>();
  return value.dump();
}

void append(std::string& out, const Json& object, std::size_t depth) {
  for (const auto& [key, value] : object.items()) {
    const std::string name = std::string(depth * 2, ' ') + key;
    if (value.is_object()) {
      if (value.empty()) continue;
      out += name + "\n";
      append(out, value, depth + 1);
    } else if (value.is_array()) {
      for (const Json& element : value) {
        out += fmt::format("{:<{}}{}\n", name, kValueColumn, value_text(element));
      }
    } else {
      out += fmt::format("{:<{}} {}\n", name, kValueColumn - 1, value_text(value));
    }
  }
}

}  // namespace

base::Result<std::string> status_text(const std::string& status_json) {
  Json json = Json::parse(status_json, nullptr, false);
  if (!json.is_object() || !json.contains("reasons") || !json["reasons"].is_array()) {
    return base::fail(base::Recovery::Stop, "admin.bad_answer",
                      "what answers at the admin address is not this program. Set the address of its own");
  }
  std::string out;
  for (const Json& reason : json["reasons"]) {
    if (!reason.is_object()) continue;
    out += fmt::format("NOT WORKING  {}: {}\n", value_text(reason.value("id", Json())),
                       value_text(reason.value("message", Json())));
  }
  json.erase("reasons");
  append(out, json, 0);
  return out;
}

}  // namespace sluice::admin
