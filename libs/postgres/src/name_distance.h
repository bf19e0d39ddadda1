// Which existing names a mistyped one may have meant.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::postgres {

/// Number of characters to insert, delete or replace to turn one into the other.
std::size_t edit_distance(std::string_view left, std::string_view right);

/// At most `max_names` of `names`, nearest first, none that differs in more than a third of its characters.
std::vector<std::string> nearest_names(std::string_view wanted, std::span<const std::string> names,
                                       std::size_t max_names);

}  // namespace sluice::postgres
