// host:port, as the configuration writes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::admin {

struct Address {
  std::string host;  ///< without brackets
  int port = 0;
};

/// Nothing: it is not host:port or [host]:port.
std::optional<Address> parse_address(std::string_view text);

/// Whether a host can only be reached from this machine.
bool is_loopback(std::string_view host);

}  // namespace sluice::admin
