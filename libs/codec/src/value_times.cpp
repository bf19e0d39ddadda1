// DateStyle ISO as PostgreSQL writes it (src/backend/utils/adt/datetime.c, EncodeDateTime): "2026-11-21
// 08:00:00.123456+00", behind it " BC" for years before 1. The year has at least four digits.
#include "value_type.h"

namespace sluice::codec {
namespace {

/// Reads a text from left to right; each function says whether the piece was there, and goes behind it.
class Pieces {
 public:
  explicit Pieces(std::string_view text) : rest_(text) {}

  bool literal(char byte) {
    if (rest_.empty() || rest_.front() != byte) return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// Two digits, together at most `max`.
  bool two_digits(int max) {
    if (rest_.size() < 2 || !digit(rest_[0]) || !digit(rest_[1])) return false;
    if ((rest_[0] - '0') * 10 + (rest_[1] - '0') > max) return false;
    rest_.remove_prefix(2);
    return true;
  }

  bool digits(std::size_t min, std::size_t max) {
    std::size_t count = 0;
    while (count < rest_.size() && count < max && digit(rest_[count])) ++count;
    rest_.remove_prefix(count);
    return count >= min;
  }

  bool date() { return digits(4, 7) && literal('-') && two_digits(12) && literal('-') && two_digits(31); }

  /// 24:00:00 is a time, and :60 a second.
  bool time() {
    if (!two_digits(24) || !literal(':') || !two_digits(59) || !literal(':') || !two_digits(60)) return false;
    return !literal('.') || digits(1, 6);
  }

  /// +00, -08, +05:30, +00:53:28
  bool zone() {
    if ((!literal('+') && !literal('-')) || !two_digits(15)) return false;
    if (!literal(':')) return true;
    return two_digits(59) && (!literal(':') || two_digits(59));
  }

  bool era() {
    if (rest_ != " BC") return false;
    rest_ = {};
    return true;
  }

  std::size_t left() const { return rest_.size(); }
  bool finished() const { return rest_.empty(); }

 private:
  static bool digit(char byte) { return byte >= '0' && byte <= '9'; }

  std::string_view rest_;
};

void append_zone(std::string_view zone, base::TextBuffer& out) {
  if (zone == "+00") return out.append('Z');
  out.append(zone);
  constexpr std::size_t kHoursOnly = 3;
  if (zone.size() == kHoursOnly) out.append(":00");
}

enum class Zone { Without, With };

bool append_moment(std::string_view text, Zone zone, base::TextBuffer& out) {
  if (is_infinite(text)) return append_quoted(text, out);
  Pieces pieces(text);
  const auto position = [&] { return text.size() - pieces.left(); };
  if (!pieces.date()) return false;
  const std::size_t date_end = position();
  if (!pieces.literal(' ') || !pieces.time()) return false;
  const std::size_t time_end = position();
  if (zone == Zone::With && !pieces.zone()) return false;
  const std::size_t zone_end = position();
  if (!pieces.finished() && !pieces.era()) return false;

  out.append('"');
  out.append(text.substr(0, date_end));
  out.append('T');
  out.append(text.substr(date_end + 1, time_end - date_end - 1));
  if (zone == Zone::With) append_zone(text.substr(time_end, zone_end - time_end), out);
  out.append(text.substr(zone_end));
  out.append('"');
  return true;
}

}  // namespace

bool append_date(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  Pieces pieces(text);
  if (!is_infinite(text) && (!pieces.date() || (!pieces.finished() && !pieces.era()))) return false;
  return append_quoted(text, out);
}

bool append_time(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  Pieces pieces(text);
  return pieces.time() && pieces.finished() && append_quoted(text, out);
}

bool append_timetz(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  Pieces pieces(text);
  if (!pieces.time()) return false;
  const std::size_t time_end = text.size() - pieces.left();
  if (!pieces.zone() || !pieces.finished()) return false;
  out.append('"');
  out.append(text.substr(0, time_end));
  append_zone(text.substr(time_end), out);
  out.append('"');
  return true;
}

bool append_timestamp(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  return append_moment(text, Zone::Without, out);
}

bool append_timestamptz(ValueContext&, const ValueType&, std::string_view text, base::TextBuffer& out) {
  return append_moment(text, Zone::With, out);
}

}  // namespace sluice::codec
