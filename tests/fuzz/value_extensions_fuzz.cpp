// hstore as hstore_out would write it again, and pgvector's types.
#include <array>

#include "fuzz/values.h"

using namespace sluice;

namespace {

std::string hstore_text(const nlohmann::json& pairs) {
  std::string text;
  for (const auto& [key, value] : pairs.items()) {
    if (!text.empty()) text += ", ";
    text += fuzz::in_backslashed_quotes(key) + "=>";
    text += value.is_null() ? "NULL" : fuzz::in_backslashed_quotes(value.get_ref<const std::string&>());
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::array types = {fuzz::resolved(fuzz::of_extension("hstore", "hstore")),
                                   fuzz::resolved(fuzz::of_extension("vector", "vector")),
                                   fuzz::resolved(fuzz::of_extension("vector", "sparsevec"))};
  const fuzz::Input input(data, size);
  const std::size_t chosen = input.choice % types.size();
  const auto json = fuzz::encoded(*types[chosen], input.text);
  if (!json) return 0;
  if (chosen == 1) SLUICE_CHECK(*json == input.text, "a vector is written as PostgreSQL writes it");
  if (chosen != 0) return 0;
  const auto pairs = nlohmann::json::parse(*json);
  const auto again = fuzz::encoded(*types[chosen], hstore_text(pairs));
  SLUICE_CHECK(again && nlohmann::json::parse(*again) == pairs, "an hstore that is written again is the same");
  return 0;
}
