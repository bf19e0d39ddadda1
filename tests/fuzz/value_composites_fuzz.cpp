// Composites of texts, lists and a composite, as record_out would write them again.
#include "fuzz/values.h"

using namespace sluice;

namespace {

change::TypeDescriptionPtr composite(std::vector<change::TypeField> fields) {
  auto type = fuzz::described(fuzz::TypeKind::Composite);
  type->fields = std::move(fields);
  return type;
}

std::string record_text(const nlohmann::ordered_json& record) {
  std::string text = "(";
  for (const auto& [name, value] : record.items()) {
    if (text.size() > 1 || name != record.begin().key()) text.push_back(',');
    if (value.is_null()) continue;
    text += fuzz::in_doubled_quotes(value.is_object()  ? record_text(value)
                                    : value.is_array() ? fuzz::array_text(nlohmann::json(value))
                                                       : value.get<std::string>());
  }
  return text + ')';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto inner = composite({{"a", fuzz::kText, nullptr}, {"b \"", fuzz::kText, nullptr}});
  static const auto type = fuzz::resolved(
      composite({{"word", fuzz::kText, nullptr}, {"words", fuzz::kTexts, nullptr}, {"pair", inner->oid, inner}}));
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto json = fuzz::encoded(*type, text);
  SLUICE_CHECK(json, "what is no such composite is text");
  const auto record = nlohmann::ordered_json::parse(*json);
  if (!record.is_object()) return 0;
  SLUICE_CHECK(fuzz::encoded(*type, record_text(record)) == json, "a composite that is written again is the same");
  return 0;
}
