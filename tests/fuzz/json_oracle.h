// An independent parser's opinion on JSON.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

namespace sluice::fuzz {

/// 1e999 is JSON too, but this parser refuses what no double can hold.
inline bool is_json(std::string_view text) {
  constexpr int kNumberOverflow = 406;
  try {
    return !nlohmann::json::parse(text).is_discarded();
  } catch (const nlohmann::json::out_of_range& error) {
    return error.id == kNumberOverflow;
  } catch (const nlohmann::json::parse_error&) {
    return false;
  }
}

}  // namespace sluice::fuzz
