// The error for a message that is well-formed but cannot stand where it does.
#pragma once

#include <string_view>

#include "sluice/base/error.h"

namespace sluice::pgoutput {

/// `what` is a clause: "a COMMIT came without a BEGIN".
[[gnu::cold]] tl::unexpected<base::Error> protocol_violation(std::string_view what);

}  // namespace sluice::pgoutput
