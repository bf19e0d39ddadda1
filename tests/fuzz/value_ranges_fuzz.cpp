// Ranges and multiranges: of texts as range_out would write them again, and of types whose bounds are parsed.
#include <array>

#include "fuzz/values.h"

using namespace sluice;

namespace {

std::string range_text(const nlohmann::json& range) {
  if (range.contains("empty")) return "empty";
  const auto bound = [&](const char* name) {
    return range.contains(name) ? fuzz::in_doubled_quotes(range[name].get_ref<const std::string&>()) : "";
  };
  return (range.contains("gte") ? "[" : "(") + bound("gte") + bound("gt") + ',' + bound("lte") + bound("lt") +
         (range.contains("lte") ? "]" : ")");
}

std::string multirange_text(const nlohmann::json& ranges) {
  std::string text = "{";
  for (const nlohmann::json& range : ranges) text += (text.size() > 1 ? "," : "") + range_text(range);
  return text + '}';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto text_type = fuzz::described(fuzz::TypeKind::Base);
  static const std::array types = {fuzz::resolved(fuzz::described(fuzz::TypeKind::Range, text_type)),
                                   fuzz::resolved(fuzz::described(fuzz::TypeKind::Multirange, text_type)),
                                   fuzz::builtin(3904),
                                   fuzz::builtin(3906),
                                   fuzz::builtin(3910),
                                   fuzz::builtin(4533)};
  const fuzz::Input input(data, size);
  const std::size_t chosen = input.choice % types.size();
  const auto json = fuzz::encoded(*types[chosen], input.text);
  if (!json || chosen > 1) return 0;
  const auto value = nlohmann::json::parse(*json);
  const std::string again = chosen == 0 ? range_text(value) : multirange_text(value);
  SLUICE_CHECK(fuzz::encoded(*types[chosen], again) == json, "a range that is written again is the same");
  return 0;
}
