// Makes a message one line that a terminal shows and does not obey (rule S-7): control characters (C0, DEL, C1) become
// \n, \t, \x1b; bytes that are no UTF-8 become \xff.
#pragma once

#include <string>
#include <string_view>

namespace sluice::log {

std::string escaped(std::string_view text);

/// At most `max_bytes` of it, cut between characters, with a note of how much is missing. REQUIRES: valid UTF-8.
std::string shortened(std::string text, std::size_t max_bytes);

}  // namespace sluice::log
