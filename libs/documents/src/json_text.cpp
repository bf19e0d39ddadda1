#include "json_text.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <chrono>

namespace sluice::documents {
namespace {

bool is_plain(char c) {
  return c >= ' ' && c != '"' && c != '\\' && c != '\x7f';
}  // char is signed here: not ASCII is < 0

void append_escaped(char c, std::string& out) {
  switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
  }
}

template <class Number>
void append_digits(Number number, std::string& out) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
  out.append(digits, end);
}

}  // namespace

void append_json_string(std::string_view text, std::string& out) {
  out.push_back('"');
  if (std::all_of(text.begin(), text.end(), is_plain)) {
    out.append(text);
  } else {
    const bool is_utf8 = simdjson::validate_utf8(text.data(), text.size());
    for (const char c : text) {
      const bool is_ascii = static_cast<unsigned char>(c) < 0x80;
      if (is_ascii && !is_plain(c)) {
        append_escaped(c, out);
      } else if (is_ascii || is_utf8) {
        out.push_back(c);
      } else {
        out += "\xef\xbf\xbd";
      }
    }
  }
  out.push_back('"');
}

void append_json_strings(std::span<const std::string_view> texts, std::string& out) {
  out.push_back('[');
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i != 0) out.push_back(',');
    append_json_string(texts[i], out);
  }
  out.push_back(']');
}

void append_number(std::int64_t number, std::string& out) { append_digits(number, out); }
void append_number(std::uint64_t number, std::string& out) { append_digits(number, out); }

void append_json_time(std::int64_t microseconds_since_1970, std::string& out) {
  using namespace std::chrono;
  const sys_time<microseconds> time{microseconds(microseconds_since_1970)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  fmt::format_to(std::back_inserter(out), FMT_STRING("\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z\""),
                 static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                 clock.hours().count(), clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

}  // namespace sluice::documents
