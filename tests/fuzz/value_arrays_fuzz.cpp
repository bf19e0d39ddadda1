// Arrays: of texts as array_out would write them again, and of types whose elements are parsed in their turn.
#include <array>

#include "fuzz/values.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto lists = fuzz::resolved(fuzz::described(
      fuzz::TypeKind::Array,
      fuzz::described(fuzz::TypeKind::Domain, fuzz::described(fuzz::TypeKind::Array, nullptr, fuzz::kTexts))));
  static const std::array types = {fuzz::builtin(fuzz::kTexts), fuzz::builtin(1007), fuzz::builtin(1020),
                                   fuzz::builtin(3807),         fuzz::builtin(3905), lists};
  const fuzz::Input input(data, size);
  const std::size_t chosen = input.choice % types.size();
  const auto json = fuzz::encoded(*types[chosen], input.text);
  if (!json || chosen != 0) return 0;
  const std::string again = fuzz::array_text(nlohmann::json::parse(*json));
  SLUICE_CHECK(fuzz::encoded(*types[chosen], again) == json, "an array that is written again is the same");
  return 0;
}
