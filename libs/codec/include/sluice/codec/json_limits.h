// What readers of JSON bound though RFC 8259 does not.
//
// Thread rule: one thread per JsonLimitChecker.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::codec {

struct JsonLimits {
  std::size_t max_nesting = 0;       ///< of objects and arrays in each other
  std::size_t max_number_bytes = 0;  ///< of a number as it is written
  std::size_t max_path_bytes = 0;    ///< of the names that lead to a value, with a dot between them
};

class JsonLimitChecker {
 public:
  /// Whether a value keeps the limits, no object has a name twice, and no name has NUL in it. Of what is no valid JSON
  /// the answer means nothing.
  bool keeps(const JsonLimits& limits, std::string_view json);

 private:
  struct Open {
    bool is_object = false;
    std::size_t first_name = 0;  ///< of its own in names_
    std::size_t path_bytes = 0;  ///< of the names around it
  };

  bool take_name(const JsonLimits& limits, std::string_view inside);
  bool open(const JsonLimits& limits, bool is_object);
  bool close();

  std::vector<Open> open_;
  std::vector<std::string_view> names_;  ///< of all open objects
  std::deque<std::string> unescaped_;    ///< those that had escapes
};

}  // namespace sluice::codec
