// Numbers, bytes and uuids: every digit and byte is there, as the C library and a decoder of a few lines see it.
#include <array>
#include <cmath>
#include <cstdlib>

#include "fuzz/values.h"

using namespace sluice;

namespace {

std::string hex_of_base64(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::uint32_t bits = 0;
  int held = 0;
  std::string hex;
  for (const char letter : text.substr(0, text.find('='))) {
    bits = bits << 6 | static_cast<std::uint32_t>(kAlphabet.find(letter));
    held += 6;
    if (held < 8) continue;
    held -= 8;
    const std::uint32_t byte = bits >> held & 0xFF;
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 0xF];
  }
  return hex;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& byte : lower) byte = byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
  return lower;
}

bool is_nearest_double(const nlohmann::json& value, std::string_view text) {
  const double nearest = std::strtod(std::string(text).c_str(), nullptr);
  // What a double cannot hold stays text. (Written with an exponent, which PostgreSQL never does, also what is too
  // small.)
  return value.is_string() ? !std::isnormal(nearest) && value == text : value.get<double>() == nearest;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  enum { kBool, kInteger, kFloat, kNumeric, kNumber, kDouble, kUuid, kBytes, kHex, kTypes };
  static const std::array<codec::ValueTypePtr, kTypes> types = {
      fuzz::builtin(16),
      fuzz::builtin(20),
      fuzz::builtin(701),
      fuzz::builtin(1700),
      fuzz::builtin(1700, {.decimal = codec::DecimalForm::Number}),
      fuzz::builtin(1700, {.decimal = codec::DecimalForm::Double}),
      fuzz::builtin(2950),
      fuzz::builtin(17),
      fuzz::builtin(17, {.bytea = codec::BytesForm::Hex})};
  const fuzz::Input input(data, size);
  const std::size_t chosen = input.choice % types.size();
  const auto json = fuzz::encoded(*types[chosen], input.text);
  if (!json) return 0;
  const std::string text(input.text);
  const std::string bare = json->starts_with('"') ? json->substr(1, json->size() - 2) : *json;
  switch (chosen) {
    case kInteger: SLUICE_CHECK(*json == text, "an integer is its digits"); break;
    case kFloat:
    case kNumeric:
    case kNumber:
    case kUuid: SLUICE_CHECK(bare == text, "the value is its text"); break;
    case kDouble: SLUICE_CHECK(is_nearest_double(nlohmann::json::parse(*json), text), "the nearest double"); break;
    case kBytes: SLUICE_CHECK("\\x" + hex_of_base64(bare) == lower_case(text), "base64 holds every byte"); break;
    case kHex: SLUICE_CHECK("\\x" + bare == text, "hex holds every byte"); break;
    default: break;
  }
  return 0;
}
