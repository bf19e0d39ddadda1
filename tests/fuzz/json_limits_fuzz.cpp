// Limits of JSON: what an independent parser counts of nesting, and whether it meets a name twice or one with NUL.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "sluice/base/check.h"
#include "sluice/codec/json_limits.h"

using namespace sluice;

namespace {

constexpr codec::JsonLimits kLimits = {.max_nesting = 8, .max_number_bytes = 1'000, .max_path_bytes = 100'000};

/// Between tokens, line breaks are not our checker's; the parser takes NUL for the end.
constexpr std::string_view kNotJudged("\r\n\0", 3);

class Counter : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool keeps() const { return !refused_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(std::int64_t) override { return true; }
  bool number_unsigned(std::uint64_t) override { return true; }
  bool number_float(double, const std::string& text) override { return text.size() <= kLimits.max_number_bytes; }
  bool string(std::string&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool key(std::string& name) override {
    const bool is_new = names_.back().insert(name).second;
    refused_ = refused_ || !is_new || name.find('\0') != std::string::npos;
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  bool open() {
    names_.emplace_back();
    refused_ = refused_ || names_.size() > kLimits.max_nesting;
    return true;
  }
  bool close() {
    names_.pop_back();
    return true;
  }

  std::vector<std::set<std::string>> names_;
  bool refused_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static codec::JsonLimitChecker checker;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const bool kept = checker.keeps(kLimits, text);  // ends well on what is no JSON, too
  Counter counter;
  const bool is_judged = text.find_first_of(kNotJudged) == std::string_view::npos && size <= kLimits.max_number_bytes;
  if (is_judged && nlohmann::json::sax_parse(text, &counter))
    SLUICE_CHECK(kept == counter.keeps(), "an independent parser says the same");
  return 0;
}
