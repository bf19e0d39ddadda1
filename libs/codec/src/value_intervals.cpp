// IntervalStyle postgres ("-1 years +2 mons -3 days -04:05:06.7") into what IntervalStyle iso_8601 writes of the same
// value
// ("P-1Y2M-3DT-4H-5M-6.7S"); both in EncodeInterval of src/backend/utils/adt/datetime.c.
#include <algorithm>

#include "value_type.h"

namespace sluice::codec {
namespace {

constexpr std::size_t kMaxDigits = 20;

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

struct Field {
  bool negative = false;
  std::string_view digits;
};

/// A number with an optional sign, taken from the front of `rest`.
bool take_number(std::string_view& rest, Field& field) {
  field.negative = rest.starts_with('-');
  if (field.negative || rest.starts_with('+')) rest.remove_prefix(1);
  const auto count = static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_digit) - rest.begin());
  field.digits = rest.substr(0, count);
  rest.remove_prefix(count);
  return count >= 1 && count <= kMaxDigits;
}

void append_field(bool negative, std::string_view digits, std::string_view fraction, char unit, base::TextBuffer& out) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty() && fraction.empty()) return;
  if (negative) out.append('-');
  out.append(digits.empty() ? "0" : digits);
  if (!fraction.empty()) {
    out.append('.');
    out.append(fraction);
  }
  out.append(unit);
}

/// `hours` has been taken; the rest is ":MM:SS[.ffffff]". Appends "T4H5M6.7S", or nothing when all is zero.
bool append_clock(const Field& hours, std::string_view rest, base::TextBuffer& out) {
  constexpr std::size_t kPlainSize = 6;  // :MM:SS
  if (rest.size() < kPlainSize || rest[0] != ':' || rest[3] != ':') return false;
  const std::string_view minutes = rest.substr(1, 2);
  const std::string_view seconds = rest.substr(4, 2);
  std::string_view fraction = rest.substr(kPlainSize);
  if (!fraction.empty() && (!fraction.starts_with('.') || fraction.size() < 2 || fraction.size() > 7)) return false;
  if (!fraction.empty()) fraction.remove_prefix(1);
  for (const std::string_view digits : {minutes, seconds, fraction}) {
    if (!std::all_of(digits.begin(), digits.end(), is_digit)) return false;
  }
  fraction = fraction.substr(0, fraction.find_last_not_of('0') + 1);
  const std::size_t begin = out.size();
  out.append('T');
  append_field(hours.negative, hours.digits, {}, 'H', out);
  append_field(hours.negative, minutes, {}, 'M', out);
  append_field(hours.negative, seconds, fraction, 'S', out);
  if (out.size() == begin + 1) out.cut_back_to(begin);
  return true;
}

struct Unit {
  std::string_view name;
  char letter;
};
constexpr Unit kUnits[] = {{"year", 'Y'}, {"mon", 'M'}, {"day", 'D'}};

/// Takes " year", " mons", … from the front of `rest`; the units come in the order of kUnits, each at most once.
bool take_unit(std::string_view& rest, std::size_t& next_unit, char& letter) {
  for (; next_unit < std::size(kUnits); ++next_unit) {
    const std::string_view name = kUnits[next_unit].name;
    if (rest.size() <= name.size() || rest[0] != ' ' || !rest.substr(1).starts_with(name)) continue;
    rest.remove_prefix(1 + name.size());
    if (rest.starts_with('s')) rest.remove_prefix(1);
    if (!rest.empty() && rest.front() != ' ') return false;
    if (!rest.empty()) rest.remove_prefix(1);
    letter = kUnits[next_unit++].letter;
    return true;
  }
  return false;
}

/// Appends "P1Y2M3DT4H", without quotes.
bool append_period(std::string_view rest, base::TextBuffer& out) {
  const std::size_t begin = out.size();
  out.append('P');
  std::size_t next_unit = 0;
  if (rest.empty()) return false;
  while (!rest.empty()) {
    Field field;
    if (!take_number(rest, field)) return false;
    if (rest.starts_with(':')) {
      if (!append_clock(field, rest, out)) return false;
      break;
    }
    char letter = 0;
    if (!take_unit(rest, next_unit, letter)) return false;
    append_field(field.negative, field.digits, {}, letter, out);
  }
  if (out.size() == begin + 1) out.append("T0S");
  return true;
}

}  // namespace

bool append_interval(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  if (is_infinite(text)) return append_quoted(text, out);
  out.append('"');
  if (!append_period(text, out)) return false;
  out.append('"');
  return true;
}

}  // namespace sluice::codec
