// A position in PostgreSQL's write-ahead log, in bytes. Only commit LSNs are ordered across transactions.
//
// Thread rule: a value.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/base/error.h"

namespace sluice::change {

class Lsn {
 public:
  constexpr Lsn() = default;
  constexpr explicit Lsn(std::uint64_t value) : value_(value) {}

  /// Reads PostgreSQL's form "16/B374D848". Error: change.bad_lsn (Stop).
  static base::Result<Lsn> parse(std::string_view text);

  constexpr std::uint64_t value() const { return value_; }
  /// 0/0: "no position" in every PostgreSQL message.
  constexpr bool is_zero() const { return value_ == 0; }

  friend constexpr auto operator<=>(Lsn, Lsn) = default;

 private:
  std::uint64_t value_ = 0;
};

/// PostgreSQL's form: "16/B374D848".
std::string to_string(Lsn lsn);

/// How far `later` is behind `earlier`: 0 when it is not later.
constexpr std::uint64_t bytes_between(Lsn earlier, Lsn later) {
  return later > earlier ? later.value() - earlier.value() : 0;
}

}  // namespace sluice::change
