// Records of Kafka: `key LF value`. Whatever they hold is read or refused; slices of what is read are valid JSON
// without line breaks, and the members that FieldCursor gives are those that an independent parser finds. Bytes are
// tried as a header too.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "fuzz/json_oracle.h"
#include "sluice/base/check.h"
#include "sluice/codec/envelope_reader.h"
#include "sluice/codec/record_key.h"
#include "sluice/codec/stream_header.h"

using namespace sluice;

namespace {

std::size_t count_fields(std::string_view object) {
  std::size_t count = 0;
  for (codec::FieldCursor field(object); field.next(); ++count) {
    SLUICE_CHECK(nlohmann::json::parse(field.raw_name()).get<std::string>() == field.name(), "a name is unescaped");
    SLUICE_CHECK(fuzz::is_json(field.raw_value()), "a member's value is valid JSON");
  }
  return count;
}

void check_slice(std::string_view object) {
  if (object.empty()) return;
  SLUICE_CHECK(fuzz::is_json(object), "a slice is valid JSON");
  SLUICE_CHECK(object.find_first_of("\r\n") == std::string_view::npos, "a slice has no line break");
  // An independent parser keeps one member of each name, so it may find fewer.
  const std::size_t fields = count_fields(object);
  if (!nlohmann::json::accept(object)) return;  // a number that only that parser refuses
  SLUICE_CHECK(fields >= nlohmann::json::parse(object).size(), "no member is passed over");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static codec::EnvelopeReader reader;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)codec::decode_header(bytes);
  (void)codec::peek_event_id(bytes);
  for (codec::FieldCursor field(bytes); field.next();) (void)field.name();

  const std::size_t line_end = bytes.find('\n');
  if (line_end == std::string_view::npos) return 0;
  const std::string_view key = bytes.substr(0, line_end);
  const base::Result<const codec::Envelope*> read = reader.read(key, bytes.substr(line_end + 1));
  if (!read) return 0;
  const codec::Envelope& envelope = **read;
  check_slice(envelope.before);
  check_slice(envelope.after);
  std::vector<std::string_view> changed;
  codec::append_changed_names(envelope.before, envelope.after, changed);
  for (const std::string_view name : changed) SLUICE_CHECK(fuzz::is_json(name), "a changed name is valid JSON");
  return 0;
}
