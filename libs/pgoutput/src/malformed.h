// The error for bytes that do not have the layout that their first byte promises.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sluice/base/error.h"

namespace sluice::pgoutput {

/// "'I'" or, for what is not printable, "0x00".
std::string printable_kind(char kind);

/// REQUIRES: `message` is not empty.
[[gnu::cold]] tl::unexpected<base::Error> malformed(std::string_view message, std::size_t offset);

}  // namespace sluice::pgoutput
