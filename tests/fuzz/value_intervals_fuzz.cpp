// Intervals: the period in ISO 8601 and the microseconds say the same.
#include <cstdlib>

#include "fuzz/values.h"

using namespace sluice;

namespace {

__extension__ using Wide = __int128;

/// Of "P1Y2M-3DT4H5M-6.7S"; a month has 30.4375 days.
Wide micros_of_period(std::string_view period) {
  Wide micros = 0;
  bool in_time = false;
  std::string number;
  for (const char byte : period.substr(1)) {
    if ((byte >= '0' && byte <= '9') || byte == '-' || byte == '.') {
      number.push_back(byte);
      continue;
    }
    if (byte == 'T') {
      in_time = true;
      continue;
    }
    const std::size_t point = std::min(number.find('.'), number.size());
    std::string fraction = number.substr(std::min(point + 1, number.size()));
    fraction.resize(6, '0');
    Wide count = 0;
    for (const char digit : number.substr(0, point)) count = digit == '-' ? count : count * 10 + (digit - '0');
    const Wide second = 1'000'000;
    const Wide day = 86'400 * second;
    const Wide month = day * 487 / 16;
    Wide part = byte == 'Y'               ? count * 12 * month
                : byte == 'M' && !in_time ? count * month
                : byte == 'D'             ? count * day
                : byte == 'H'             ? count * 3'600 * second
                : byte == 'M'             ? count * 60 * second
                                          : count * second + std::atol(fraction.c_str());
    micros += number.starts_with('-') ? -part : part;
    number.clear();
  }
  return micros;
}

std::string to_text(Wide number) {
  std::string digits;
  const bool negative = number < 0;
  do {
    const int digit = static_cast<int>(number % 10);
    digits.insert(digits.begin(), static_cast<char>('0' + std::abs(digit)));
    number /= 10;
  } while (number != 0);
  return negative ? '-' + digits : digits;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto as_iso = fuzz::builtin(1186);
  static const auto as_micros = fuzz::builtin(1186, {.time = codec::TimeForm::Debezium});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto iso = fuzz::encoded(*as_iso, text);
  const auto micros = fuzz::encoded(*as_micros, text);
  if (!iso || !micros || text.ends_with("infinity")) return 0;
  SLUICE_CHECK(to_text(micros_of_period(std::string_view(*iso).substr(1, iso->size() - 2))) == *micros,
               "both forms of an interval are the same");
  return 0;
}
