#include <unordered_map>

#include "json_text.h"
#include "sluice/codec/envelope_reader.h"

namespace sluice::codec {
namespace {

bool is_blank(char byte) { return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; }

const char* skip_blanks(const char* at, const char* end) {
  while (at != end && is_blank(*at)) ++at;
  return at;
}

/// The first byte behind the object or array that begins at `at`; nullptr: it does not end.
const char* end_of_brackets(const char* at, const char* end) {
  std::size_t open = 0;
  while (at != nullptr && at != end) {
    switch (*at) {
      case '"': at = end_of_json_string(at, end); continue;
      case '{':
      case '[': ++open; break;
      case '}':
      case ']':
        if (--open == 0) return at + 1;
        break;
      default: break;
    }
    ++at;
  }
  return nullptr;
}

/// The first byte behind the value at `at`; nullptr: there is none.
const char* end_of_value(const char* at, const char* end) {
  if (at == end) return nullptr;
  if (*at == '"') return end_of_json_string(at, end);
  if (*at == '{' || *at == '[') return end_of_brackets(at, end);
  const char* const begin = at;
  while (at != end && *at != ',' && *at != '}' && *at != ']' && !is_blank(*at)) ++at;
  return at == begin ? nullptr : at;
}

std::string_view between(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

}  // namespace

FieldCursor::FieldCursor(std::string_view object) {
  if (object.starts_with('{')) rest_ = object.substr(1);
}

bool FieldCursor::next() {
  const char* const end = rest_.data() + rest_.size();
  const char* at = skip_blanks(rest_.data(), end);
  rest_ = {};
  if (at != end && *at == ',') at = skip_blanks(at + 1, end);
  if (at == end || *at != '"') return false;
  const char* const name_end = end_of_json_string(at, end);
  if (name_end == nullptr) return false;
  raw_name_ = between(at, name_end);
  at = skip_blanks(name_end, end);
  if (at == end || *at != ':') return false;
  at = skip_blanks(at + 1, end);
  const char* const value_end = end_of_value(at, end);
  if (value_end == nullptr) return false;
  raw_value_ = between(at, value_end);
  rest_ = between(value_end, end);
  return true;
}

std::string_view FieldCursor::name() {
  const std::string_view inside = raw_name_.substr(1, raw_name_.size() - 2);
  if (inside.find('\\') == std::string_view::npos) return inside;
  unescaped_.clear();
  append_unescaped(inside, unescaped_);
  return unescaped_;
}

void append_changed_names(std::string_view before, std::string_view after, std::vector<std::string_view>& raw_names) {
  FieldCursor was(before);
  FieldCursor is(after);
  // Both rows have their columns in the table's order; only where one lacks some is a look-up by name needed.
  bool in_step = true;
  std::unordered_map<std::string_view, std::string_view> values_before;
  while (is.next()) {
    if (in_step && was.next() && was.raw_name() == is.raw_name()) {
      if (was.raw_value() != is.raw_value()) raw_names.push_back(is.raw_name());
      continue;
    }
    if (in_step) {
      in_step = false;
      for (FieldCursor field(before); field.next();) values_before.emplace(field.raw_name(), field.raw_value());
    }
    const auto found = values_before.find(is.raw_name());
    if (found != values_before.end() && found->second != is.raw_value()) raw_names.push_back(is.raw_name());
  }
}

}  // namespace sluice::codec
