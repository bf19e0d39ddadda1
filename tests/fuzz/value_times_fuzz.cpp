// Dates and times: what is accepted as ISO 8601 is accepted in microseconds, and those are what the C library says.
#include <array>
#include <ctime>

#include "fuzz/values.h"

using namespace sluice;

namespace {

__extension__ using Wide = __int128;

/// Of "YYYY-MM-DD[T| HH:MM:SS[.ffffff]][zone][ BC]", with pieces that are known to be well-formed.
Wide micros_since_1970(std::string text) {
  std::tm moment{};
  const bool before_christ = text.ends_with(" BC");
  if (before_christ) text.resize(text.size() - 3);
  const char* at = text.c_str();
  char* end = nullptr;
  const long year = std::strtol(at, &end, 10);
  moment.tm_year = static_cast<int>((before_christ ? 1 - year : year) - 1900);
  moment.tm_mon = static_cast<int>(std::strtol(end + 1, &end, 10)) - 1;
  moment.tm_mday = static_cast<int>(std::strtol(end + 1, &end, 10));
  Wide micros = 0;
  if (*end != 0) {
    moment.tm_hour = static_cast<int>(std::strtol(end + 1, &end, 10));
    moment.tm_min = static_cast<int>(std::strtol(end + 1, &end, 10));
    moment.tm_sec = static_cast<int>(std::strtol(end + 1, &end, 10));
    if (*end == '.') {
      std::string digits;
      for (++end; *end >= '0' && *end <= '9'; ++end) digits.push_back(*end);
      digits.resize(6, '0');
      micros = std::atol(digits.c_str());
    }
    const int sign = *end == '-' ? -1 : 1;
    for (long unit = 3'600; *end == '-' || *end == '+' || *end == ':'; unit /= 60) {
      const char* const digits = end + 1;
      micros -= Wide{sign} * std::strtol(digits, &end, 10) * unit * 1'000'000;
    }
  }
  return Wide{timegm(&moment)} * 1'000'000 + micros;
}

Wide as_number(std::string_view json) {
  Wide number = 0;
  for (const char digit : json) number = digit == '-' ? number : number * 10 + (digit - '0');
  return json.starts_with('-') ? -number : number;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  enum { kDate, kTime, kTimetz, kTimestamp, kTimestamptz, kTypes };
  static constexpr std::array<std::uint32_t, kTypes> kOids = {1082, 1083, 1266, 1114, 1184};
  static const auto types_in = [](codec::TimeForm form) {
    std::array<codec::ValueTypePtr, kTypes> types;
    for (std::size_t at = 0; at < kTypes; ++at) types[at] = fuzz::builtin(kOids[at], {.time = form});
    return types;
  };
  static const auto as_iso = types_in(codec::TimeForm::Iso);
  static const auto as_micros = types_in(codec::TimeForm::Micros);
  const fuzz::Input input(data, size);
  const std::size_t chosen = input.choice % kTypes;
  const auto iso = fuzz::encoded(*as_iso[chosen], input.text);
  const auto number = fuzz::encoded(*as_micros[chosen], input.text);
  if (chosen == kTimetz) return 0;  // has one form only
  if (!iso) return 0;
  SLUICE_CHECK(number, "what is a time is a number of microseconds");
  if (input.text.ends_with("infinity")) return 0;
  const bool is_time = chosen == kTime;
  const Wide micros = micros_since_1970((is_time ? "1970-01-01 " : "") + std::string(input.text));
  const Wide expected = chosen == kDate ? micros / 86'400'000'000 : micros;
  SLUICE_CHECK(as_number(*number) == expected, "the microseconds are what the C library says");
  return 0;
}
