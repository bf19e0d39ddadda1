#include "variables.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

namespace sluice::config {
namespace {

bool is_variable_name(std::string_view name) {
  const auto fits = [](unsigned char byte) { return std::isalnum(byte) != 0 || byte == '_'; };
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
         std::all_of(name.begin(), name.end(), fits);
}

/// `inner` stands between ${ and }.
tl::expected<std::string, Complaint> value_of(std::string_view inner, const Environment& environment) {
  const std::size_t colon = inner.find(":-");
  const std::string name(inner.substr(0, colon));
  if (!is_variable_name(name)) {
    return tl::unexpected(Complaint{"config.bad_variable",
                                    "has no variable's name behind `${`: write ${NAME}, "
                                    "${NAME:-default}, or $${ for the characters themselves"});
  }
  const auto value = environment(name);
  if (colon != std::string_view::npos) return value && !value->empty() ? *value : std::string(inner.substr(colon + 2));
  if (value) return *value;
  return tl::unexpected(
      Complaint{"config.unset_variable",
                fmt::format("needs the variable {0}, which is not set: set it, or write ${{{0}:-default}}", name)});
}

}  // namespace

tl::expected<std::string, Complaint> expand_variables(std::string_view text, const Environment& environment) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at, 3) == "$${") {
      out += "${";
      at += 3;
    } else if (text.substr(at, 2) == "${") {
      const std::size_t end = text.find('}', at);
      if (end == std::string_view::npos) {
        return tl::unexpected(Complaint{"config.bad_variable",
                                        "has a `${` without its `}`: close it, or write $${ for the "
                                        "characters themselves"});
      }
      auto value = value_of(text.substr(at + 2, end - at - 2), environment);
      if (!value) return value;
      out += *value;
      at = end + 1;
    } else {
      out += text[at++];
    }
  }
  return out;
}

bool is_only_variables(std::string_view text) {
  if (text.empty()) return false;
  while (text.starts_with("${") && text.find('}') != std::string_view::npos) text.remove_prefix(text.find('}') + 1);
  return text.empty();
}

}  // namespace sluice::config
