// A string that cannot be printed by accident (rule S-3): no conversion, no operator<<, no fmt formatter.
//
// Thread rule: a value.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace sluice::base {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  /// The secret itself; call it only where it is handed to the library that needs it.
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

  /// What may be printed in its place.
  static constexpr std::string_view kHidden = "********";

  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  std::string value_;
};

}  // namespace sluice::base
