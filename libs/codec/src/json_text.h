// JSON that came as text (json and jsonb columns, slices of envelopes): is it valid, and how does it become fit to
// stand inside an envelope.
//
// Thread rule: one thread per JsonChecker.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/base/text_buffer.h"

namespace sluice::codec {

/// The first byte behind the JSON number that begins at `at`; nullptr: there is none.
const char* end_of_json_number(const char* at, const char* end);

/// The first byte behind the JSON string whose opening quote is at `at`; nullptr: it is not valid (see JsonChecker).
const char* end_of_json_string(const char* at, const char* end);

/// Appends the inside of a valid JSON string without its escapes, in UTF-8.
void append_unescaped(std::string_view inside, std::string& out);

class JsonChecker {
 public:
  /// One JSON text (RFC 8259) and nothing else, in UTF-8, without line breaks and without escapes of half a surrogate
  /// pair, which strict parsers refuse. Nesting is bounded by the text alone.
  bool is_clean(std::string_view text);

  /// The first byte behind the one value that begins at `at`, maybe behind blanks; nullptr: it is not clean.
  const char* end_of_value(const char* at, const char* end);

 private:
  std::string open_;  ///< the brackets that are not closed yet
};

/// Appends `text` without the line breaks between its tokens; inside of strings, invalid UTF-8 and escapes of half a
/// surrogate pair (the type json keeps them) become U+FFFD, counted. Whether the result is JSON is for JsonChecker to
/// say.
void append_cleaned_json(std::string_view text, base::TextBuffer& out, std::uint64_t& replacements);

}  // namespace sluice::codec
