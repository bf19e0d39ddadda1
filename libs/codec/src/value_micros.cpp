// Dates and times as numbers, from DateStyle ISO and IntervalStyle postgres (see value_times.cpp, value_intervals.cpp).
// Numbers are exact; those beyond 64 bits (years from 294247 on) too, since JSON knows no bound.
#include "value_type.h"

namespace sluice::codec {
namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

/// Takes pieces from the front of a text; once one was not there all that follow are not.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  std::int64_t number(std::size_t min_digits, std::size_t max_digits) {
    std::int64_t value = 0;
    std::size_t count = 0;
    for (; count < rest_.size() && count < max_digits && is_digit(rest_[count]); ++count)
      value = value * 10 + (rest_[count] - '0');
    failed_ = failed_ || count < min_digits;
    rest_.remove_prefix(count);
    return value;
  }
  std::int64_t number_up_to(std::int64_t max) {
    const std::int64_t value = number(2, 2);
    failed_ = failed_ || value > max;
    return value;
  }
  /// Up to six digits.
  std::int64_t fraction_in_micros() {
    const std::size_t before = rest_.size();
    std::int64_t micros = number(1, 6);
    for (std::size_t digits = before - rest_.size(); digits < 6; ++digits) micros *= 10;
    return micros;
  }
  void expect(char byte) {
    if (!take(std::string_view(&byte, 1))) failed_ = true;
  }
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  /// -1 or 1.
  int sign() {
    if (take("-")) return -1;
    take("+");
    return 1;
  }
  bool next_is(char byte) const { return rest_.starts_with(byte); }
  bool at_end() const { return rest_.empty(); }
  bool failed() const { return failed_; }
  bool is_read() const { return !failed_ && rest_.empty(); }

 private:
  static bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

  std::string_view rest_;
  bool failed_ = false;
};

/// Days since 1970-01-01 in the proleptic Gregorian calendar; `year` 0 is 1 BC. (Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", days_from_civil.)
std::int64_t days_since_1970(std::int64_t year, std::int64_t month, std::int64_t day) {
  if (month <= 2) --year;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

struct Date {
  std::int64_t year = 0;
  std::int64_t month = 0;
  std::int64_t day = 0;
};

Date read_date(Reader& reader) {
  Date date;
  date.year = reader.number(4, 7);
  reader.expect('-');
  date.month = reader.number_up_to(12);
  reader.expect('-');
  date.day = reader.number_up_to(31);
  return date;
}

/// The era stands at the very end.
std::int64_t days_of(const Date& date, Reader& reader) {
  const std::int64_t year = reader.take(" BC") ? 1 - date.year : date.year;
  return days_since_1970(year, date.month, date.day);
}

/// Behind the hours: ":MM:SS[.ffffff]".
std::int64_t read_minutes_on(Reader& reader) {
  reader.expect(':');
  const std::int64_t minutes = reader.number_up_to(59);
  reader.expect(':');
  std::int64_t micros = (minutes * 60 + reader.number_up_to(60)) * kMicrosPerSecond;
  if (!reader.take(".")) return micros;
  return micros + reader.fraction_in_micros();
}

std::int64_t read_time(Reader& reader) {
  const std::int64_t hours = reader.number_up_to(24);
  return hours * 3'600 * kMicrosPerSecond + read_minutes_on(reader);
}

/// +00, -08, +05:30, +00:53:28; nothing where there is none.
std::int64_t read_zone(Reader& reader) {
  if (!reader.next_is('+') && !reader.next_is('-')) return 0;
  const int sign = reader.sign();
  std::int64_t seconds = reader.number_up_to(15) * 3'600;
  if (reader.take(":")) seconds += reader.number_up_to(59) * 60;
  if (reader.take(":")) seconds += reader.number_up_to(59);
  return sign * seconds * kMicrosPerSecond;
}

void append_wide(Wide value, base::TextBuffer& out) {
  constexpr std::size_t kMaxDigits = 40;
  char digits[kMaxDigits];
  char* const end = digits + kMaxDigits;
  char* at = end;
  const bool negative = value < 0;
  do {
    const auto digit = static_cast<int>(value % 10);
    *--at = static_cast<char>('0' + (digit < 0 ? -digit : digit));
    value /= 10;
  } while (value != 0);
  if (negative) *--at = '-';
  out.append(std::string_view(at, static_cast<std::size_t>(end - at)));
}

struct Period {
  Wide months = 0;
  Wide days = 0;
  Wide micros = 0;
};

constexpr std::size_t kMaxIntervalDigits = 18;

/// "-1 years +2 mons -3 days -04:05:06.7"
Period read_interval(Reader& reader) {
  Period period;
  for (bool first = true; !reader.failed() && (first || !reader.at_end()); first = false) {
    if (!first) reader.expect(' ');
    const int sign = reader.sign();
    const Wide count = reader.number(1, kMaxIntervalDigits);
    if (reader.next_is(':')) {
      period.micros = sign * (count * 3'600 * kMicrosPerSecond + read_minutes_on(reader));
    } else if (reader.take(" years") || reader.take(" year")) {
      period.months += sign * count * 12;
    } else if (reader.take(" mons") || reader.take(" mon")) {
      period.months += sign * count;
    } else if (reader.take(" days") || reader.take(" day")) {
      period.days = sign * count;
    } else {
      reader.expect('?');
    }
  }
  return period;
}

}  // namespace

bool append_days(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  if (is_infinite(text)) return append_quoted(text, out);
  Reader reader(text);
  const Date date = read_date(reader);
  const std::int64_t days = days_of(date, reader);
  if (!reader.is_read()) return false;
  out.append_number(days);
  return true;
}

bool append_time_micros(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  Reader reader(text);
  const std::int64_t micros = read_time(reader);
  if (!reader.is_read()) return false;
  out.append_number(micros);
  return true;
}

bool append_timestamp_micros(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  if (is_infinite(text)) return append_quoted(text, out);
  Reader reader(text);
  const Date date = read_date(reader);
  reader.expect(' ');
  const std::int64_t time = read_time(reader);
  const std::int64_t zone = read_zone(reader);
  const std::int64_t days = days_of(date, reader);
  if (!reader.is_read()) return false;
  append_wide(Wide{days} * kMicrosPerDay + time - zone, out);
  return true;
}

bool append_interval_micros(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  if (is_infinite(text)) return append_quoted(text, out);
  Reader reader(text);
  const Period period = read_interval(reader);
  if (!reader.is_read()) return false;
  constexpr std::int64_t kMicrosPerMonth = kMicrosPerDay * 1'461 / 48;  // 30.4375 days
  append_wide(period.months * kMicrosPerMonth + period.days * kMicrosPerDay + period.micros, out);
  return true;
}

}  // namespace sluice::codec
