// Values: the first byte chooses a type, the rest is the text. What is accepted is one valid JSON text without line
// breaks, and of a string type the same text again.
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "fuzz/json_oracle.h"
#include "sluice/base/check.h"
#include "sluice/codec/value_encoder.h"

using namespace sluice;

namespace {

constexpr std::uint32_t kText = 25;
constexpr std::uint32_t kListOfLists = 30'001;  // an array of a domain over text[]
constexpr std::uint32_t kComposite = 30'002;
constexpr std::uint32_t kComposites = 30'003;
constexpr std::uint32_t kTextRange = 30'004;
constexpr std::uint32_t kHstore = 30'005;
constexpr std::uint32_t kVector = 30'006;

// New ones go to the end: the corpus names them by their place.
constexpr std::array<std::uint32_t, 33> kTypes = {
    16,   17,           20,   kText, 114,    700,  1082,       1083,        1114,       1184,    1186,
    1266, 1700,         2950, 3802,  99'999, 1001, 1007,       1009,        1020,       1185,    1187,
    3807, kListOfLists, 3904, 3908,  4451,   3905, kComposite, kComposites, kTextRange, kHstore, kVector};

using change::TypeKind;

change::TypeDescriptionPtr described(std::uint32_t oid, TypeKind kind, change::TypeDescriptionPtr element,
                                     std::string_view extension_type = {}) {
  auto type = std::make_shared<change::TypeDescription>();
  type->oid = oid;
  type->kind = kind;
  type->element = std::move(element);
  type->name = extension_type;
  type->extension = extension_type;
  return type;
}

std::map<std::uint32_t, change::TypeDescriptionPtr> descriptions() {
  const auto texts = described(1009, TypeKind::Array, nullptr);
  auto composite = std::make_shared<change::TypeDescription>();
  composite->oid = kComposite;
  composite->kind = TypeKind::Composite;
  composite->fields = {{"n", 23, nullptr}, {"words", 1009, nullptr}, {"span", 3904, nullptr}, {"doc", 3802, nullptr}};
  const change::TypeDescriptionPtr row = composite;
  return {{kListOfLists, described(kListOfLists, TypeKind::Array, described(30'000, TypeKind::Domain, texts))},
          {kComposite, row},
          {kComposites, described(kComposites, TypeKind::Array, row)},
          {kTextRange, described(kTextRange, TypeKind::Range, described(kText, TypeKind::Base, nullptr))},
          {kHstore, described(kHstore, TypeKind::Base, nullptr, "hstore")},
          {kVector, described(kVector, TypeKind::Base, nullptr, "vector")}};
}

/// The choices that the fuzzer has: the types as they are by default, then those of each ValueOptions.
std::vector<codec::ValueTypePtr> resolve_all() {
  const auto described_types = descriptions();
  std::vector<codec::ValueTypePtr> types;
  for (const codec::ValueOptions& options :
       {codec::ValueOptions{},
        codec::ValueOptions{
            .decimal = codec::DecimalForm::Number, .time = codec::TimeForm::Micros, .bytea = codec::BytesForm::Hex},
        codec::ValueOptions{.decimal = codec::DecimalForm::Double,
        .time = codec::TimeForm::Debezium,
        .json = codec::JsonForm::String}}) {
    for (const std::uint32_t oid : kTypes) {
      const auto type = described_types.find(oid);
      types.push_back(*codec::resolve_type(oid, type == described_types.end() ? nullptr : type->second.get(), options));
    }
  }
  return types;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<codec::ValueTypePtr> types = resolve_all();
  static codec::ValueEncoder encoder;
  if (size == 0) return 0;
  const std::size_t chosen = data[0] % types.size();
  const bool is_text = kTypes[chosen % kTypes.size()] == kText;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::uint64_t replaced_before = encoder.replacements();
  base::TextBuffer out;
  if (!encoder.append(*types[chosen], text, out)) {
    SLUICE_CHECK(!is_text, "every text is a value of the type text");
    return 0;
  }
  SLUICE_CHECK(fuzz::is_json(out.view()), "a value is valid JSON");
  SLUICE_CHECK(out.view().find_first_of("\r\n") == std::string_view::npos, "a value has no line break");
  if (is_text && encoder.replacements() == replaced_before) {
    SLUICE_CHECK(nlohmann::json::parse(out.view()).get<std::string>() == text, "text comes back as it was");
  }
  return 0;
}
