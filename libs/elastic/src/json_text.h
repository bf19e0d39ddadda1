// Text into JSON strings.
//
// Thread rule: pure.
#pragma once

#include <string>
#include <string_view>

namespace sluice::elastic {

/// Appends `text` as the inside of a JSON string. Bytes above 0x7f go through as they are.
void append_json_escaped(std::string_view text, std::string& out);

/// Quotes and all.
void append_json_string(std::string_view text, std::string& out);

}  // namespace sluice::elastic
