#include "sluice/codec/json_limits.h"

#include <algorithm>

#include "json_text.h"

namespace sluice::codec {
namespace {

bool begins_number(char byte) { return byte == '-' || (byte >= '0' && byte <= '9'); }

bool is_name(const char* behind_string, const char* end) {
  while (behind_string != end && (*behind_string == ' ' || *behind_string == '\t')) ++behind_string;
  return behind_string != end && *behind_string == ':';
}

}  // namespace

bool JsonLimitChecker::open(const JsonLimits& limits, bool is_object) {
  Open next{is_object, names_.size(), 0};
  if (!open_.empty()) {
    const Open& around = open_.back();
    const bool is_named = around.is_object && names_.size() > around.first_name;
    next.path_bytes = around.path_bytes + (is_named ? names_.back().size() + 1 : 0);
  }
  open_.push_back(next);
  return open_.size() <= limits.max_nesting;
}

bool JsonLimitChecker::close() {
  const auto first = names_.begin() + static_cast<std::ptrdiff_t>(open_.back().first_name);
  open_.pop_back();
  std::sort(first, names_.end());
  const bool unique = std::adjacent_find(first, names_.end()) == names_.end();
  names_.erase(first, names_.end());
  return unique;
}

bool JsonLimitChecker::take_name(const JsonLimits& limits, std::string_view inside) {
  if (inside.find('\\') != std::string_view::npos) {
    append_unescaped(inside, unescaped_.emplace_back());
    inside = unescaped_.back();
  }
  names_.push_back(inside);
  return inside.find('\0') == std::string_view::npos &&
         open_.back().path_bytes + inside.size() <= limits.max_path_bytes;
}

bool JsonLimitChecker::keeps(const JsonLimits& limits, std::string_view json) {
  open_.clear();
  names_.clear();
  unescaped_.clear();
  const char* at = json.data();
  const char* const end = at + json.size();
  bool kept = true;
  while (kept && at != nullptr && at != end) {
    const char* const begin = at++;
    if (*begin == '"') {
      at = end_of_json_string(begin, end);
      if (at == nullptr || open_.empty() || !open_.back().is_object || !is_name(at, end)) continue;
      kept = take_name(limits, {begin + 1, static_cast<std::size_t>(at - begin - 2)});
    } else if (*begin == '{' || *begin == '[') {
      kept = open(limits, *begin == '{');
    } else if ((*begin == '}' || *begin == ']') && !open_.empty()) {
      kept = close();
    } else if (begins_number(*begin)) {
      at = end_of_json_number(begin, end);
      kept = at != nullptr && static_cast<std::size_t>(at - begin) <= limits.max_number_bytes;
    }
  }
  return kept;
}

}  // namespace sluice::codec
