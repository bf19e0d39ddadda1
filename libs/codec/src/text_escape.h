// JSON string escapes: only what JSON demands is escaped, all other characters stand for themselves.
//
// Thread rule: pure functions; append to the caller's buffer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/base/text_buffer.h"

namespace sluice::codec {

/// Appends `text` without quotes. Each invalid piece of UTF-8 (the longest beginning of a character that cannot go on)
/// becomes U+FFFD and is counted.
void append_escaped(std::string_view text, base::TextBuffer& out, std::uint64_t& replacements);

/// A name as a JSON string. What is replaced in it is not counted: it is no value.
std::string in_quotes(std::string_view name);

/// The same as append_escaped(), but bytes from 0x80 on are kept as they are.
void append_escaped_bytes(std::string_view text, base::TextBuffer& out);

}  // namespace sluice::codec
