// Which of the valid names somebody meant.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// The candidate with the fewest edits from `name`; capitals, `_` and `-` do not count. Nothing: none is near.
std::optional<std::string> nearest(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace sluice::config
