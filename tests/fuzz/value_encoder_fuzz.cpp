// Values: the first byte chooses a type, the rest is the text. What is accepted is one valid JSON text without line
// breaks, and of a string type the same text again.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "fuzz/json_oracle.h"
#include "sluice/base/check.h"
#include "sluice/codec/value_encoder.h"

using namespace sluice;

namespace {

constexpr std::uint32_t kText = 25;
constexpr std::uint32_t kListOfLists = 30'001;  // an array of a domain over text[]

constexpr std::array<std::uint32_t, 24> kTypes = {16,   17,   20,   kText, 114,  700,  1082, 1083,
                                                  1114, 1184, 1186, 1266,  1700, 2950, 3802, 99'999,
                                                  1001, 1007, 1009, 1020,  1185, 1187, 3807, kListOfLists};

change::TypeDescriptionPtr described(std::uint32_t oid, change::TypeKind kind, change::TypeDescriptionPtr element) {
  auto type = std::make_shared<change::TypeDescription>();
  type->oid = oid;
  type->kind = kind;
  type->element = std::move(element);
  return type;
}

std::vector<codec::ValueTypePtr> resolve_all() {
  const auto texts = described(1009, change::TypeKind::Array, nullptr);
  const auto lists =
      described(kListOfLists, change::TypeKind::Array, described(30'000, change::TypeKind::Domain, texts));
  std::vector<codec::ValueTypePtr> types;
  for (const std::uint32_t oid : kTypes)
    types.push_back(*codec::resolve_type(oid, oid == kListOfLists ? lists.get() : nullptr));
  return types;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<codec::ValueTypePtr> types = resolve_all();
  static codec::ValueEncoder encoder;
  if (size == 0) return 0;
  const std::size_t chosen = data[0] % types.size();
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::uint64_t replaced_before = encoder.replacements();
  codec::TextBuffer out;
  if (!encoder.append(*types[chosen], text, out)) {
    SLUICE_CHECK(kTypes[chosen] != kText, "every text is a value of the type text");
    return 0;
  }
  SLUICE_CHECK(fuzz::is_json(out.view()), "a value is valid JSON");
  SLUICE_CHECK(out.view().find_first_of("\r\n") == std::string_view::npos, "a value has no line break");
  if (kTypes[chosen] == kText && encoder.replacements() == replaced_before) {
    SLUICE_CHECK(nlohmann::json::parse(out.view()).get<std::string>() == text, "text comes back as it was");
  }
  return 0;
}
