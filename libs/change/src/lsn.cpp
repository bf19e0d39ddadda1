#include "sluice/change/lsn.h"

#include <charconv>

#include <fmt/core.h>

namespace sluice::change {
namespace {

bool parse_hex(std::string_view text, std::uint32_t& out) {
  if (text.empty() || text.size() > 8) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

base::Result<Lsn> Lsn::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  std::uint32_t high = 0;
  std::uint32_t low = 0;
  if (slash == std::string_view::npos || !parse_hex(text.substr(0, slash), high) ||
      !parse_hex(text.substr(slash + 1), low)) {
    return base::fail(
        base::Recovery::Stop, "change.bad_lsn",
        fmt::format("'{}' is not a WAL position; PostgreSQL writes them as 16/B374D848", text.substr(0, 40)));
  }
  return Lsn((std::uint64_t{high} << 32) | low);
}

std::string to_string(Lsn lsn) {
  return fmt::format("{:X}/{:X}", static_cast<std::uint32_t>(lsn.value() >> 32),
                     static_cast<std::uint32_t>(lsn.value()));
}

}  // namespace sluice::change
