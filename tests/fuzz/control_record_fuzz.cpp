// Records of the control topic: `key LF value`. They are read or refused; what is read is written as it was read.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sluice/base/check.h"
#include "sluice/codec/control_record.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t line_end = bytes.find('\n');
  if (line_end == std::string_view::npos) return 0;
  const auto read = codec::parse_control_record(bytes.substr(0, line_end), bytes.substr(line_end + 1));
  if (!read || !*read) return 0;
  const codec::ControlRecord& record = **read;
  const auto again = codec::parse_control_record(codec::control_key(record), codec::control_value(record));
  SLUICE_CHECK(again && *again && **again == record, "a control record is written as it was read");
  return 0;
}
