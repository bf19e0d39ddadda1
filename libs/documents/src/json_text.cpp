#include "json_text.h"

#include <fmt/core.h>
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
    default: out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
  }
}

/// Fixed width, zeros in front. fmt needs five times as long for a time, and each document has one.
template <class Number>
void put_digits(char* to, Number number, int width) {
  for (int digit = width - 1; digit >= 0; --digit, number /= 10) to[digit] = static_cast<char>('0' + number % 10);
}

void append_upper_hex(std::uint32_t number, std::string& out) {
  char digits[8];
  int first = 8;
  do {
    digits[--first] = "0123456789ABCDEF"[number & 0xF];
    number >>= 4;
  } while (number != 0);
  out.append(digits + first, digits + 8);
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

void append_raw_names(std::string_view member, std::span<const std::string_view> raw_names, std::string& out) {
  out += member;
  out.push_back('[');
  for (std::size_t i = 0; i < raw_names.size(); ++i) {
    if (i != 0) out.push_back(',');
    out += raw_names[i];
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
  const int year = static_cast<int>(date.year());
  if (year < 0 || year > 9999) {  // not from a clock; the search engine refuses it, and the record gets a dead letter
    out += fmt::format("\"{}-01-01T00:00:00Z\"", year);
    return;
  }
  char text[] = "\"0000-00-00T00:00:00.000000Z\"";
  put_digits(text + 1, year, 4);
  put_digits(text + 6, static_cast<unsigned>(date.month()), 2);
  put_digits(text + 9, static_cast<unsigned>(date.day()), 2);
  put_digits(text + 12, clock.hours().count(), 2);
  put_digits(text + 15, clock.minutes().count(), 2);
  put_digits(text + 18, clock.seconds().count(), 2);
  put_digits(text + 21, clock.subseconds().count(), 6);
  out.append(text, sizeof(text) - 1);
}

void append_json_lsn(change::Lsn lsn, std::string& out) {
  out.push_back('"');
  append_upper_hex(static_cast<std::uint32_t>(lsn.value() >> 32), out);
  out.push_back('/');
  append_upper_hex(static_cast<std::uint32_t>(lsn.value()), out);
  out.push_back('"');
}

}  // namespace sluice::documents
